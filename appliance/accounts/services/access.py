"""Tell the rooms above, in the same transaction, that people may have lost access to tickets."""

from typing import Protocol

from appliance.accounts.models import User


class Listener(Protocol):
    def __call__(self, *, by: User | None) -> object: ...


_listeners: list[Listener] = []


def on_lost_access(listener: Listener) -> None:
    """Call ``listener`` whenever users may have lost access to tickets, from now on."""
    if listener not in _listeners:
        _listeners.append(listener)


def publish_lost_access(*, by: User | None) -> None:
    """Call the listeners. Every change of role, activity, membership or a closed team ends here."""
    for listener in _listeners:
        listener(by=by)
