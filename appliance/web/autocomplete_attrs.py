"""Says on a form's field what complete.js may offer there, and which key leads to it."""

from django.forms import BaseForm
from django.urls import reverse

from appliance.tickets.models import Ticket


def words(form: BaseForm, field: str, url: str) -> None:
    """Words with commas between them."""
    _say(form, field, complete="words", url=url)


def complete_field(form: BaseForm, field: str, url: str) -> None:
    """One thing that fills the field."""
    _say(form, field, complete="whole", url=url)


def answer(form: BaseForm, ticket: Ticket) -> None:
    """Colleagues after "@" in a note, canned replies after ":"."""
    at, colon = (
        reverse(name, args=[ticket.pk]) for name in ("mentionable", "find-canned-responses")
    )
    _say(form, "body", complete="text", at=at, at_for="[name=kind][value=note]", colon=colon)


def keys(form: BaseForm, **key_of: str) -> None:
    """The key of each field, by its name; a field the form has not is left out."""
    for field, key in key_of.items():
        if field in form.fields:
            form.fields[field].widget.attrs |= {
                "data-key": key,
                "data-key-label": form.fields[field].label,
            }


def _say(form: BaseForm, field: str, **what: str) -> None:
    attrs = {f"data-{name.replace('_', '-')}": value for name, value in what.items()}
    form.fields[field].widget.attrs |= attrs | {"autocomplete": "off", "aria-autocomplete": "list"}
