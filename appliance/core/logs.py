"""What goes into the log, and what must not."""

import re

# Whoever holds this part of the address may set the desk up.
_SETUP_TOKEN = re.compile(r"(/setup/)[^/\s?]+")


def hide_secrets(logger: object, method: str, event: dict) -> dict:
    """A structlog processor: the token of a set-up link never reaches a log file."""
    for name, value in event.items():
        if isinstance(value, str) and "/setup/" in value:
            event[name] = _SETUP_TOKEN.sub(r"\1…", value)
    return event
