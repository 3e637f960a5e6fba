"""Skerry, a help desk for networks with no internet."""

from datetime import date

VERSION = "0.1.0"
RELEASED_ON = date(2026, 11, 28)  # no clock of a machine that runs this is right when it says less
