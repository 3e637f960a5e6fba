"""Answers find their ticket by a token that nobody else can compute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.tickets.reply_tokens import (
    ReplyToken,
    address_with_token,
    find_tokens,
    make_token,
)


@given(st.integers(1, 10**18 - 1), st.integers(1, 10**18 - 1))
def test_token_is_found_in_an_address(ticket_id, customer_id):
    token = make_token(ticket_id, f"c{customer_id}")
    assert list(find_tokens(f"Desk <desk+{token}@example.org>")) == [
        ReplyToken(ticket_id, f"c{customer_id}")
    ]


def test_token_survives_a_change_of_case():
    assert list(find_tokens(make_token(1042, "c5").upper())) == [ReplyToken(1042, "c5")]


def test_tokens_are_found_among_references():
    references = f"<a@b> <{make_token(7, 'c1')}@desk> <{make_token(8, 'u2')}.x1@desk>"
    assert [token.ticket_id for token in find_tokens(references)] == [7, 8]


@pytest.mark.parametrize("change", [("1042", "1043"), ("c5", "c6"), ("c5", "u5")])
def test_token_of_another_ticket_or_recipient_is_not_valid(change):
    token = make_token(1042, "c5")
    assert list(find_tokens(token.replace(*change, 1))) == []


def test_token_of_another_installation_is_not_valid(settings):
    token = make_token(1042, "c5")
    settings.SECRET_KEY = "another key of at least fifty characters, for this test"
    assert list(find_tokens(token)) == []


def test_shortened_token_is_not_valid():
    assert list(find_tokens(make_token(1042, "c5")[:-1])) == []


def test_address_gets_the_token_while_it_has_room():
    token = make_token(1042, "c5")
    assert address_with_token("desk@example.org", token) == f"desk+{token}@example.org"
    long = "x" * 40 + "@example.org"
    assert address_with_token(long, token) == long


def test_hostile_text_is_read_only_so_far():
    token = make_token(1, "c1")
    assert len(list(find_tokens(" ".join([token] * 60)))) == 50
