"""The page on learning shows labels, the latest training and what it would change."""

import pytest
from django.urls import reverse

from appliance.core.models import AuditEntry
from appliance.triage import services as triage_services
from appliance.triage.models import CategoryHead, CategoryLabel

OVERALL = {
    "category": "*",
    "tests": 40,
    "before": 0.55,
    "after": 0.7,
    "low": 0.05,
    "high": 0.25,
    "verdict": "better",
}


@pytest.fixture
def candidate(ticket, categories) -> CategoryHead:
    """A training that was accepted and would change one ticket."""
    return CategoryHead.objects.create(
        state=CategoryHead.State.READY,
        space="s",
        content=b"x",
        counts={"hardware": 12},
        evaluation={"reason": "", "labels": 120, "overall": OVERALL, "categories": []},
        changes={"open": 8, "changed": 1, "examples": [[ticket.pk, "other", "hardware"]]},
    )


def test_page_shows_the_check_and_what_would_change(candidate, ticket, dan_client):
    page = dan_client.get(reverse("learning")).content.decode()
    assert "55 %" in page and "70 %" in page and "+5 … +25" in page
    assert ticket.number in page and "Hardware" in page


def test_page_counts_labels_by_source(ticket, categories, bob, dan_client):
    triage_services.record_label(
        ticket=ticket,
        category=categories["hardware"],
        source=CategoryLabel.Source.CONFIRMED,
        by=bob,
    )
    labels = dan_client.get(reverse("learning")).context["labels"]
    counts = {row.category.slug: (row.corrected, row.confirmed, row.missing) for row in labels}
    assert counts["hardware"] == (0, 1, 9) and counts["access"] == (0, 0, 10)


def test_page_says_why_a_training_was_refused(candidate, dan_client):
    evaluation = {**candidate.evaluation, "reason": "few labels", "labels": 7}
    CategoryHead.objects.update(state="refused", evaluation=evaluation)
    page = dan_client.get(reverse("learning")).content.decode()
    assert "there are 7 usable labels" in page
    assert reverse("activate-head", args=[candidate.pk]) not in page


def test_training_of_another_search_model_is_not_activated(candidate, dan_client):
    dan_client.post(reverse("activate-head", args=[candidate.pk]))
    candidate.refresh_from_db()
    assert candidate.state == CategoryHead.State.READY


def test_votes_are_switched_off_with_one_click(dan_client):
    dan_client.post(reverse("change-learning"), {"name": "feedback", "value": "off"})
    assert not triage_services.load_settings().uses_feedback
    assert AuditEntry.objects.filter(kind="learning settings", verb="changed").exists()


def test_labels_are_passed_on_only_from_a_removed_category(categories, dan_client):
    path = reverse("pass-labels-on", args=[categories["hardware"].pk])
    response = dan_client.post(path, {"target": categories["access"].pk})
    assert response.status_code == 400 and "Deactivate it first" in response.content.decode()
