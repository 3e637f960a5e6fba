"""Verbs on uploaded files. The row and the bytes live and die together."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.files import content, disk, queries
from appliance.files.models import StoredFile

DAY_SECONDS = 24 * 3600
_BATCH = 1000
_written: ContextVar[list[uuid.UUID] | None] = ContextVar("written", default=None)


@contextmanager
def atomic() -> Iterator[None]:
    """A transaction that takes the bytes stored in it away again when it fails.

    What a transaction around it rolls back later is found by ``remove_orphans``.
    """
    written: list[uuid.UUID] = []
    token = _written.set(written)
    try:
        with transaction.atomic():
            yield
    except BaseException:
        for file_id in written:
            disk.remove(file_id)
        raise
    finally:
        _written.reset(token)


def store(*, upload: UploadedFile, by: User | None) -> StoredFile:
    """The bytes on the disk and a row for them. Raises BadInputError when it is too large."""
    if upload.size > queries.limit_bytes():
        raise BadInputError(too_large(upload.name, queries.limit_mb()), field="files")
    file_id = uuid.uuid4()
    with atomic():
        _written.get().append(file_id)
        written = disk.write(file_id, upload.chunks())
        stored = StoredFile.objects.create(
            id=file_id,
            name=content.safe_name(upload.name),
            content_type=content.type_of(written.head),
            size=written.size,
            sha256=written.sha256,
            uploaded_by=by,
        )
    if (around := _written.get()) is not None:
        around.append(file_id)
    return stored


def remove(*, stored: StoredFile) -> None:
    """The row now, the bytes when the transaction commits."""
    file_id = stored.pk
    stored.delete()
    transaction.on_commit(lambda: disk.remove(file_id))


def remove_orphans(*, older_than_seconds: float = DAY_SECONDS) -> int:
    """Take away bytes without a row: of transactions that failed, of a power cut. How many."""
    ids, removed = disk.list_ids(older_than_seconds=older_than_seconds), 0
    while some := list(islice(ids, _BATCH)):
        for file_id in _without_row(some):
            disk.remove(file_id)
            removed += 1
    return removed


def too_large(name: str, limit_mb: int) -> str:
    return _("%(name)s is too large: the limit is %(limit)d MB per file. Send it in parts.") % {
        "name": content.safe_name(name or ""),
        "limit": limit_mb,
    }


def _without_row(ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    keys = set(ids)
    return keys - set(StoredFile.objects.filter(pk__in=keys).values_list("pk", flat=True))
