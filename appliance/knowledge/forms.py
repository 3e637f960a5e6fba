"""Forms of articles: filters, editing, workflow, votes and import."""

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core.fields import LANGUAGE_CONFIGS
from appliance.core.forms import Form
from appliance.core.reader_language import name_language
from appliance.files.forms import FormWithFiles, UploadsField
from appliance.knowledge import queries
from appliance.knowledge.models import Article
from appliance.knowledge.queries import CHANGED, SORTS, ArticleFilters, ArticleSort
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import TicketCategory

MAX_CONTENT_CHARACTERS = 200_000
ANY = ("", _("All"))


class ArticleFilterForm(Form):
    """Filters and sort order of the article list, read from the query string."""

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
        label=_("Visibility"), required=False, choices=[ANY, *Article.Audience.choices]
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    owner = forms.ModelChoiceField(
        label=_("Owner"), queryset=User.objects.none(), required=False, empty_label=ANY[1]
    )
    due = forms.BooleanField(label=_("Due for review"), required=False)
    sort = forms.ChoiceField(
        label=_("Sort by"),
        required=False,
        choices=[(sort.name, sort.label) for sort in SORTS.values()],
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        categories = tickets_queries.list_categories()
        slugs = [(category.slug, category.name) for category in categories]
        self.set_choices("category", [ANY, *slugs])
        languages = [(code, name_language(code)) for code in queries.list_languages()]
        self.set_choices("language", [ANY, *languages])
        self.set_queryset("owner", queries.list_owners())

    def filters(self) -> ArticleFilters:
        """Return the filters of ``queries.list_articles``; an unknown category matches nothing."""
        self.is_valid()
        data = self.cleaned_data
        owner = data.get("owner")
        return {
            "text": data.get("text", "").replace("\0", ""),
            "status": data.get("status", ""),
            "audience": data.get("audience", ""),
            "language": data.get("language", ""),
            "category": "?" if "category" in self.errors else data.get("category", ""),
            "owner": owner.pk if owner else None,
            "is_due": bool(data.get("due")),
        }

    def order(self) -> ArticleSort:
        """Return the chosen sort order."""
        return SORTS.get(self.cleaned_data.get("sort", ""), CHANGED)


class ArticleForm(FormWithFiles):
    """Title, content, files and properties of an article."""

    without_error = ("drop",)
    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        help_text=_("The question the article answers, in the reader's words."),
    )
    content = forms.CharField(
        label=_("Content"),
        max_length=MAX_CONTENT_CHARACTERS,
        help_text=_(
            "Markdown: ## heading, **bold**, - list, 1. steps, `code`. Image attached "
            "to this article: ![description](file name)."
        ),
        widget=forms.Textarea(attrs={"rows": 18, "class": "form-control font-monospace"}),
    )
    # Django moves declared fields to ``base_fields``; ``files`` of a form holds its uploads.
    files = UploadsField(  # type: ignore[assignment]
        label=_("Add images and files"),
        required=False,
        help_text=_("Drag files onto this form. Refer to an image by its file name."),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    is_current = forms.BooleanField(
        label=_("Up to date with the original"),
        required=False,
        help_text=_("Otherwise the translation stays marked as outdated."),
    )
    drop = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    category = forms.ModelChoiceField(
        label=_("Category"),
        queryset=TicketCategory.objects.none(),
        required=False,
        empty_label=_("No category"),
    )
    status = forms.TypedChoiceField(  # the button that was pressed
        choices=Article.Status.choices, coerce=Article.Status, required=False, empty_value=None
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
        queryset=User.objects.none(),
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
    seen_at = forms.DateTimeField(
        label=_("Version you saw"),
        required=False,
        widget=forms.HiddenInput,
        error_messages={
            "invalid": _("This page is out of date. Copy your text, reload the page and try again.")
        },
    )

    def __init__(
        self,
        *args: object,
        article: Article | None = None,
        translation_of: Article | None = None,
        **kwargs: object,
    ) -> None:
        """Edit ``article``, or write a new one: a translation, if that is given."""
        super().__init__(*args, **kwargs)
        self._offer_languages(article, translation_of)
        self._original = article.original if article else None
        if article is None or not article.is_outdated:
            del self.fields["is_current"]
        self.set_queryset("category", tickets_queries.list_categories())
        self.set_queryset("owner", queries.list_owners())
        file_names = article.files.values_list("name", flat=True) if article else []
        self.set_choices("drop", [(name, name) for name in file_names])

    def _offer_languages(self, article: Article | None, translation_of: Article | None) -> None:
        """Offer all languages, or of a group of translations those that it lacks."""
        if source := translation_of or article:
            codes = queries.list_missing_languages(source)
            codes += [article.language] if article and article.language else []
        else:
            codes = list(LANGUAGE_CONFIGS)
        choices = [(code, name_language(code)) for code in LANGUAGE_CONFIGS if code in codes]
        is_chosen = bool(translation_of or (article and article.original_id))
        first = [] if is_chosen else [("", _("Recognise from the text"))]
        self.set_choices("language", [*first, *choices])
        self.fields["language"].required = is_chosen

    def article_values(self) -> dict[str, object]:
        """Return the arguments of ``write_article``; ``edit_article`` takes two more."""
        left_out = {"seen_at", "drop", "is_current"}
        left_out |= {name for name in ("status", "audience") if self.cleaned_data.get(name) is None}
        if "language" not in self.data:  # sent by an older page or a script
            left_out.add("language")
        values = {name: value for name, value in self.cleaned_data.items() if name not in left_out}
        if self._original and self.cleaned_data.get("is_current"):
            values["original_version"] = self._original.version
        return values

    @classmethod
    def initial_of(cls, article: Article) -> dict[str, object]:
        """Return the initial values of the form that edits an article."""
        return {
            "title": article.title,
            "content": article.content,
            "language": article.language,
            "category": article.category_id,
            "audience": article.audience,
            "owner": article.owner_id,
            "review_on": article.review_on,
            "seen_at": article.updated_at.isoformat(),
        }

    @classmethod
    def initial_of_translation(
        cls, original: Article, *, language: str, owner: User
    ) -> dict[str, object]:
        """Return the initial values of the form that writes a translation: the text to translate.

        ``language`` is offered first; an unknown one is ignored.
        """
        missing = queries.list_missing_languages(original)
        return {
            "title": original.title,
            "content": original.content,
            "language": language if language in missing else next(iter(missing), ""),
            "category": original.category_id,
            "audience": original.audience,
            "owner": owner.pk,
        }


class MoveForm(Form):
    """A change of status: one step of the workflow."""

    verb = forms.ChoiceField(
        choices=[(verb, verb) for verb in ("submit", "publish", "archive", "reopen")]
    )


class RestoreForm(Form):
    """The number of the version to restore."""

    number = forms.IntegerField(min_value=1, max_value=2**31 - 1)


class CompareForm(Form):
    """The versions to compare; by default the newest and the one before it."""

    old = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
    new = forms.IntegerField(min_value=1, max_value=2**31 - 1, required=False)

    def numbers(self, newest: int) -> tuple[int, int]:
        """Return the numbers of the old and the new version."""
        self.is_valid()
        new = self.cleaned_data.get("new") or newest
        return self.cleaned_data.get("old") or max(1, new - 1), new


class VoteForm(Form):
    """The vote of a reader, with a comment."""

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
    """The source of an import."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A ZIP archive of Markdown or HTML files, a single Markdown or HTML file, or a "
            "CSV file."
        ),
        widget=forms.FileInput(attrs={"accept": ".zip,.md,.markdown,.html,.htm,.csv"}),
    )
