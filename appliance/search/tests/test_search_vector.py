"""The generated search vectors of tickets and messages."""

import pytest
from django.contrib.postgres.search import SearchQuery

from appliance.core.fields import SEARCH_MARK, SEARCH_WINDOW_ROWS, TEXT_SEARCH_CONFIG
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Ticket


def matches(text: str) -> bool:
    query = SearchQuery(text, config=TEXT_SEARCH_CONFIG, search_type="websearch")
    return Ticket.objects.filter(search_vector=query).exists()


@pytest.fixture
def create_ticket(alice):
    def create(text: str) -> Ticket:
        return tickets_services.create_ticket(
            customer=alice.customer, subject="Fault", description=text, by=alice
        )

    return create


@pytest.mark.parametrize(
    ("text", "query_text"),
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
def test_ticket_matches(create_ticket, text, query_text):
    create_ticket(text)
    assert matches(query_text)


def test_messages_have_a_search_vector(ticket, bob):
    tickets_services.reply(ticket=ticket, by=bob, body="The fuser was worn out")
    query = SearchQuery("fusers", config=TEXT_SEARCH_CONFIG)
    assert Message.objects.filter(search_vector=query).exists()


def test_ticket_and_its_messages_share_a_window_mark(ticket, bob):
    Ticket.objects.update(subject="Printer")  # no number that could be that of the window
    tickets_services.reply(ticket=ticket, by=bob, body="Done")
    mark = f"'{SEARCH_MARK}{ticket.pk // SEARCH_WINDOW_ROWS}'"
    query = SearchQuery(mark, search_type="raw", config="simple")
    # no query can contain the mark: the parser drops it
    assert not Ticket.objects.filter(search_vector=query).exists()
    raw_condition = {"where": ["search_vector @@ %s::tsquery"], "params": [mark]}
    assert Ticket.objects.extra(**raw_condition).exists()
    assert Message.objects.extra(**raw_condition).exists()
