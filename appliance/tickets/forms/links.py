"""Forms that name another ticket, tags, a subject for what is split off."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.core.forms import Form, IdempotentForm
from appliance.tickets import queries
from appliance.tickets.models import Ticket, TicketLink

NUMBER = re.compile(r"(?:skr-)?(\d{1,18})", re.IGNORECASE)


class TicketNumberField(forms.CharField):
    """A ticket as people call it; the viewer must see it. Give it ``viewer`` before it cleans."""

    viewer: User

    def clean(self, value: object) -> Ticket | None:
        text = super().clean(value)
        number = NUMBER.fullmatch(text.strip().lstrip("#"))
        if number is None:
            raise ValidationError(_("Enter a ticket number, such as SKR-12."))
        try:
            return queries.access_ticket(self.viewer, int(number[1]))
        except Http404:
            raise ValidationError(_("No ticket has this number.")) from None


class MergeForm(Form):
    target = TicketNumberField(
        label=gettext_lazy("Merge into"),
        max_length=30,
        widget=forms.TextInput(attrs={"placeholder": "SKR-12", "autocomplete": "off"}),
    )

    def __init__(self, *args: object, viewer: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].viewer = viewer


class LinkForm(MergeForm):
    kind = forms.TypedChoiceField(
        label=gettext_lazy("This ticket"),
        choices=[(k.value, k.label) for k in TicketLink.Kind if k != TicketLink.Kind.SPLIT_FROM],
        coerce=TicketLink.Kind,
    )
    field_order = ["kind", "target"]

    def __init__(self, *args: object, viewer: User, **kwargs: object) -> None:
        super().__init__(*args, viewer=viewer, **kwargs)
        self.fields["target"].label = _("Ticket")


class SplitForm(IdempotentForm):
    subject = forms.CharField(label=gettext_lazy("Subject of the new ticket"), max_length=200)


def tag_names(text: str) -> list[str]:
    """Names with commas between them, as people type them."""
    return [name.strip() for name in text.split(",") if name.strip()]


class TagsForm(Form):
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        max_length=1000,
        required=False,
        help_text=gettext_lazy("Separated by commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def names(self) -> list[str]:
        return tag_names(self.cleaned_data["tags"])
