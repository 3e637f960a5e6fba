"""Verbs on uploaded files: the row and the bytes are created and removed together."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from appliance import disks
from appliance.accounts.models import User
from appliance.core import disk_space
from appliance.core.errors import BadInputError
from appliance.disks import ATTACHMENTS
from appliance.files import queries, storage
from appliance.files.models import StoredFile

DAY_SECONDS = 24 * 3600
_BATCH_SIZE = 1000
_written_ids: ContextVar[list[uuid.UUID] | None] = ContextVar("written_ids", default=None)


@contextmanager
def atomic() -> Iterator[list[uuid.UUID]]:
    """Open a transaction that also removes the files stored in it when it fails.

    Yields the ids of these files. A transaction around it may still be rolled back later;
    ``remove_orphans`` then removes the files.
    """
    file_ids: list[uuid.UUID] = []
    token = _written_ids.set(file_ids)
    try:
        with transaction.atomic():
            yield file_ids
    except BaseException:
        for file_id in file_ids:
            storage.remove(file_id)
        raise
    finally:
        _written_ids.reset(token)


def store(
    *,
    upload: UploadedFile,
    by: User | None,
    limit_bytes: int | None = None,
    content_type: str = "",
) -> StoredFile:
    """Write the bytes and create the row.

    ``limit_bytes`` is the site's by default, and ``content_type`` that which the bytes show.
    Raises BadInputError when the file is too large or the disk of the attachments is full.
    """
    if disk_space.find_unwritable(ATTACHMENTS):
        raise BadInputError(disk_space.attachment_refusal(), field="files")
    if size_of(upload) > (queries.limit_bytes() if limit_bytes is None else limit_bytes):
        raise BadInputError(too_large(upload.name, queries.limit_mb()), field="files")
    file_id = uuid.uuid4()
    with atomic() as file_ids:
        file_ids.append(file_id)
        written_file = _write(file_id, upload)
        stored_file = StoredFile.objects.create(
            id=file_id,
            name=storage.safe_name(upload.name or ""),
            content_type=content_type or storage.content_type_of(written_file.head),
            size=written_file.size,
            sha256=written_file.sha256,
            uploaded_by=by,
        )
    if (outer_file_ids := _written_ids.get()) is not None:
        outer_file_ids.append(file_id)
    return stored_file


def _write(file_id: uuid.UUID, upload: UploadedFile) -> storage.WrittenFile:
    try:
        return storage.write(file_id, upload.chunks())
    except OSError as error:
        if not disks.is_disk_error(error):
            raise
        raise BadInputError(disk_space.attachment_refusal(), field="files") from error


def remove(*, stored_file: StoredFile) -> None:
    """Delete the row now and the bytes when the transaction commits."""
    file_id = stored_file.pk
    stored_file.delete()
    transaction.on_commit(lambda: storage.remove(file_id))


def remove_orphans(*, older_than_seconds: float = DAY_SECONDS) -> int:
    """Remove files without a row, which failed transactions leave; return how many."""
    file_ids, removed_count = storage.list_ids(older_than_seconds=older_than_seconds), 0
    while batch := list(islice(file_ids, _BATCH_SIZE)):
        for file_id in _without_row(batch):
            storage.remove(file_id)
            removed_count += 1
    return removed_count


def size_of(upload: UploadedFile) -> int:
    """Return the number of bytes; Django sets the size of every upload it parses."""
    return upload.size or 0


def too_large(name: str | None, limit_mb: int) -> str:
    """Return the error message for a file above the limit."""
    return _("%(name)s is too large: the limit is %(limit)d MB per file. Send it in parts.") % {
        "name": storage.safe_name(name or ""),
        "limit": limit_mb,
    }


def _without_row(file_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    ids = set(file_ids)
    return ids - set(StoredFile.objects.filter(pk__in=ids).values_list("pk", flat=True))
