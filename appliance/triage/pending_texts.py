"""Which texts the backlog has to look at: exactly those it might find, without reading them all.

Triggers write down what is new, reads otherwise, or lost what was said of it (``Touched``). When
bundles change, every text is looked through once, and what they have not read is touched as well
(``LookedThrough``). From then on whatever is left to read is among the touched ones; what turns out
to be read is taken out again, behind the work. See decision 17.
"""

from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from appliance.inference.bundle import BundleRef
from appliance.triage.models import BackfillState, PendingText

Refs = Mapping[str, BundleRef]
MAX_ROWS_TO_PRUNE = 50_000  # beyond that nearly all of them wait to be read


def only_pending(rows: QuerySet, kind: str, refs: Refs) -> QuerySet:
    """``rows`` that may be left to read; all of them while not all were looked through."""
    if not is_complete_for(kind, refs):
        return rows
    return rows.filter(pk__in=PendingText.objects.filter(kind=kind).values("object_id"))


def is_complete_for(kind: str, refs: Refs) -> bool:
    """Whether all texts were looked through for each of these bundles, and maybe for more."""
    return _bundle_names(refs).items() <= _find_state(kind).items()


def delete_finished(kind: str, refs: Refs, lacking: QuerySet) -> None:
    """Before work: follow these bundles, or take out what they have read. ``lacking`` are all the
    rows they have not read.
    """
    if _find_state(kind) == _bundle_names(refs):
        _prune(kind, refs, lacking)
    else:
        _save_state(kind, refs, lacking)


def reset() -> None:
    """Follow nothing: the next look is at all texts, whatever was written down."""
    BackfillState.objects.all().delete()


@transaction.atomic
def _save_state(kind: str, refs: Refs, lacking: QuerySet) -> None:
    """Look through all texts once. What is written after this statement's look touches itself."""
    query, values = lacking.values("pk").query.sql_with_params()
    insert = "INSERT INTO triage_pendingtext (kind, object_id) SELECT %s, pk FROM ({}) AS found"
    with connection.cursor() as cursor:
        cursor.execute(insert.format(query), [kind, *values])
    BackfillState.objects.bulk_create(
        [
            BackfillState(kind=kind, role=role, bundle=name)
            for role, name in _bundle_names(refs).items()
        ],
        update_conflicts=True,
        unique_fields=["kind", "role"],
        update_fields=["bundle"],
    )
    BackfillState.objects.filter(kind=kind).exclude(role__in=refs).delete()


def _prune(kind: str, refs: Refs, lacking: QuerySet) -> None:
    """Exact without a lock: rows are only inserted, so what is touched while this runs has a row it
    does not see. It takes out nothing when other bundles are followed by now: the same statement
    asks.
    """
    if PendingText.objects.filter(kind=kind)[:MAX_ROWS_TO_PRUNE].count() == MAX_ROWS_TO_PRUNE:
        return
    rows = PendingText.objects.filter(kind=kind)
    for role, name in _bundle_names(refs).items():
        rows = rows.filter(Exists(BackfillState.objects.filter(kind=kind, role=role, bundle=name)))
    others = BackfillState.objects.filter(kind=kind).exclude(role__in=refs)
    is_left = lacking.filter(pk=OuterRef("object_id"))
    rows.exclude(Exists(others)).exclude(Exists(is_left)).delete()


def _find_state(kind: str) -> dict[str, str]:
    return dict(BackfillState.objects.filter(kind=kind).values_list("role", "bundle"))


def _bundle_names(refs: Refs) -> dict[str, str]:
    return {role: ref.space if role == "encoder" else ref.digest for role, ref in refs.items()}
