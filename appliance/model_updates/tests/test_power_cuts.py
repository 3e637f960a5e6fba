"""A power cut at any step leaves the old or the new bundle active, and the next run works."""

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


def _kill_process(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


INHERITED: list[object] = []


def _carry_out_and_be_killed(run: UpdateRun, patch) -> None:
    """Carry out a run in a forked process that kills itself."""
    child = os.fork()
    if child == 0:
        try:
            _replace_connections()
            patch()
            services.carry_out(run)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    _wait_for_its_connection_to_end()


def _replace_connections() -> None:
    """Let this process open connections of its own, and leave those of its parent open.

    Beside the current one the parent may have another: Django keeps one for code outside of an
    event loop and one for code inside, and Playwright starts a loop that only the parent sees.
    """
    for wrapper in connections.all(initialized_only=True):
        INHERITED.append(wrapper.connection)  # a reference, because collecting it would close it
        wrapper.connection = None


def _wait_for_its_connection_to_end() -> None:
    """PostgreSQL notices a killed client a moment later, and holds its advisory lock until then."""
    with session_lock(runs.RUN_LOCK, wait=True):
        pass


def _kill_before(step: Step):
    def patch() -> None:
        begin = runs._start_step
        runs._start_step = lambda run, at: _kill_process() if at == step else begin(run, at)

    return patch


def _kill_after_the_files() -> None:
    activation.activate_bundles = _kill_process


@pytest.mark.django_db(transaction=True)
def test_killed_at_every_step(apply, publisher, bundle, dan, settings):
    medium = publisher.pack(bundle())
    approval = {"accepted": ["undecided"], "reason": "Asked for by the head of the desk."}

    for patch in [*map(_kill_before, Step), _kill_after_the_files]:
        run = services.start_run(kind="apply", source=str(medium), by=dan, **approval)
        _carry_out_and_be_killed(run, patch)
        assert engine.find_ref("classifier").version == "1"
    assert (settings.DATA / "models/classifier/2").exists()  # a leftover, not registered

    run = services.start_run(kind="apply", source=str(medium), by=dan, **approval)
    runs.clean_up_runs(besides=run)
    assert not (settings.DATA / "models/classifier/2").exists()
    sync = activation.sync_active_json
    _carry_out_and_be_killed(run, lambda: _kill_at_second_sync(sync))
    assert engine.find_ref("classifier").version == "1"  # committed, but the file lags behind

    services.clean_up_runs()

    assert engine.find_ref("classifier").version == "2"
    states = UpdateRun.objects.values_list("state", flat=True)
    assert set(states) == {UpdateRun.State.INTERRUPTED}
    run = services.carry_out(
        services.start_run(kind="apply", source=str(medium), by=dan, **approval)
    )
    assert run.state == UpdateRun.State.DONE, run.steps[-1:]


def _kill_at_second_sync(sync) -> None:
    """Let the first call (of the clean-up) pass, and kill the process at the second."""
    calls = iter([sync, _kill_process])
    activation.sync_active_json = lambda: next(calls)()
