"""An agent is told before sending that a sentence was already sent on the ticket."""

from django.urls import reverse

from appliance.tickets import services as tickets_services

SENTENCE = "Pull the orange seal out of the toner cartridge."


def save_draft(client, ticket, body: str, kind: str = "reply"):
    url = reverse("draft", args=[ticket.pk])
    return client.post(url, {"kind": kind, "body": body})


def test_sentence_sent_before_is_named_in_the_draft(ticket, bob, client):
    tickets_services.reply(ticket=ticket, by=bob, body=f"Hello Alice.\n\n{SENTENCE}")
    client.force_login(bob)
    response = save_draft(client, ticket, f"Again: try it. {SENTENCE.upper()}")
    assert SENTENCE in response.json()["warning"]
    assert "Already sent" in response.json()["warning"]


def test_new_and_short_sentences_and_notes_are_not_named(ticket, bob, client):
    tickets_services.reply(ticket=ticket, by=bob, body=f"Hello Alice. {SENTENCE}")
    client.force_login(bob)
    assert save_draft(client, ticket, "Hello Alice. Hold both keys for ten seconds.").content == b""
    assert save_draft(client, ticket, SENTENCE, kind="note").content == b""


def test_customer_is_not_told(ticket, alice, bob, client):
    tickets_services.reply(ticket=ticket, by=bob, body=SENTENCE)
    client.force_login(alice)
    assert save_draft(client, ticket, SENTENCE).content == b""
