import time

import pytest
from django.urls import reverse
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.accounts.models import User
from appliance.tickets import mentions, queries, services

PEOPLE = [
    User(pk=1, email="bob@example.org", first_name="Bob", last_name="Stone"),
    User(pk=2, email="bob.reed@example.org", first_name="Bob", last_name="Reed"),
    User(pk=3, email="zoe@example.org", first_name="Zoë"),
    User(pk=4, email="mj@example.org", first_name="Mary Jane"),
    User(pk=5, email="d'arcy.oconnor@example.org", first_name="D'Arcy"),
    User(pk=6, email="o@example.org", first_name="O'Neill"),
    User(pk=7, email="oscar+night@example.org", first_name="Strauß"),
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
        ("@bob's printer, @bob’s, (@bob)", [1]),
        ("@bob.reed.", [2]),
        ("@bob.smith @bob+x @bob-x @bobby @o'brien", []),
        ("@d'arcy.oconnor@example.org", [5]),
        ("ask @D'Arcy.OConnor: @o'neill", [5, 6]),
        ("@zoe\u0308", [3]),  # as another keyboard writes it
        ("@oscar+night@example.org, @strauß @STRAUSS", [7]),
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
        "d'arcy",
        "o'neill",
        "strauss",
    ]
    for person in PEOPLE:
        assert mentions.find_mentioned(f"@{mentions.handle_of(person, PEOPLE)}", PEOPLE) == [person]


NAMES = st.text(
    st.one_of(
        st.sampled_from("abBéßİıñ'’.+-_ @\u0301\u200d"),
        st.characters(categories=("L", "M", "N", "P")),
    ),
    max_size=12,
)
LOCAL_PARTS = st.text(st.sampled_from("abcdé'.+-_1"), min_size=1, max_size=10)


@given(st.lists(st.tuples(NAMES, LOCAL_PARTS, st.sampled_from(["x.org", "y.org"])), max_size=6))
@example([("O'Neill", "o", "x.org"), ("O", "o'neill", "x.org")])
@example([("a@x.org", "b", "x.org"), ("", "a", "x.org")])
@example([("", "-", "x.org"), ("", "-", "y.org")])
def test_every_handle_that_is_offered_is_read_back(rows):
    addresses = {f"{local}@{host}": name for name, local, host in rows}
    people = [
        User(pk=pk, email=address, first_name=name)
        for pk, (address, name) in enumerate(addresses.items(), 1)
    ]
    for person in people:
        handle = mentions.handle_of(person, people)
        for text in (f"@{handle} please", f"Ask @{handle}", f"(@{handle})\n", f"@{handle}, soon"):
            assert mentions.find_mentioned(text, people) == [person]
            assert mentions.find_unknown(text, people) == []


@given(st.text(st.sampled_from("@a.b'\n +é"), max_size=40))
def test_any_text_with_signs_can_be_read(text):
    assert set(mentions.find_mentioned(text, PEOPLE)) <= set(PEOPLE)
    assert all(word.startswith("@") for word in mentions.find_unknown(text, PEOPLE))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@bobb please, @bob too", ["@bobb"]),
        ("@nobody. @nobody, @o'brien's", ["@nobody", "@o'brien's"]),
        ("write to a@example.org @ noon", []),
        ("", []),
    ],
)
def test_words_that_fit_nobody_are_named(text, words):
    assert mentions.find_unknown(text, PEOPLE) == words


def test_text_full_of_signs_costs_little(bob):
    started = time.perf_counter()
    mentions.find_mentioned("@bob " * 40_000, PEOPLE * 100)
    assert time.perf_counter() - started < 1


def test_note_that_names_nobody_says_so_and_is_kept(client, ticket, bob, alice):
    client.force_login(bob)
    note = {"kind": "note", "body": "@alice and @dan, look"}
    warning = "Nobody is notified by @alice, @dan"
    response = client.post(reverse("draft", args=[ticket.pk]), note)
    assert warning in response.json()["warning"]
    page = client.post(reverse("reply", args=[ticket.pk]), note, follow=True).content.decode()
    assert warning in page and "@alice and @dan, look" in page


def test_reply_with_an_at_sign_gives_no_warning(client, ticket, bob):
    client.force_login(bob)
    reply = {"kind": "reply", "body": "Meet @noon"}
    assert client.post(reverse("draft", args=[ticket.pk]), reply).status_code == 204


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
