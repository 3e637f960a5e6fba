"""How rooms above this one hear of what happened to a ticket.

``tickets`` imports none of them. Each registers in its ``AppConfig.ready``; it is called inside
the transaction that wrote the event, with the ticket locked, so what it writes stands or falls
with the event. What it changes on tickets goes through ``tickets.services`` as ever.
See docs/decisions/0004-notify-upper-rooms-through-event-listeners.md.
"""

from collections.abc import Callable

from appliance.tickets.models import Event

Listener = Callable[[Event], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Listener:
    """Call ``listener`` for every event from now on, in the order of registration."""
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def tell(event: Event) -> None:
    for listener in _listeners:
        listener(event)
