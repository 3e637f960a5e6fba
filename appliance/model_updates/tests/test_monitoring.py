"""After the swap: it goes well, or it goes back by itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliance.core.errors import ForbiddenError
from appliance.model_updates import services
from appliance.model_updates.models import ActiveBundle, InstalledBundle
from appliance.model_updates.services import trial
from appliance.model_updates.tests import tiny
from appliance.tickets import services as tickets_services
from appliance.tickets.models import TicketCategory
from appliance.triage import engine, index_recall, spaces
from appliance.triage import services as triage_services
from appliance.triage.models import Prediction


@pytest.fixture
def on_trial(apply, publisher, bundle) -> ActiveBundle:
    assert apply(publisher.pack(bundle())).exit_code == 0
    return ActiveBundle.objects.get(role="classifier")


def _read(alice, digest: str, unsure: int, of: int) -> None:
    """So many tickets were read by a bundle, and it was not sure of some."""
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


def test_while_nothing_speaks_against_it_nothing_happens(on_trial):
    assert services.watch() == []
    assert engine.find_ref("classifier").version == "2"


def test_after_three_days_it_is_marked_good(on_trial, alice, monkeypatch):
    monkeypatch.setattr(trial, "MIN_TEXTS", 3)
    _read(alice, on_trial.bundle.digest, unsure=0, of=3)
    ActiveBundle.objects.update(since=timezone.now() - trial.TRIAL)

    assert services.watch() == ["classifier 2 is marked good."]
    assert InstalledBundle.objects.get().state == InstalledBundle.State.GOOD


def test_a_quiet_desk_waits_longer_but_not_for_ever(on_trial):
    ActiveBundle.objects.update(since=timezone.now() - trial.TRIAL - timedelta(hours=1))
    assert services.watch() == []

    ActiveBundle.objects.update(since=timezone.now() - trial.MAX_TRIAL)
    assert services.watch() == ["classifier 2 is marked good."]


def test_a_bundle_damaged_on_the_disk_goes_back(on_trial, settings):
    path = settings.DATA / "models/classifier/2/model.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    engine.current().load()
    assert engine.find_ref("classifier").version == "1"

    assert "does not hold" in services.watch()[0]

    assert ActiveBundle.objects.get(role="classifier").bundle is None
    assert InstalledBundle.objects.get().state == InstalledBundle.State.WITHDRAWN


def test_one_that_is_much_less_sure_goes_back(on_trial, alice, monkeypatch):
    monkeypatch.setattr(trial, "MIN_TEXTS", 3)
    ActiveBundle.objects.update(before={"read": 100, "not_sure": 0.1, "corrected": 0.0})
    _read(alice, on_trial.bundle.digest, unsure=2, of=3)

    assert "not sure of 67%, before 10%" in services.watch()[0]
    assert engine.find_ref("classifier").version == "1"


def test_one_that_is_corrected_much_more_often_goes_back(
    on_trial, alice, bob, categories_by_slug, monkeypatch
):
    monkeypatch.setattr(trial, "MIN_TEXTS", 3)
    ActiveBundle.objects.update(before={"read": 100, "not_sure": 0.5, "corrected": 0.0})
    _read(alice, on_trial.bundle.digest, unsure=0, of=3)
    ticket = Prediction.objects.first().ticket
    triage_services.correct_category(ticket=ticket, category=categories_by_slug["access"], by=bob)

    assert "33% are corrected, before 0%" in services.watch()[0]


@pytest.fixture
def categories_by_slug(desk):
    return {row.slug: row for row in TicketCategory.objects.all()}


@pytest.fixture
def next_encoder(apply, publisher, bundle) -> None:
    run = apply(publisher.pack(bundle("encoder", weights=tiny.weights_for("encoder", seed=2))))
    assert run.exit_code == 0, run.text


def test_an_encoder_waits_until_its_space_is_complete(next_encoder, monkeypatch):
    monkeypatch.setattr(spaces, "is_space_complete", lambda space: False)

    assert services.watch() == []
    assert engine.find_ref("encoder").version == "1"


def test_an_encoder_takes_over_when_its_vectors_are_there(next_encoder):
    assert services.watch() == ["encoder 2 runs."]  # a desk without texts is complete at once

    assert engine.find_ref("encoder").space == "encoder/2"
    assert engine.find_next_encoder() is None


def test_an_encoder_whose_vectors_find_something_else_is_taken_back(next_encoder, monkeypatch):
    monkeypatch.setattr(index_recall, "recall_agrees", lambda space: False)

    assert "was taken back" in services.watch()[0]
    assert engine.find_next_encoder() is None


def test_the_space_of_a_running_encoder_is_not_forgotten(next_encoder):
    services.watch()

    with pytest.raises(ForbiddenError):
        triage_services.delete_space(space="encoder/2")
