"""A power cut at any moment: what ran runs on, or what was to run runs, and the next try works."""

import os
import signal

import pytest
from django.db import connections

from appliance.core.database import session_lock
from appliance.model_updates import services
from appliance.model_updates.errors import Step
from appliance.model_updates.models import UpdateRun
from appliance.model_updates.services import activation, runs
from appliance.triage import engine


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _carry_out_and_be_killed(run: UpdateRun, patch) -> None:
    """In a process of its own, with connections of its own."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            patch()
            services.carry_out(run)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    _wait_for_its_connection_to_end()


def _wait_for_its_connection_to_end() -> None:
    """PostgreSQL notices a killed client a moment later, and holds its advisory lock until then."""
    with session_lock(runs.RUN_LOCK, wait=True):
        pass


def _dies_before(step: Step):
    def patch() -> None:
        begin = runs._start_run
        runs._start_run = lambda run, at: _die() if at == step else begin(run, at)

    return patch


def _dies_after_the_files() -> None:
    activation.swap = _die


@pytest.mark.django_db(transaction=True)
def test_killed_at_every_step(apply, publisher, bundle, dan, settings):
    stick = publisher.pack(bundle())
    why = {"accepted": ["undecided"], "reason": "Asked for by the head of the desk."}

    for patch in [*map(_dies_before, Step), _dies_after_the_files]:
        run = services.start_run(kind="apply", source=str(stick), by=dan, **why)
        _carry_out_and_be_killed(run, patch)
        assert engine.find_ref("classifier").version == "1"
    assert (settings.DATA / "models/classifier/2").exists()  # a leftover, not registered

    run = services.start_run(kind="apply", source=str(stick), by=dan, **why)
    runs.clear_away(besides=run)
    assert not (settings.DATA / "models/classifier/2").exists()
    clear = activation.follow
    _carry_out_and_be_killed(run, lambda: _after_clearing(clear))
    assert engine.find_ref("classifier").version == "1"  # committed, but the file lags behind

    services.clear_away()

    assert engine.find_ref("classifier").version == "2"
    states = UpdateRun.objects.values_list("state", flat=True)
    assert set(states) == {UpdateRun.State.INTERRUPTED}
    again = services.carry_out(services.start_run(kind="apply", source=str(stick), by=dan, **why))
    assert again.state == UpdateRun.State.DONE, again.steps[-1:]


def _after_clearing(clear) -> None:
    """Let the first call (which mends) through and die at the second (which follows the swap)."""
    calls = iter([clear, _die])
    activation.follow = lambda: next(calls)()
