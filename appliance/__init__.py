"""Skerry, a help desk for networks with no internet."""

VERSION = "0.1.0"
