"""Addresses for letters: they begin with what an admin set, never with what a request said."""

from django.urls import reverse

from appliance.core import queries as core_queries


def to(name: str, *args: object) -> str:
    """The whole address of a page; empty while the desk does not know its own."""
    base = core_queries.site_settings().base_url.rstrip("/")
    return f"{base}{reverse(name, args=args)}" if base else ""


def to_ticket(ticket_id: int | None) -> str:
    return to("ticket", ticket_id) if ticket_id else ""
