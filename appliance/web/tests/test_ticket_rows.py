"""The rows of the ticket list, which are rendered without a template."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.html import strip_tags

from appliance.accounts.models import Organisation, Team
from appliance.tickets import services as tickets_services
from appliance.tickets.filters import SENTIMENTS, annotate_sentiment
from appliance.tickets.models import Ticket
from appliance.web import ticket_rows
from appliance.web.ticket_rows import COLUMNS

UNSAFE = '<b>&"'


@pytest.fixture
def row(ticket, alice, bob, dan):
    """Return a function that renders one row with every column; all texts need escaping."""
    tickets_services.assign(ticket=ticket, assignee=bob, by=bob)
    tickets_services.add_tags(ticket=ticket, names=["<tag>"], by=bob)
    tickets_services.set_team(
        ticket=ticket, team=Team.objects.create(name=f"Team {UNSAFE}"), by=dan
    )
    alice.customer.organisation = Organisation.objects.create(name=f"Ward {UNSAFE}")
    alice.customer.is_premium = True
    alice.customer.first_name = UNSAFE
    alice.customer.save()
    Ticket.objects.filter(pk=ticket.pk).update(subject=UNSAFE, sentiment_score=-0.9)

    def render(**options: object) -> str:
        return ticket_rows.render_rows(
            annotate_sentiment(Ticket.objects.all()), list(COLUMNS), **options
        )

    return render


def test_every_column_is_rendered_and_escaped(row):
    html = row()
    for text in (
        "Negative",
        "negative",
        "Bob",
        "Team &lt;b&gt;",
        "Ward &lt;b&gt;",
        "uncategorised",
    ):
        assert text in html
    assert '<span class="tag" dir="auto">&lt;tag&gt;</span>' in html and "VIP customer" in html
    assert UNSAFE not in html and "<b>" not in html
    assert html.count("<td") == html.count("</td>") == 1 + len(COLUMNS)


def test_checkboxes_are_shown_to_whoever_may_edit_in_bulk(row, ticket):
    assert "checkbox" not in row()
    assert f'value="{ticket.pk}"' in row(can_select=True)
    assert " checked>" not in row(can_select=True)
    assert " checked>" in row(can_select=True, selected={ticket.pk})


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("month", [1, 3, 5, 9, 12])
def test_times_are_formatted_as_in_templates(month, language):
    at = datetime(2026, month, 2, 23, 4, 5, tzinfo=UTC)
    rendered = Template(
        '{{ at|date:"c" }}|{{ at|date:"DATETIME_FORMAT" }}|{{ at|date:"SHORT_DATETIME_FORMAT" }}'
    )
    with timezone.override(ZoneInfo("Europe/Berlin")), translation.override(language):
        iso, title, text = rendered.render(Context({"at": at})).split("|")
        html = ticket_rows.CellTexts().time(at)
    assert f'datetime="{iso}" title="{title}">{text}</time>' in html


def test_sentiments_are_translated():
    with translation.override("de"):
        texts = [
            strip_tags(ticket_rows.CellTexts().sentiment(sentiment))
            for sentiment in (*SENTIMENTS, None)
        ]
    assert texts == ["negativ", "neutral", "positiv", "noch nicht analysiert"]
