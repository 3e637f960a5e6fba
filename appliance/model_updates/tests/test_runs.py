"""From a stick to the bundle that answers, and back."""

import json
from contextlib import nullcontext

import pytest

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.model_updates import queries, services
from appliance.model_updates.errors import BUSY, EXIT_CODES, NOTHING_TO_DO, UNDECIDED, Step
from appliance.model_updates.models import ActiveBundle, InstalledBundle, UpdateEvent, UpdateRun
from appliance.model_updates.services import runs
from appliance.model_updates.tests import tiny
from appliance.triage import engine

WHY = "Asked for by the head of the desk."


def version_of(role: str) -> str:
    return engine.find_ref(role).version


def test_a_signed_update_runs_after_every_step(apply, publisher, bundle):
    run = apply(publisher.pack(bundle()))

    assert (run.state, run.exit_code) == ("done", 0), run.text
    assert [entry["step"] for entry in run.steps] == [*Step]
    assert version_of("classifier") == "2"
    assert (
        engine.current().classify("password locked", {"access": "", "network": ""}).label
        == "access"
    )
    assert InstalledBundle.objects.get().state == InstalledBundle.State.TRIAL


def test_each_step_leaves_an_event_nobody_can_change(apply, publisher, bundle):
    apply(publisher.pack(bundle()))

    steps = list(UpdateEvent.objects.values_list("step", flat=True))
    assert set(Step) <= set(steps)
    with pytest.raises(Exception, match="append-only"):
        UpdateEvent.objects.update(text="nothing happened")


def test_an_inspection_changes_nothing(apply, publisher, bundle, settings):
    run = apply(publisher.pack(bundle()), kind="inspect")

    assert (run.state, run.exit_code) == ("done", 0), run.text
    assert version_of("classifier") == "1"
    assert not (settings.DATA / "models").exists()
    assert queries.report()["seen"]["timestamp"] == 0


def test_too_few_tickets_need_a_persons_yes(apply, publisher, bundle):
    run = apply(publisher.pack(bundle()), accept=())

    assert (run.state, run.exit_code, run.asks) == ("asks", UNDECIDED, "undecided")
    assert run.steps[-1]["found"]["classifier"]["verdict"] == "not enough"
    assert version_of("classifier") == "1"


def test_the_same_update_twice_is_nothing_to_do(apply, publisher, bundle):
    stick = publisher.pack(bundle())
    apply(stick)

    assert apply(stick).exit_code == NOTHING_TO_DO


def test_an_archive_is_a_stick_too(apply, publisher, bundle):
    run = apply(publisher.pack(bundle(), name="update.tar"))

    assert (run.state, version_of("classifier")) == ("done", "2"), run.text


def test_going_back_brings_what_ran_before(apply, publisher, bundle, dan):
    apply(publisher.pack(bundle()))
    apply(publisher.pack(bundle(version="3", weights=2 * tiny.weights_for("classifier")), name="b"))
    assert version_of("classifier") == "3"

    run = services.carry_out(services.start_run(kind="rollback", source="", by=dan))
    assert (run.state, version_of("classifier")) == ("done", "2")

    services.carry_out(services.start_run(kind="rollback", source="classifier", by=dan))
    assert version_of("classifier") == "1"
    assert ActiveBundle.objects.get(role="classifier").bundle is None


def test_with_nothing_installed_there_is_nothing_to_go_back_to(desk, dan):
    run = services.carry_out(services.start_run(kind="rollback", source="", by=dan))

    assert run.exit_code == NOTHING_TO_DO


def test_a_new_encoder_waits_for_its_vectors(apply, publisher, bundle):
    run = apply(publisher.pack(bundle("encoder", weights=tiny.weights_for("encoder", seed=2))))

    assert run.state == "done", run.text
    assert version_of("encoder") == "1"
    assert engine.find_next_encoder().space == "encoder/2"


def test_only_a_named_admin_with_a_reason_accepts(desk, bob, dan):
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


def test_what_the_file_says_follows_the_rows(apply, publisher, bundle, settings):
    apply(publisher.pack(bundle()))
    active = settings.DATA / "models" / "active.json"
    active.write_text("{")

    assert services.follow()

    assert json.loads(active.read_text())["classifier"] == "classifier/2"
    assert not services.follow()


def test_a_busy_desk_says_so(apply, publisher, bundle, monkeypatch):
    monkeypatch.setattr(runs, "session_lock", lambda *_, **__: nullcontext(False))

    run = apply(publisher.pack(bundle()))

    assert (run.state, run.exit_code) == (UpdateRun.State.REFUSED, BUSY)


def test_every_step_has_a_code_of_its_own():
    assert len(set(EXIT_CODES.values())) == len(Step)
