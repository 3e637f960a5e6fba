"""A text as an e-mail with sample data, which no ticket has."""

from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from appliance.accounts.models import Customer
from appliance.notifications import email_builder, email_content, fragments, senders
from appliance.notifications.email_texts import Text
from appliance.notifications.models import Kind, OutgoingEmail
from appliance.notifications.senders import Sender
from appliance.tickets.models import Status, Ticket

RECIPIENTS = {Kind.COPY: "p0", Kind.FORWARD: "s0"}  # of the others: the customer


@dataclass(frozen=True)
class Preview:
    subject: str
    text: str
    html: str


def build(kind: Kind, language: str, text: Text, *, logo_src: str) -> Preview:
    """Return the e-mail as a recipient of this language would get it. Writes nothing."""
    sender = senders.find_sender() or Sender("desk@example.org", "")
    with translation.override(language):
        content = email_content.compose(_sample_email(kind), sender, text)
        html = email_builder.render_html(content, logo_src=logo_src)
    return Preview(content.subject, content.text, html)


def _sample_email(kind: Kind) -> OutgoingEmail:
    customer = Customer(first_name="Alice", last_name="Adams", email="alice@example.org")
    ticket = Ticket(
        pk=1042, subject=_("Printer prints blank pages"), status=Status.SOLVED, customer=customer
    )
    happened = fragments.NOTHING
    if kind != Kind.RECEIVED:
        happened = fragments.of_text(
            _(
                "Please switch the printer **off and on** again.\n\n- Wait for ten seconds.\n"
                "- Print a test page."
            )
        )
    return OutgoingEmail(
        kind=kind,
        ticket=ticket,
        recipient=RECIPIENTS.get(kind, "c0"),
        recipient_name="Pia" if kind == Kind.COPY else "",
        author_name="Bob Miller",
        to="pia@example.org",
        body=happened.text,
        html=happened.html,
    )
