"""Forms that merge, link, split and tag tickets."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import User
from appliance.core.forms import Form, IdempotentForm
from appliance.tickets import queries
from appliance.tickets.models import Ticket, TicketLink

TICKET_NUMBER = re.compile(r"(?:skr-)?(\d{1,18})", re.IGNORECASE)


class MergeForm(Form):
    target = forms.CharField(
        label=gettext_lazy("Merge into"),
        max_length=30,
        widget=forms.TextInput(attrs={"placeholder": "SKR-12", "autocomplete": "off"}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, viewer: User) -> None:
        super().__init__(data)
        self.viewer = viewer

    def clean_target(self) -> Ticket:
        """Return the ticket of the number, which the viewer must see."""
        number = TICKET_NUMBER.fullmatch(self.cleaned_data["target"].lstrip("#"))
        if number is None:
            raise ValidationError(_("Enter a ticket number, such as SKR-12."))
        try:
            return queries.access_ticket(self.viewer, int(number[1]))
        except Http404:
            raise ValidationError(_("No ticket has this number.")) from None


class LinkForm(MergeForm):
    kind = forms.TypedChoiceField(
        label=gettext_lazy("This ticket"),
        choices=[
            (kind.value, kind.label)
            for kind in TicketLink.Kind
            if kind != TicketLink.Kind.SPLIT_FROM
        ],
        coerce=TicketLink.Kind,
    )
    field_order = ["kind", "target"]

    def __init__(self, data: Mapping[str, Any] | None = None, *, viewer: User) -> None:
        super().__init__(data, viewer=viewer)
        self.fields["target"].label = _("Ticket")


class SplitForm(IdempotentForm):
    subject = forms.CharField(label=gettext_lazy("Subject of the new ticket"), max_length=200)


def split_tag_names(text: str) -> list[str]:
    """Return the names of a list with commas."""
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
        return split_tag_names(self.cleaned_data["tags"])
