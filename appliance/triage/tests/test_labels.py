"""What people choose becomes a label; a stronger source is never replaced by a weaker one."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.utils import timezone

from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.triage import services
from appliance.triage.models import CategoryLabel, Correction, Prediction
from appliance.triage.texts import digest

Source = CategoryLabel.Source


def predict(ticket, label: str, scores=None) -> None:
    Prediction.objects.create(
        ticket=ticket,
        kind="category",
        label=label,
        confidence=0.8,
        scores=scores or [[label, 0.8]],
        bundle_digest="d",
        text_sha256=digest(ticket.text),
    )


def label_of(ticket) -> tuple[str, str, str]:
    label = CategoryLabel.objects.get(ticket=ticket)
    return label.category.slug, label.source, label.predicted


@pytest.fixture
def solved(ticket, categories):
    """A ticket that was closed with the predicted category."""
    predict(ticket, "hardware")
    Ticket.objects.filter(pk=ticket.pk).update(status="closed", category=categories["hardware"])
    return ticket


def test_another_category_is_a_correction(ticket, categories, bob):
    predict(ticket, "hardware")
    services.correct_category(ticket=ticket, category=categories["network"], by=bob)
    assert label_of(ticket) == ("network", Source.CORRECTED, "hardware")


def test_choosing_the_first_guess_of_an_unsure_one_confirms_it(ticket, categories, bob):
    predict(ticket, "", [["network", 0.4], ["hardware", 0.3]])
    services.correct_category(ticket=ticket, category=categories["network"], by=bob)
    assert label_of(ticket) == ("network", Source.CONFIRMED, "network")


def test_taking_the_category_away_forgets_the_label(ticket, categories, bob):
    services.correct_category(ticket=ticket, category=categories["network"], by=bob)
    services.correct_category(ticket=ticket, category=None, by=bob)
    assert not CategoryLabel.objects.exists()


def test_latest_choice_of_a_person_counts(ticket, categories, bob):
    for slug in ("network", "hardware"):
        services.record_label(
            ticket=ticket, category=categories[slug], source=Source.CONFIRMED, by=bob
        )
    assert label_of(ticket)[0] == "hardware"


def test_closed_ticket_with_its_predicted_category_is_a_weak_label(solved):
    assert services.record_kept_categories() == 1
    assert label_of(solved) == ("hardware", Source.KEPT, "hardware")
    assert services.record_kept_categories() == 0


def test_weak_label_never_replaces_the_choice_of_a_person(solved, categories, bob):
    services.correct_category(ticket=solved, category=categories["network"], by=bob)
    services.record_label(
        ticket=solved, category=categories["hardware"], source=Source.KEPT, by=None
    )
    assert services.record_kept_categories() == 0
    assert label_of(solved)[:2] == ("network", Source.CORRECTED)


def test_recently_solved_ticket_may_still_be_reopened(ticket, categories, bob):
    predict(ticket, "hardware")
    tickets_services.set_status(ticket=ticket, status="solved", by=bob)
    Ticket.objects.filter(pk=ticket.pk).update(category=categories["hardware"])
    assert services.record_kept_categories() == 0
    long_ago = timezone.now() - timedelta(days=15)
    Ticket.objects.filter(pk=ticket.pk).update(solved_at=long_ago)
    assert services.record_kept_categories() == 1


def test_labels_come_from_earlier_corrections(ticket, categories, bob):
    for slug in ("hardware", "network"):
        Correction.objects.create(
            ticket=ticket, category=categories[slug], predicted="other", by=bob
        )
    migration = import_module("appliance.triage.migrations.0006_labels_from_corrections")
    with connection.cursor() as cursor:
        cursor.execute(migration.LABELS_FROM_CORRECTIONS)
    assert label_of(ticket) == ("network", Source.CORRECTED, "other")
