"""The words of a row, as the database keeps them."""

import pytest
from django.contrib.postgres.search import SearchQuery

from appliance.core.fields import SEARCH_WINDOW_MARK, SEARCH_WINDOW_ROWS, TEXT_SEARCH_CONFIG
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Ticket


def holds(text: str) -> bool:
    query = SearchQuery(text, config=TEXT_SEARCH_CONFIG, search_type="websearch")
    return Ticket.objects.filter(search_vector=query).exists()


@pytest.fixture
def written(alice):
    def write(text: str) -> Ticket:
        return tickets_services.create_ticket(
            customer=alice.customer, subject="Fault", description=text, by=alice
        )

    return write


@pytest.mark.parametrize(
    "text, asked",
    [
        ("The café is closed", "cafe"),
        ("The cafe is closed", "café"),
        ("It printed twice", "printing"),
        ("Stopped with 0x8004de80 again", "0x8004de80"),
        ("The account svc-mail01 is locked", "svc-mail01"),
        ("srv-db02.ward.example does not answer", "db02"),
        ("srv-db02.ward.example does not answer", '"srv db02"'),
        (r"Look into C:\logs\gannet_trace.log", "gannet"),
        ("It was sent to pharmacy@hospital.example", "pharmacy"),
        ("10.1.40.7 is gone", "10.1.40.7"),
    ],
)
def test_a_ticket_is_found_by(written, text, asked):
    written(text)
    assert holds(asked)


def test_what_was_said_has_words_of_its_own(ticket, bob):
    tickets_services.reply(ticket=ticket, by=bob, body="The fuser was worn out")
    query = SearchQuery("fusers", config=TEXT_SEARCH_CONFIG)
    assert Message.objects.filter(search_vector=query).exists()


def test_a_row_and_what_was_said_on_it_are_of_one_era(ticket, bob):
    tickets_services.reply(ticket=ticket, by=bob, body="Done")
    era = f"'{SEARCH_WINDOW_MARK}{ticket.pk // SEARCH_WINDOW_ROWS}'"
    query = SearchQuery(era, search_type="raw", config="simple")
    # nobody can type an era: a parser never makes a word of its mark
    assert not Ticket.objects.filter(search_vector=query).exists()
    as_written = {"where": ["search_vector @@ %s::tsquery"], "params": [era]}
    assert Ticket.objects.extra(**as_written).exists()
    assert Message.objects.extra(**as_written).exists()
