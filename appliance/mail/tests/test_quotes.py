"""What is new in an answer, in the formats of the common mail programs."""

import pytest

from appliance.mail.parsing import parse_email
from appliance.mail.parsing.quotes import Reply, split_reply
from appliance.mail.tests.test_parsing import email
from appliance.tickets.email_marks import REPLY_MARKERS

ATTRIBUTIONS = [
    "On Sun, 29 Nov 2026 at 10:00, Help Desk <desk@example.org> wrote:",
    "On Nov 29, 2026, at 10:00, Help Desk <desk@example.org> wrote:",
    "Am 29.11.2026 um 10:00 schrieb Help Desk <desk@example.org>:",
    "Am So., 29. Nov. 2026 um 10:00 Uhr schrieb Help Desk <\ndesk@example.org>:",
    "Help Desk <desk@example.org> schrieb am So., 29. Nov. 2026, 10:00:",
    "Le dim. 29 nov. 2026 à 10:00, Help Desk <desk@example.org> a écrit :",
    "El dom, 29 nov 2026 a las 10:00, Help Desk (<desk@example.org>) escribió:",
    "Il giorno dom 29 nov 2026 alle ore 10:00 Help Desk <desk@example.org> ha scritto:",
    "Op zo 29 nov 2026 om 10:00 schreef Help Desk <desk@example.org>:",
    "niedz., 29 lis 2026 o 10:00 Help Desk <desk@example.org> napisał(a):",
    "W dniu 29.11.2026 o 10:00, Help Desk pisze:",
    "Den sön 29 nov. 2026 kl 10:00 skrev Help Desk <desk@example.org>:",
    "Dne ne 29. 11. 2026 10:00 Help Desk <desk@example.org> napsal(a):",
    "2026年11月29日(日) 10:00 Help Desk <desk@example.org> のメール:",
]


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_quotation_below_an_answer_is_separated(attribution):
    reply = split_reply(f"Danke, geht wieder.\n\n{attribution}\n> alt\n>\n> älter\n")
    assert reply == Reply("Danke, geht wieder.", f"{attribution}\n> alt\n>\n> älter")


OUTLOOK = """\
From: Help Desk <desk@example.org>
Sent: Sunday, 29 November 2026 10:00
To: Alice
Subject: RE: Printer

old"""
OUTLOOK_GERMAN = """\
________________________________
Von: Help Desk <desk@example.org>
Gesendet: Sonntag, 29. November 2026 10:00
An: Alice
Betreff: AW: Drucker

alt"""
OUTLOOK_BOLD = "*From:* Help Desk\n*Sent:* Sunday\n*To:* Alice\n*Subject:* RE: Printer\n\nold"
OLD_OUTLOOK = "-----Ursprüngliche Nachricht-----\nVon: Help Desk\nAn: Alice\nBetreff: X\n\nalt"
ENGLISH_OLD_OUTLOOK = "-----Original Message-----\nold"
MARKED = f"--- {REPLY_MARKERS['en']} ---\n\nHello Alice,\n\nold"


@pytest.mark.parametrize(
    "quotation",
    [OUTLOOK, OUTLOOK_GERMAN, OUTLOOK_BOLD, OLD_OUTLOOK, ENGLISH_OLD_OUTLOOK, MARKED],
)
def test_unmarked_quotation_is_separated(quotation):
    assert split_reply(f"It works.\n\n{quotation}") == Reply("It works.", quotation)


def test_answer_below_the_quotation_is_the_text():
    reply = split_reply("On 1 Nov 2026, Bob <b@example.org> wrote:\n> old\n\nIt works.\n")
    assert reply.text == "It works." and reply.quoted_text.endswith("> old")


def test_answers_between_quotations_keep_them():
    text = "Bob wrote on 1.11.:\n> Which room?\n\nRoom 7.\n\n> Since when?\n\nMonday."
    assert split_reply(text) == Reply(text)


def test_rest_of_the_quotation_below_answers_is_separated():
    answers = "> Which room?\n\nRoom 7.\n\n> Since when?\n\nMonday."
    assert split_reply(f"{answers}\n\n> Regards\n> Bob") == Reply(answers, "> Regards\n> Bob")


def test_email_that_is_only_a_quotation_is_not_empty():
    text = "On 1 Nov 2026, Bob <b@example.org> wrote:\n> old"
    assert split_reply(text) == Reply(text)
    assert split_reply(OUTLOOK) == Reply(OUTLOOK)


def test_forwarded_email_is_all_text():
    parsed = parse_email(email(f"Please look.\n\n{OUTLOOK}", subject="WG: Printer"))
    assert parsed.text.endswith("old") and not parsed.quoted_text


@pytest.mark.parametrize(
    ("above", "signature"),
    [
        ("It works.\n\n-- \n", "Alice\nWard 3"),
        ("It works.\n\n--\n", "Alice\nWard 3"),
        ("It works.\n\n", "Kind regards,\nAlice\n\nExample Hospital\nTel. 123"),
        ("Es geht.\n\n", "Mit freundlichen Grüßen\n\nAlice\nStation 3"),
        ("Es geht.\n\n", "Viele Grüße aus Köln\nAlice"),
        ("It works.\n\n", "Sent from my iPhone"),
        ("Es geht.\n\n", "LG\nAlice\n\nVon meinem iPhone gesendet"),
    ],
)
def test_signature_is_separated(above, signature):
    reply = split_reply(above + signature)
    assert reply == Reply(above.removesuffix("--\n").removesuffix("-- \n").strip(), "", signature)


@pytest.mark.parametrize(
    "text",
    [
        "From: what I see, it is broken.\nTo: be honest, I do not know.",
        "Steps:\n1 > 0 is true\nx > y",
        "Kind regards to Bob, who wrote the manual:\nit helped.",
        "Thanks,\nbut it still does not work. Which of these should I try now?",
        "Regards\nAlice\n\nP.S. The other printer is broken as well.",
        "He wrote:\nnothing",
        "| name | value |\n| a | b |",
    ],
)
def test_text_that_only_looks_like_a_quotation_stays(text):
    assert split_reply(text) == Reply(text)


def test_signature_above_the_quotation_is_separated():
    reply = split_reply(
        "It works.\n\n-- \nAlice\n\nOn 1 Nov 2026, Bob <b@example.org> wrote:\n> old"
    )
    assert (reply.text, reply.signature) == ("It works.", "Alice")
    assert reply.quoted_text.startswith("On 1 Nov")
