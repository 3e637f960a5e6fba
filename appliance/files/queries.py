"""Reads on uploaded files. Who may have one is decided by the room it was sent to."""

from typing import BinaryIO

from django.http import Http404

from appliance.core import queries as core_queries
from appliance.files import disk
from appliance.files.models import MAX_MB, StoredFile

MB = 1024 * 1024


def limit_mb() -> int:
    """How large one file may be on this desk."""
    return min(core_queries.site_settings().max_attachment_mb, MAX_MB)


def limit_bytes() -> int:
    return limit_mb() * MB


def open_file(stored: StoredFile) -> BinaryIO:
    """Its bytes. Raises Http404 when they are gone from the disk."""
    try:
        return open(disk.path_of(stored.pk), "rb")
    except FileNotFoundError:
        raise Http404 from None
