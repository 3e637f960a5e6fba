import string

import pytest
from bs4 import BeautifulSoup
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.accounts.models import Customer, User
from appliance.core import markdown
from appliance.core.clean_text import clean_line
from appliance.macros import services as macros_services
from appliance.macros import variables
from appliance.notifications.models import OutgoingEmail
from appliance.tickets.models import Ticket

TYPED = st.text(alphabet=st.sampled_from(string.punctuation + "\n\t  ab19éש😀")) | st.text()
TEMPLATES = [
    "{ticket_subject}",
    "Dear {customer_first_name}: {ticket_subject}.",
    "- {ticket_subject}\n- {ticket_subject}",
    "# {ticket_subject}\n{ticket_subject}\n\n> {ticket_subject}",
    "{customer_first_name}{ticket_subject}",
    "| a |\n|---|\n| {ticket_subject} |",
]


def read(text: str) -> str:
    return BeautifulSoup(f"<div>{markdown.render(text)}</div>", "html.parser").get_text()


@pytest.mark.parametrize("template", TEMPLATES)
@given(subject=TYPED, first_name=TYPED)
@example(subject="__init__.py fails", first_name="# 5")
@example(subject="# 5 ward phone", first_name="*")
@example(subject="{agent_name}", first_name="{ticket_subject}")
@example(subject="line\n\n- two  ", first_name="1.")
def test_a_value_reads_the_same_on_the_page_and_in_an_email(template, subject, first_name):
    subject, first_name = clean_line(subject).strip(), clean_line(first_name).strip()
    values = {"{ticket_subject}": subject, "{customer_first_name}": first_name}
    plain = template.replace("{ticket_subject}", "Subject").replace("{customer_first_name}", "Name")
    ticket = Ticket(subject=subject, customer=Customer(first_name=first_name))
    text = variables.render(template, ticket, User())
    if all(values.values()):
        for show in (read, markdown.as_text):
            expected = show(plain).replace("Subject", "\0").replace("Name", first_name)
            assert show(text) == expected.replace("\0", subject)


def test_macro_sends_values_as_they_are(alice, bob, ticket):
    ticket.subject = "__init__.py in C:\\_temp fails {agent_name}"
    ticket.save()
    response = macros_services.add_canned_response(by=bob, name="R", body="About {ticket_subject}:")
    macro = macros_services.add_macro(
        by=bob, name="M", actions={"canned_response": response.pk, "note": "{ticket_subject}"}
    )
    macros_services.run_macro(macro=macro, ticket=ticket, by=bob)
    note, reply = ticket.messages.order_by("pk")
    assert read(note.body).strip() == ticket.subject
    assert read(reply.body).strip() == f"About {ticket.subject}:"
    assert f"About {ticket.subject}:" in OutgoingEmail.objects.get(user=alice).body
