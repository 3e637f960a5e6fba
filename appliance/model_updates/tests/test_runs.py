"""From a medium to the active bundle, and back."""

import json
from contextlib import nullcontext

import pytest
from django.db import ProgrammingError

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.model_updates import queries, services
from appliance.model_updates.errors import BUSY, EXIT_CODES, NOTHING_TO_DO, UNDECIDED, Step
from appliance.model_updates.models import ActiveBundle, InstalledBundle, UpdateEvent, UpdateRun
from appliance.model_updates.services import runs
from appliance.model_updates.tests import tiny_bundles
from appliance.triage import engine


def active_version(role: str) -> str:
    return engine.find_ref(role).version


def test_signed_update_is_active_after_every_step(apply, publisher, bundle):
    run = apply(publisher.pack(bundle()))

    assert (run.state, run.exit_code) == ("done", 0), run.text
    assert [entry["step"] for entry in run.steps] == [*Step]
    assert active_version("classifier") == "2"
    assert (
        engine.current().classify("password locked", {"access": "", "network": ""}).label
        == "access"
    )
    assert InstalledBundle.objects.get().state == InstalledBundle.State.TRIAL


def test_each_step_records_an_append_only_event(apply, publisher, bundle):
    apply(publisher.pack(bundle()))

    steps = list(UpdateEvent.objects.values_list("step", flat=True))
    assert set(Step) <= set(steps)
    with pytest.raises(ProgrammingError, match="permission denied"):
        UpdateEvent.objects.update(text="nothing happened")


def test_inspection_changes_nothing(apply, publisher, bundle, settings):
    run = apply(publisher.pack(bundle()), kind="inspect")

    assert (run.state, run.exit_code) == ("done", 0), run.text
    assert active_version("classifier") == "1"
    assert not (settings.DATA / "models").exists()
    assert queries.report()["seen"]["timestamp"] == 0


def test_too_few_tickets_need_approval(apply, publisher, bundle):
    run = apply(publisher.pack(bundle()), accept=())

    assert (run.state, run.exit_code, run.needs_approval) == ("approval", UNDECIDED, "undecided")
    assert run.steps[-1]["details"]["classifier"]["verdict"] == "not enough"
    assert active_version("classifier") == "1"


def test_same_update_again_is_nothing_to_do(apply, publisher, bundle):
    medium = publisher.pack(bundle())
    apply(medium)

    assert apply(medium).exit_code == NOTHING_TO_DO


def test_archive_is_installed_like_a_folder(apply, publisher, bundle):
    run = apply(publisher.pack(bundle(), name="update.tar"))

    assert (run.state, active_version("classifier")) == ("done", "2"), run.text


def test_rollback_activates_the_previous_bundle(apply, publisher, bundle, dan):
    apply(publisher.pack(bundle()))
    apply(
        publisher.pack(
            bundle(version="3", weights=2 * tiny_bundles.weights_for("classifier")), name="b"
        )
    )
    assert active_version("classifier") == "3"

    run = services.carry_out(services.start_run(kind="rollback", source="", by=dan))
    assert (run.state, active_version("classifier")) == ("done", "2")

    services.carry_out(services.start_run(kind="rollback", source="classifier", by=dan))
    assert active_version("classifier") == "1"
    assert ActiveBundle.objects.get(role="classifier").bundle is None


def test_without_installed_bundles_there_is_nothing_to_roll_back(installation, dan):
    run = services.carry_out(services.start_run(kind="rollback", source="", by=dan))

    assert run.exit_code == NOTHING_TO_DO


def test_new_encoder_waits_for_its_vectors(apply, publisher, bundle):
    run = apply(
        publisher.pack(bundle("encoder", weights=tiny_bundles.weights_for("encoder", seed=2)))
    )

    assert run.state == "done", run.text
    assert active_version("encoder") == "1"
    assert engine.find_next_encoder().space == "encoder/2"


def test_only_a_named_admin_with_a_reason_can_accept(installation, bob, dan):
    with pytest.raises(ForbiddenError):
        services.start_run(kind="apply", source="/x", by=bob)
    with pytest.raises(BadInputError):
        services.start_run(kind="apply", source="/x", by=dan, accepted=["worse"], reason="  ")
    with pytest.raises(BadInputError):
        services.start_run(kind="apply", source="/x", by=None, accepted=["worse"], reason="a" * 20)
    with pytest.raises(BadInputError):
        services.start_run(
            kind="apply", source="/x", by=dan, accepted=["unsigned"], reason="a" * 20
        )


def test_active_json_is_written_from_the_rows(apply, publisher, bundle, settings):
    apply(publisher.pack(bundle()))
    active = settings.DATA / "models" / "active.json"
    active.write_text("{")

    assert services.sync_active_json()

    assert json.loads(active.read_text())["classifier"] == "classifier/2"
    assert not services.sync_active_json()


def test_second_run_at_the_same_time_is_rejected(apply, publisher, bundle, monkeypatch):
    monkeypatch.setattr(runs, "session_lock", lambda *_, **__: nullcontext(False))

    run = apply(publisher.pack(bundle()))

    assert (run.state, run.exit_code) == (UpdateRun.State.REJECTED, BUSY)


def test_every_step_has_its_own_exit_code():
    assert len(set(EXIT_CODES.values())) == len(Step)
