"""After activation a bundle is confirmed, or rolled back automatically."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliance.core.errors import ForbiddenError
from appliance.model_updates import services
from appliance.model_updates.models import ActiveBundle, InstalledBundle
from appliance.model_updates.services import monitoring
from appliance.model_updates.tests import tiny_bundles
from appliance.tickets import services as tickets_services
from appliance.tickets.models import TicketCategory
from appliance.triage import engine, index_recall, spaces
from appliance.triage import services as triage_services
from appliance.triage.models import Prediction


@pytest.fixture
def active_bundle(apply, publisher, bundle) -> ActiveBundle:
    assert apply(publisher.pack(bundle())).exit_code == 0
    return ActiveBundle.objects.get(role="classifier")


def _create_predictions(alice, digest: str, unsure: int, of: int) -> None:
    """Create tickets with predictions of a bundle, some of them not sure."""
    for number in range(of):
        ticket = tickets_services.create_ticket(
            customer=alice.customer, subject=f"vpn {number}", description="x", by=alice
        )
        Prediction.objects.create(
            ticket=ticket,
            kind="category",
            label="" if number < unsure else "network",
            confidence=1,
            bundle_name="classifier",
            bundle_version="2",
            bundle_digest=digest,
            text_sha256="",
        )


def test_healthy_bundle_stays_active(active_bundle):
    assert services.review_active_bundles() == []
    assert engine.find_ref("classifier").version == "2"


def test_bundle_is_confirmed_after_three_days(active_bundle, alice, monkeypatch):
    monkeypatch.setattr(monitoring, "MIN_TEXTS", 3)
    _create_predictions(alice, active_bundle.bundle.digest, unsure=0, of=3)
    ActiveBundle.objects.update(since=timezone.now() - monitoring.TRIAL_PERIOD)

    assert services.review_active_bundles() == ["classifier 2 is confirmed."]
    assert InstalledBundle.objects.get().state == InstalledBundle.State.CONFIRMED


def test_with_few_tickets_the_trial_period_is_longer(active_bundle):
    ActiveBundle.objects.update(since=timezone.now() - monitoring.TRIAL_PERIOD - timedelta(hours=1))
    assert services.review_active_bundles() == []

    ActiveBundle.objects.update(since=timezone.now() - monitoring.MAX_TRIAL_PERIOD)
    assert services.review_active_bundles() == ["classifier 2 is confirmed."]


def test_damaged_bundle_is_rolled_back(active_bundle, settings):
    path = settings.DATA / "models/classifier/2/model.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    engine.current().load()
    assert engine.find_ref("classifier").version == "1"

    assert "is unusable" in services.review_active_bundles()[0]

    assert ActiveBundle.objects.get(role="classifier").bundle is None
    assert InstalledBundle.objects.get().state == InstalledBundle.State.ROLLED_BACK


def test_bundle_that_is_much_less_sure_is_rolled_back(active_bundle, alice, monkeypatch):
    monkeypatch.setattr(monitoring, "MIN_TEXTS", 3)
    ActiveBundle.objects.update(before={"read": 100, "not_sure": 0.1, "corrected": 0.0})
    _create_predictions(alice, active_bundle.bundle.digest, unsure=2, of=3)

    assert "not sure of 67%, before 10%" in services.review_active_bundles()[0]
    assert engine.find_ref("classifier").version == "1"


def test_bundle_corrected_much_more_often_is_rolled_back(
    active_bundle, alice, bob, categories_by_slug, monkeypatch
):
    monkeypatch.setattr(monitoring, "MIN_TEXTS", 3)
    ActiveBundle.objects.update(before={"read": 100, "not_sure": 0.5, "corrected": 0.0})
    _create_predictions(alice, active_bundle.bundle.digest, unsure=0, of=3)
    ticket = Prediction.objects.first().ticket
    triage_services.correct_category(ticket=ticket, category=categories_by_slug["access"], by=bob)

    assert "33% are corrected, before 0%" in services.review_active_bundles()[0]


@pytest.fixture
def categories_by_slug(installation):
    return {category.slug: category for category in TicketCategory.objects.all()}


@pytest.fixture
def next_encoder(apply, publisher, bundle) -> None:
    run = apply(
        publisher.pack(bundle("encoder", weights=tiny_bundles.weights_for("encoder", seed=2)))
    )
    assert run.exit_code == 0, run.text


def test_encoder_waits_until_its_space_is_complete(next_encoder, monkeypatch):
    monkeypatch.setattr(spaces, "is_space_complete", lambda space: False)

    assert services.review_active_bundles() == []
    assert engine.find_ref("encoder").version == "1"


def test_encoder_is_activated_when_its_space_is_complete(next_encoder):
    assert services.review_active_bundles() == [
        "encoder 2 is active."
    ]  # without texts the space is complete at once

    assert engine.find_ref("encoder").space == "encoder/2"
    assert engine.find_next_encoder() is None


def test_encoder_with_low_recall_is_rolled_back(next_encoder, monkeypatch):
    monkeypatch.setattr(index_recall, "is_recall_acceptable", lambda space: False)

    assert "was rolled back" in services.review_active_bundles()[0]
    assert engine.find_next_encoder() is None


def test_space_of_the_active_encoder_is_not_deleted(next_encoder):
    services.review_active_bundles()

    with pytest.raises(ForbiddenError):
        triage_services.delete_space(space="encoder/2")
