"""What goes into the log, and what must not."""

import re

# Whoever holds this part of the address may set the desk up, set a password, read a ticket.
_TOKEN = re.compile(r"(/(?:setup|welcome|guest)/)[^/\s?]+")


def hide_secrets(logger: object, method: str, event: dict) -> dict:
    """A structlog processor: the token of a secret link never reaches a log file."""
    for name, value in event.items():
        if isinstance(value, str) and "/" in value:
            event[name] = _TOKEN.sub(r"\1…", value)
    return event
