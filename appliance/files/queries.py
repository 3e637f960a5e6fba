"""Reads of uploaded files. The room a file belongs to decides who may read it."""

from typing import BinaryIO

from django.http import Http404

from appliance.core import queries as core_queries
from appliance.files import storage
from appliance.files.models import MAX_MB, StoredFile

MB = 1024 * 1024


def limit_mb() -> int:
    """Return the largest size of one file on this site."""
    return min(core_queries.site_settings().max_attachment_mb, MAX_MB)


def limit_bytes() -> int:
    return limit_mb() * MB


def open_file(stored_file: StoredFile) -> BinaryIO:
    """Open the bytes of a file. Raise Http404 when they are missing on disk."""
    try:
        return open(storage.path_of(stored_file.pk), "rb")
    except FileNotFoundError:
        raise Http404 from None
