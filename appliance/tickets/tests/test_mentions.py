import pytest

from appliance.accounts.models import User
from appliance.tickets import mentions, queries, services

PEOPLE = [
    User(pk=1, email="bob@example.org", first_name="Bob", last_name="Stone"),
    User(pk=2, email="bob.reed@example.org", first_name="Bob", last_name="Reed"),
    User(pk=3, email="zoe@example.org", first_name="Zoë"),
    User(pk=4, email="mj@example.org", first_name="Mary Jane"),
]


@pytest.mark.parametrize(
    ("text", "mentioned_ids"),
    [
        ("@bob please look", [1]),  # the address before the @ goes before the first name
        ("@bob.reed, or @zoe?", [2, 3]),
        ("ask @zoë.", [3]),
        ("@maryjane and @MJ", [4]),
        ("@bob.reed@example.org!", [2]),
        ("@zoe @zoe @ZOE", [3]),
        ("write to bob@example.org", []),
        ("@nobody @ @@bob", []),
    ],
)
def test_handles_in_a_text_name_people(text, mentioned_ids):
    assert [person.pk for person in mentions.find_mentioned(text, PEOPLE)] == mentioned_ids


def test_first_name_of_two_people_mentions_both():
    twins = [User(pk=n, email=f"{n}@example.org", first_name="Kim") for n in (1, 2)]
    assert mentions.find_mentioned("@kim", twins) == twins


def test_handle_is_short_and_unambiguous():
    assert [mentions.handle_of(person, PEOPLE) for person in PEOPLE] == [
        "bob",
        "bob.reed",
        "zoë",
        "maryjane",
    ]
    for person in PEOPLE:
        assert mentions.find_mentioned(f"@{mentions.handle_of(person, PEOPLE)}", PEOPLE) == [person]


def test_agent_named_in_a_note_is_mentioned(ticket, bob, dan, frank):
    note = services.add_note(ticket=ticket, by=bob, body="@dan, @frank and @bob: look")
    assert {mention.user for mention in note.mentions.all()} == {dan, frank}
    assert sorted(ticket.events.last().data["mentions"]) == sorted([dan.pk, frank.pk])


def test_reply_mentions_nobody(ticket, bob, dan):
    assert not services.reply(ticket=ticket, by=bob, body="@dan will help").mentions.exists()


def test_people_without_access_are_not_mentioned(secret, bob, frank, alice):
    note = services.add_note(ticket=secret, by=bob, body="@frank @alice")
    assert not note.mentions.exists()


def test_agents_are_offered_by_the_start_of_their_name(ticket, bob, dan, frank, alice):
    assert queries.list_mentionable(bob, ticket, "fra") == [(frank, "frank")]
    assert queries.list_mentionable(alice, ticket, "fra") == []
