"""Syncs: started by an admin or the clock, carried out by the worker, logged as ``SyncRun``.

A run compares from scratch, so that one that was killed goes on where it was by running again.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core.database import session_lock
from appliance.core.errors import BadInputError
from appliance.directory import planning
from appliance.directory.entries import Entry
from appliance.directory.errors import DirectoryError
from appliance.directory.models import BindAttempt, Directory, DirectoryLink, SyncRun
from appliance.directory.planning import AccessPlan, PersonPlan
from appliance.directory.services import people
from appliance.directory.services.directories import record_answer, record_problem
from appliance.directory.snapshot import Snapshot, read_snapshot

BATCH_ENTRIES = 500  # saved in one transaction
MAX_ROWS = 300  # of changes shown in the log; problems are shown up to MAX_PROBLEMS
MAX_PROBLEMS = 1000
KEEP_RUNS = timedelta(days=90)
KEEP_ATTEMPTS = timedelta(days=1)
_log = logging.getLogger(__name__)


@transaction.atomic
def start_run(*, directory: Directory, kind: SyncRun.Kind, by: User) -> SyncRun:
    """Queue a sync or a preview for the worker; one that waits or runs already is returned."""
    require_admin(by)
    Directory.objects.select_for_update().get(pk=directory.pk)
    waiting = directory.runs.filter(
        kind=kind, state__in=[SyncRun.State.QUEUED, SyncRun.State.RUNNING]
    ).first()
    if waiting:
        return waiting
    if kind == SyncRun.Kind.FULL and not directory.is_active:
        raise BadInputError(_("The directory is switched off. Switch it on, or use the preview."))
    return _queue(directory, kind, by=by)


@transaction.atomic
def approve_run(*, run: SyncRun, by: User) -> SyncRun:
    """Run a stopped sync again, this time without the limit of disabled accounts."""
    require_admin(by)
    if run.state != SyncRun.State.HELD or run.problem.get("code") != "too_many_disabled":
        raise BadInputError(_("This sync needs no approval."))
    audit.record_change(
        by=by, verb="approved", subject=run.directory, data={"count": run.problem["count"]}
    )
    return _queue(run.directory, SyncRun.Kind.FULL, by=by, is_approved=True)


def start_nightly_runs() -> None:
    """Queue a sync of every directory that is switched on."""
    for directory in Directory.objects.filter(is_active=True):
        _queue(directory, SyncRun.Kind.FULL, by=None)


def resume_runs() -> None:
    """Carry on with runs whose worker has died, and with those that wait for another run."""
    over = [SyncRun.State.DONE, SyncRun.State.HELD, SyncRun.State.FAILED]
    minute_ago = timezone.now() - timedelta(minutes=1)
    for run in SyncRun.objects.exclude(state__in=over).filter(created_at__lt=minute_ago):
        carry_out_run(run)


def check_accounts() -> None:
    """Look in every directory who is disabled or gone, and who is in which group."""
    for directory in Directory.objects.filter(is_active=True):
        run = SyncRun(directory=directory, kind=SyncRun.Kind.ACCESS)
        with session_lock(_lock_name(directory), wait=False) as is_mine:
            if is_mine:
                _carry_out(run)


def carry_out_run(run: SyncRun) -> SyncRun:
    """Carry out a run that is not over, unless another one of this directory is being done."""
    with session_lock(_lock_name(run.directory), wait=False) as is_mine:
        run.refresh_from_db()
        if is_mine and not run.is_over:
            SyncRun.objects.filter(pk=run.pk).update(state=SyncRun.State.RUNNING)
            _carry_out(run)
    return run


def purge() -> None:
    """Delete old runs, and attempts that no limit counts any more."""
    now = timezone.now()
    SyncRun.objects.filter(created_at__lt=now - KEEP_RUNS).delete()
    BindAttempt.objects.filter(at__lt=now - KEEP_ATTEMPTS).delete()


def _queue(
    directory: Directory, kind: SyncRun.Kind, *, by: User | None, is_approved: bool = False
) -> SyncRun:
    from appliance.directory.tasks import carry_out  # the tasks import the services

    run = SyncRun.objects.create(
        directory=directory, kind=kind, started_by=by, is_approved=is_approved
    )
    transaction.on_commit(lambda: carry_out.defer(run_id=run.pk))
    return run


def _lock_name(directory: Directory) -> str:
    return f"directory.sync:{directory.pk}"


def _carry_out(run: SyncRun) -> None:
    """Do the work of a run and store how it ended; errors of the directory are a result."""
    log = _RunLog(run)
    try:
        snapshot = read_snapshot(run.directory, with_contacts=run.kind != SyncRun.Kind.ACCESS)
    except DirectoryError as error:
        record_problem(run.directory, error)
        log.finish(SyncRun.State.FAILED, error.as_json())
        return
    record_answer(run.directory)
    log.start(snapshot)
    try:
        _compare(run, snapshot, log)
    except Exception:
        log.finish(SyncRun.State.FAILED, {"code": "worker_stopped"})
        raise


def _compare(run: SyncRun, snapshot: Snapshot, log: "_RunLog") -> None:
    access_plans = planning.plan_access(snapshot)
    problem = planning.find_loss_problem(snapshot, access_plans)
    is_preview = run.kind == SyncRun.Kind.PREVIEW
    if problem and not is_preview and not (run.is_approved and snapshot.entries):
        log.add_access(access_plans)
        log.finish(SyncRun.State.HELD, problem)
        return
    if run.kind != SyncRun.Kind.ACCESS:
        _take_over(run, snapshot, log)
        access_plans = access_plans if is_preview else planning.plan_access(snapshot)
    log.add_access(access_plans)
    if not is_preview:
        for user in people.save_access(access_plans):
            log.add_problem({"code": "last_admin", "name": str(user)})
    log.finish(SyncRun.State.DONE, problem)


def _take_over(run: SyncRun, snapshot: Snapshot, log: "_RunLog") -> None:
    """Compare names and addresses batch by batch, and save them unless it is a preview."""
    repeated_emails = snapshot.repeated_emails()
    for entries in _batches(snapshot.entries.values()):
        access = {entry.id: snapshot.access_of(entry.id) for entry in entries}
        if run.kind == SyncRun.Kind.PREVIEW:
            with transaction.atomic():
                plans = planning.plan_people(
                    run.directory, entries, access=access, repeated_emails=repeated_emails
                )
        else:
            plans = people.save_people(
                run.directory, entries, access=access, repeated_emails=repeated_emails
            )
        log.add_people(plans, read=len(entries))
    if run.kind == SyncRun.Kind.FULL:
        log.count("managers", people.save_managers(run.directory, snapshot.entries.values()))


def _batches(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    iterator = iter(entries)
    while batch := list(islice(iterator, BATCH_ENTRIES)):
        yield batch


class _RunLog:
    """What a run reports. A check of accounts leaves a row only if it changed or stopped."""

    def __init__(self, run: SyncRun) -> None:
        self.run = run
        run.counts, run.rows, run.processed = {}, [], 0

    def start(self, snapshot: Snapshot) -> None:
        self.run.total = len(snapshot.entries)
        for problem in snapshot.problems:
            self.add_problem(problem)

    def count(self, name: str, number: int = 1) -> None:
        if number:
            self.run.counts[name] = self.run.counts.get(name, 0) + number

    def add_people(self, plans: Sequence[PersonPlan], *, read: int) -> None:
        self.run.processed += read
        for plan in plans:
            self.count(plan.outcome)
            if plan.problem:
                self.add_problem({**plan.problem, "id": plan.entry.id, "name": plan.entry.name})
            if plan.outcome not in ("unchanged", "left out"):
                self._add_row(
                    {
                        "outcome": plan.outcome,
                        "id": plan.entry.id,
                        "name": plan.entry.name,
                        "email": plan.entry.email,
                        "fields": list(plan.changed_fields),
                    }
                )
        if self.run.pk:
            SyncRun.objects.filter(pk=self.run.pk).update(
                total=self.run.total, processed=self.run.processed
            )

    def add_access(self, plans: Sequence[AccessPlan]) -> None:
        for plan in plans:
            row: dict[str, object] = {"id": plan.link.entry_id, "name": _name_of(plan.link)}
            if plan.change is None:
                if plan.state == DirectoryLink.State.MISSING != plan.link.state:
                    self._add_outcome(row, "missing")
                continue
            if plan.change.is_active is not None:
                self._add_outcome(row, "enabled" if plan.change.is_active else "disabled")
            if plan.change.role is not None:
                self._add_outcome({**row, "role": plan.change.role}, "role changed")
            if plan.change.joins or plan.change.leaves:
                self._add_outcome(row, "teams changed")

    def add_problem(self, problem: planning.Problem) -> None:
        self.count("problems")
        if self.run.counts["problems"] <= MAX_PROBLEMS:
            self.run.rows.append({"outcome": "problem", **problem})

    def finish(self, state: SyncRun.State, problem: planning.Problem) -> None:
        self.run.state, self.run.problem = state, problem
        self.run.finished_at = timezone.now()
        is_shown = self.run.pk or self._has_news()
        if is_shown:
            self.run.save()
        _log.info(
            "directory %s: %s %s %s", self.run.directory, self.run.kind, state, self.run.counts
        )

    def _has_news(self) -> bool:
        """Return whether a check of accounts has changed something or stopped anew."""
        if self.run.state == SyncRun.State.DONE:
            return bool(self.run.counts.keys() - {"problems"})
        latest = SyncRun.objects.filter(directory=self.run.directory).first()
        is_known = latest and (latest.state, latest.problem.get("code")) == (
            self.run.state,
            self.run.problem.get("code"),
        )
        return not is_known

    def _add_outcome(self, row: dict[str, object], outcome: str) -> None:
        self.count(outcome)
        self._add_row({"outcome": outcome, **row})

    def _add_row(self, row: dict[str, object]) -> None:
        if len(self.run.rows) < MAX_ROWS + self.run.counts.get("problems", 0):
            self.run.rows.append(row)


def _name_of(link: DirectoryLink) -> str:
    person = link.user or link.customer
    return person.full_name if person else link.dn
