"""Forms on categories, tags and custom fields."""

from typing import Any

from django import forms
from django.core.validators import validate_slug
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from appliance.accounts.models import User
from appliance.core.forms import Form
from appliance.manage.forms.crud import LinesField
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import CustomField, Tag, TicketCategory


class CategoryForm(Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One or two sentences on what belongs here. Used for classification."),
    )
    examples = LinesField(
        label=_("Example phrases"),
        max_length=6000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("One per line, in customers' words: “The printer jams on every page”."),
    )

    def __init__(self, data: QueryDict | None, category: TicketCategory | None = None) -> None:
        names = self.base_fields
        super().__init__(
            data, initial={name: getattr(category, name) for name in names} if category else {}
        )


class TagForm(Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=40,
        help_text=_("Renames it on every ticket and in every saved view."),
    )

    def __init__(self, data: QueryDict | None, tag: Tag | None = None) -> None:
        super().__init__(data, initial={"name": tag.name} if tag else {})


class CustomFieldForm(Form):
    label = forms.CharField(
        label=_("Label"), max_length=80, help_text=_("For example “Room number”")
    )
    key = forms.CharField(
        label=_("Key"),
        max_length=40,
        required=False,
        validators=[validate_slug],
        help_text=_(
            "Name in exports: letters, digits, - and _. Leave empty to create it from "
            "the label. Cannot be changed later."
        ),
    )
    owner = forms.ChoiceField(
        label=_("Field of"),
        choices=CustomField.Owner.choices,
        help_text=_("Cannot be changed later."),
    )
    kind = forms.ChoiceField(
        label=_("Field type"),
        choices=CustomField.Kind.choices,
        help_text=_("Cannot be changed later."),
    )
    choices = LinesField(
        label=_("Options"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_(
            "One per line, for selection fields only. Removed options stay on tickets that "
            "use them."
        ),
    )
    categories = forms.ModelMultipleChoiceField(
        label=_("Categories"),
        queryset=TicketCategory.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty to show the field on every ticket. Not for fields of customers."),
    )
    is_for_customers = forms.BooleanField(
        label=_("Customers can see and fill it in"), required=False
    )
    is_required = forms.BooleanField(
        label=_("Required"),
        required=False,
        help_text=_("For customers when creating a ticket, for agents before solving it."),
    )

    def __init__(
        self, data: QueryDict | None, viewer: User, field: CustomField | None = None
    ) -> None:
        super().__init__(data, initial=_initial(field) if field else {})
        self.set_queryset("categories", tickets_queries.list_all_categories(viewer))
        if field:
            self._remove_fixed_fields(field)

    def _remove_fixed_fields(self, field: CustomField) -> None:
        """Remove what existing values of tickets depend on."""
        del self.fields["key"], self.fields["kind"], self.fields["owner"]
        if field.owner == CustomField.Owner.CUSTOMER:
            del self.fields["categories"], self.fields["is_for_customers"]
        if field.kind != CustomField.Kind.CHOICE:
            del self.fields["choices"]

    def values(self) -> dict[str, Any]:
        defaults = {"choices": [], "categories": [], "is_for_customers": False}
        return defaults | {name: self.cleaned_data[name] for name in self.fields}


def _initial(field: CustomField) -> dict[str, Any]:
    names = ("label", "choices", "is_for_customers", "is_required")
    categories = sorted(category.pk for category in field.categories.all())
    return {name: getattr(field, name) for name in names} | {"categories": categories}


class MergeTagForm(Form):
    target = forms.ModelChoiceField(
        label=_("Merge into"), queryset=Tag.objects.none(), empty_label=_("Select")
    )

    def __init__(self, data: QueryDict | None, viewer: User, tag: Tag) -> None:
        super().__init__(data)
        self.set_queryset("target", tickets_queries.list_all_tags(viewer).exclude(pk=tag.pk))


class SampleForm(Form):
    """A sample text for the classifier."""

    sample = forms.CharField(
        label=_("Sample text"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def text(self) -> str:
        self.is_valid()
        return self.cleaned_data.get("sample", "").strip()
