"""How this process talks to PostgreSQL."""

from django.db import connections


def limit_statements(*, seconds: int) -> None:
    """Let no statement of this process run longer. Call before the first query."""
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = f"-c statement_timeout={seconds * 1000}"
