"""Skerry, a help desk for networks with no internet."""

from datetime import date

VERSION = "0.1.0"
UPLOAD_MAX_BYTES = 128 * 1024 * 1024  # of a whole request; nothing is read beyond it
RELEASED_ON = date(2026, 11, 28)  # no clock of a machine that runs this is right when it says less
