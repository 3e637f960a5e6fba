from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form
from appliance.knowledge.models import Article
from appliance.tickets import queries as tickets

CONTENT_LIMIT = 200_000  # characters


class ArticleFilterForm(Form):
    """What the list is narrowed to, from the address of the page."""

    category = forms.CharField(required=False)
    status = forms.CharField(required=False)

    def narrowed(self) -> dict[str, str]:
        """What ``queries.list_articles`` takes; what cannot be a name narrows nothing."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}


class ArticleForm(Form):
    title = forms.CharField(
        label=_("Title"),
        max_length=200,
        help_text=_("The question it answers, in the words of whoever asks."),
    )
    category = forms.ModelChoiceField(
        label=_("Category"), queryset=None, required=False, empty_label=_("No category")
    )
    status = forms.TypedChoiceField(
        label=_("Status"),
        choices=Article.Status.choices,
        coerce=Article.Status,
        help_text=_("Customers see published articles only."),
    )
    content = forms.CharField(
        label=_("Content"),
        max_length=CONTENT_LIMIT,
        help_text=_("Markdown: ## heading, **bold**, - list, 1. steps, `code`."),
        widget=forms.Textarea(attrs={"rows": 18, "class": "form-control font-monospace"}),
    )
    seen_at = forms.DateTimeField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category"].queryset = tickets.list_categories()
