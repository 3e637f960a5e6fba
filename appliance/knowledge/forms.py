from datetime import date

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core.forms import Form
from appliance.files.forms import FormWithFiles, UploadsField
from appliance.knowledge import queries
from appliance.knowledge.models import Article
from appliance.knowledge.queries import CHANGED, SORTS, ArticleSort
from appliance.tickets import queries as tickets_queries

CONTENT_LIMIT = 200_000  # characters
EVERY = ("", _("All"))


class ArticleFilterForm(Form):
    """Filters of the article list, from the page's query string."""

    text = forms.CharField(
        label=_("Search terms"),
        required=False,
        max_length=200,
        widget=forms.TextInput({"type": "search"}),
    )
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All except archived")), *Article.Status.choices],
    )
    audience = forms.ChoiceField(
        label=_("Visibility"), required=False, choices=[EVERY, *Article.Audience.choices]
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    owner = forms.ModelChoiceField(
        label=_("Owner"), queryset=None, required=False, empty_label=EVERY[1]
    )
    due = forms.BooleanField(label=_("Due for review"), required=False)
    sort = forms.ChoiceField(
        label=_("Sort by"), required=False, choices=[(s.name, s.label) for s in SORTS.values()]
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        named = [(category.slug, category.name) for category in tickets_queries.list_categories()]
        self.set_choices("category", [EVERY, *named])
        self.set_queryset("owner", queries.list_owners())

    def filters(self) -> dict[str, object]:
        """What ``queries.list_articles`` takes. What is not understood finds nothing."""
        self.is_valid()
        data = self.cleaned_data
        owner: User | None = data.get("owner")
        wrong = self.errors and next(iter(self.errors))
        return {
            "text": data.get("text", "").replace("\0", ""),
            "status": data.get("status", ""),
            "audience": data.get("audience", ""),
            "category": data.get("category", "") or ("?" if wrong == "category" else ""),
            "owner": owner.pk if owner else None,
            "is_due": bool(data.get("due")),
        }

    def order(self) -> ArticleSort:
        return SORTS.get(self.cleaned_data.get("sort", ""), CHANGED)


class ArticleForm(FormWithFiles):
    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        help_text=_("The question the article answers, in the reader's words."),
    )
    content = forms.CharField(
        label=_("Content"),
        max_length=CONTENT_LIMIT,
        help_text=_(
            "Markdown: ## heading, **bold**, - list, 1. steps, `code`. Image attached "
            "to this article: ![description](file name)."
        ),
        widget=forms.Textarea(attrs={"rows": 18, "class": "form-control font-monospace"}),
    )
    files = UploadsField(
        label=_("Add images and files"),
        required=False,
        help_text=_("Drag files onto this form. Refer to an image by its file name."),
    )
    drop = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    category = forms.ModelChoiceField(
        label=_("Category"), queryset=None, required=False, empty_label=_("No category")
    )
    status = forms.TypedChoiceField(
        label=_("Status"),
        choices=Article.Status.choices,
        coerce=Article.Status,
        help_text=_("Customers can see published articles only."),
    )
    audience = forms.TypedChoiceField(
        label=_("Visibility"),
        choices=Article.Audience.choices,
        coerce=Article.Audience,
        required=False,
        empty_value=None,
        help_text=_("Public articles are visible without signing in if the help centre is public."),
    )
    owner = forms.ModelChoiceField(
        label=_("Owner"),
        queryset=None,
        required=False,
        empty_label=_("Nobody"),
        help_text=_("Responsible for keeping it up to date."),
    )
    review_on = forms.DateField(
        label=_("Review date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    note = forms.CharField(
        label=_("Change note"),
        required=False,
        max_length=200,
        help_text=_("Shown with this version in the history."),
    )
    seen_at = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, article: Article | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.set_queryset("category", tickets_queries.list_categories())
        self.set_queryset("owner", queries.list_owners())
        names = article.files.values_list("name", flat=True) if article else []
        self.set_choices("drop", [(name, name) for name in names])

    def values(self) -> dict[str, object]:
        """What ``write_article`` takes; ``edit_article`` takes ``seen_at`` and ``drop`` as well."""
        data = {k: v for k, v in self.cleaned_data.items() if k not in ("seen_at", "drop")}
        if data["audience"] is None:
            del data["audience"]
        return data

    @classmethod
    def initial_of(cls, article: Article) -> dict[str, object]:
        review_on: date | None = article.review_on
        return {
            "title": article.title,
            "content": article.content,
            "category": article.category_id,
            "status": article.status,
            "audience": article.audience,
            "owner": article.owner_id,
            "review_on": review_on,
            "seen_at": article.updated_at.isoformat(),
        }


class MoveForm(Form):
    """One step of an article's life."""

    verb = forms.ChoiceField(
        choices=[(verb, verb) for verb in ("submit", "publish", "archive", "reopen")]
    )


class RestoreForm(Form):
    number = forms.IntegerField(min_value=1, max_value=2**31 - 1)


class CompareForm(Form):
    """Which two versions; the newest and the one before unless the address says otherwise."""

    old = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    new = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False)

    def numbers(self, newest: int) -> tuple[int, int]:
        self.is_valid()
        new = self.cleaned_data.get("new") or newest
        return self.cleaned_data.get("old") or max(1, new - 1), new


class VoteForm(Form):
    is_helpful = forms.TypedChoiceField(
        choices=[("yes", _("Yes")), ("no", _("No"))], coerce=lambda value: value == "yes"
    )
    comment = forms.CharField(
        label=_("What was missing, wrong or helpful?"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ImportForm(Form):
    """A source, and whether to do what the page has said would happen."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A ZIP archive of Markdown or HTML files, a single Markdown or HTML file, or a "
            "CSV file."
        ),
        widget=forms.FileInput(attrs={"accept": ".zip,.md,.markdown,.html,.htm,.csv"}),
    )
