"""The disks of this installation, and what people are told while one of them cannot be written."""

from collections.abc import Iterable

from django.conf import settings
from django.db import DatabaseError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance import disks
from appliance.disks import ATTACHMENTS, DATABASE, LOGS, Disk

DISK_FULL_SQLSTATES = ("53100",)
USE_LABELS = {
    DATABASE: gettext_lazy("database"),
    ATTACHMENTS: gettext_lazy("attachments"),
    LOGS: gettext_lazy("logs"),
}


def list_disks() -> list[Disk]:
    """Return each disk once, with everything it is used for."""
    return disks.list_disks(settings.DATA, settings.MIN_FREE_MB)


def find_unwritable(use: str) -> Disk | None:
    """Return a disk with this use that cannot be written; None when all is well."""
    return disks.find_unwritable(settings.DATA, settings.MIN_FREE_MB, use)


def reason_of(error: BaseException) -> str:
    """Return what to tell a person when a disk has caused the error, or ""."""
    if isinstance(error, DatabaseError):
        if disk := find_unwritable(DATABASE):
            return refusal(disk.uses)
        is_full = getattr(error.__cause__, "sqlstate", "") in DISK_FULL_SQLSTATES
        return refusal([DATABASE]) if is_full else ""
    if not disks.is_disk_error(error):
        return ""
    disk = next((disk for disk in list_disks() if not disk.is_writable), None)
    return (
        refusal(disk.uses)
        if disk
        else _(
            "Nothing was saved: the disk for temporary files is full. An administrator has to free "
            "some space on it."
        )
    )


def refusal(uses: Iterable[str]) -> str:
    """Return why nothing was saved, for everybody."""
    return _(
        "Nothing was saved, because a disk of the help desk is full or cannot be written "
        "(%(uses)s). Send it again when an administrator has freed some space."
    ) % {"uses": labels(uses)}


def attachment_refusal() -> str:
    """Return why no file can be stored, for the field of the file."""
    return _(
        "Files cannot be stored at the moment, because the disk for attachments is full. Send "
        "the text without them, or try again when an administrator has freed some space."
    )


def warning(disk: Disk) -> str:
    """Return what is wrong with the disk and what to do, for an admin."""
    values = {
        "uses": labels(disk.uses),
        "folder": disk.folder,
        "free": disk.free_mb,
        "needed": disk.min_free_mb,
    }
    return f"{_problems()[disk.state] % values} {_consequence(disk)}"


def _problems() -> dict[str, str | Promise]:
    return {
        disks.LOW: _(
            "The disk for %(uses)s (%(folder)s) is nearly full: %(free)d MB are free. Below "
            "%(needed)d MB nothing is saved on it."
        ),
        disks.FULL: _(
            "The disk for %(uses)s (%(folder)s) is full: %(free)d MB are free, %(needed)d MB are "
            "needed."
        ),
        disks.READ_ONLY: _("The disk for %(uses)s (%(folder)s) is read-only."),
        disks.UNUSABLE: _("The disk for %(uses)s (%(folder)s) cannot be read."),
    }


def _consequence(disk: Disk) -> str:
    """Return what does not work, and the remedy."""
    if disk.state == disks.LOW:
        effect = ""
    elif DATABASE in disk.uses:
        effect = _("Pages can be read, but nothing can be saved.")
    elif ATTACHMENTS in disk.uses:
        effect = _("Files cannot be stored; everything else works.")
    else:
        effect = _("Log lines are lost; everything else works.")
    if disk.state in (disks.READ_ONLY, disks.UNUSABLE):
        remedy = _("Check the disk and mount it for writing.")
    elif disk.uses == (LOGS,):
        remedy = _("Delete old logs, or files of other programs on this disk.")
    else:
        remedy = _("Delete old backups (backups/), or files of other programs on this disk.")
    return f"{effect} {remedy}".strip()


def labels(uses: Iterable[str]) -> str:
    """Return the names of the uses, in the language of the user."""
    return ", ".join(str(USE_LABELS[use]) for use in uses)


def describe(disk: Disk) -> tuple[str, str]:
    """Return uses and state in the language of the user."""
    states = {
        disks.OK: _("ok"),
        disks.LOW: _("nearly full"),
        disks.FULL: _("full"),
        disks.READ_ONLY: _("read-only"),
        disks.UNUSABLE: _("cannot be read"),
    }
    return labels(disk.uses), states[disk.state]
