"""Verbs of this room: take a sample of metrics, queue a check of the search index."""

import contextlib
from typing import Any

from django.db import transaction
from django.utils import timezone
from procrastinate.exceptions import AlreadyEnqueued

from appliance.accounts.models import Role, User
from appliance.core import cache as app_cache
from appliance.core.database import try_lock_until_commit
from appliance.core.sql_files import execute
from appliance.directory import services as directory_services
from appliance.directory.models import SyncRun
from appliance.directory.presets import DirectoryKind
from appliance.mail.models import Mailbox
from appliance.notifications.models import EmailSettings, SenderAddress
from appliance.ops import queries, timing_metrics
from appliance.ops.models import Sample
from appliance.ops.trial_servers import Ports
from appliance.search.tasks import check_index

MIN_INTERVAL_SECONDS = 120


@transaction.atomic
def take_sample() -> Sample | None:
    """Store the current metrics and thin out old samples.

    Return None when another process has just taken a sample.
    """
    if not try_lock_until_commit("ops.take_sample"):
        return None
    latest = Sample.objects.last()
    if latest and (timezone.now() - latest.at).total_seconds() < MIN_INTERVAL_SECONDS:
        return None
    sample = Sample.objects.create(figures=_figures(latest.figures if latest else {}))
    execute("ops", "thin")
    return sample


def queue_search_check() -> None:
    """Queue one check of the search index, unless one is queued already."""
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        check_index.defer()


@transaction.atomic
def use_trial_servers(address: str, ports: Ports, certificate: str) -> None:
    """Set the mailbox, the mail server and the directory of a scratch desk to these servers."""
    admin = User.objects.filter(role=Role.ADMIN).order_by("pk")[0]
    server = {"host": address, "security": "tls", "ca_certificate": certificate}
    EmailSettings.objects.update_or_create(pk=1, defaults=server | {"port": ports.smtp})
    sender = SenderAddress.objects.create(address="desk@trial.example", is_default=True)
    Mailbox.objects.create(
        name="Trial",
        sender_address=sender,
        port=ports.imap,
        user="desk",
        password="trial",  # noqa: S106 - of a server that takes any
        poll_seconds=15,
        **server,
    )
    directory = directory_services.add_directory(
        by=admin,
        name="Trial",
        kind=DirectoryKind.OPENLDAP,
        servers=[address],
        port=ports.ldap,
        ca_certificate=certificate,
        base_dn="dc=trial,dc=example",
        domains=["trial.example"],
        is_active=True,
    )
    directory_services.start_run(directory=directory, kind=SyncRun.Kind.FULL, by=admin)


def _figures(previous: dict[str, Any]) -> dict[str, Any]:
    """Return all metrics. Timings are added to those of the previous sample."""
    current_slot = timing_metrics.current_slot()  # not complete yet: the next sample's
    slots = timing_metrics.slots_since(previous.get("slot", 0), until=current_slot)
    timings = timing_metrics.add(previous.get("timings", {}), timing_metrics.read_timings(slots))
    totals, counts = queries.read_totals(), app_cache.hit_counts().values()
    return {
        "slot": current_slot - 1,
        "timings": timings,
        "pages_hit": int(totals.pages_hit),
        "pages_read": int(totals.pages_read),
        "index_scans": int(totals.index_scans),
        "sequential_scans": int(totals.sequential_scans),
        "database_bytes": totals.database_bytes,
        "cache_hits": sum(count["hits"] for count in counts),
        "cache_misses": sum(count["misses"] for count in counts),
        "queued_texts": queries.count_queued_texts(),
        "disk_free": queries.read_disk().free,
    }
