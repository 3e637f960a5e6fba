"""Verbs on the tags of a ticket."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.tickets.models import Event, Tag, Ticket
from appliance.tickets.services.recording import lock, record, require_agent, save

MOST_TAGS, MOST_CHARACTERS = 20, 40
Named = dict[str, str]  # spelling by case-folded name


def set_tags(
    *, ticket: Ticket, names: Iterable[str], by: User | None, at: datetime | None = None
) -> None:
    """Exactly these, whatever their case; what the desk does not know yet is made."""
    wanted = _normalised(names)
    _change(ticket, by, lambda now: wanted, at)


def add_tags(*, ticket: Ticket, names: Iterable[str], by: User | None) -> None:
    more = _normalised(names)
    _change(ticket, by, lambda now: now | more)


def remove_tags(*, ticket: Ticket, names: Iterable[str], by: User | None) -> None:
    fewer = _normalised(names)
    _change(ticket, by, lambda now: {k: name for k, name in now.items() if k not in fewer})


def _change(
    ticket: Ticket,
    by: User | None,
    wanted_of: Callable[[Named], Named],
    at: datetime | None = None,
) -> None:
    """``wanted_of`` maps what is there now to what shall be."""
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        now = {_key(tag.name): tag.name for tag in locked.tags.all()}
        wanted = wanted_of(now)
        if now.keys() != wanted.keys():
            _write(locked, now, wanted, by, at)
    ticket.refresh_from_db()


def _write(locked: Ticket, now: Named, wanted: Named, by: User | None, at: datetime | None) -> None:
    if len(wanted) > MOST_TAGS:
        raise BadInputError(
            _("A ticket can have at most %(most)d tags. Remove one first.") % {"most": MOST_TAGS},
            field="tags",
        )
    tags = _ensure(wanted.values())
    locked.tags.set(tags)
    save(locked, at=at)
    added = sorted(tag.name for tag in tags if _key(tag.name) not in now)
    removed = sorted(name for key, name in now.items() if key not in wanted)
    record(locked, Event.Kind.TAGS, by, at, added=added, removed=removed)


def _ensure(names: Iterable[str]) -> list[Tag]:
    """The tags of these names; two agents who make the same one at once get the same row."""
    names = list(names)
    known = {_key(tag.name) for tag in _known(names)}
    new = [Tag(name=name) for name in names if _key(name) not in known]
    Tag.objects.bulk_create(new, ignore_conflicts=True)
    return list(_known(names))


def _known(names: list[str]) -> QuerySet[Tag]:
    upper = [Upper(Value(name)) for name in names]  # what the unique index compares
    return Tag.objects.annotate(key=Upper("name")).filter(key__in=upper)


def _key(name: str) -> str:
    return name.casefold()


def _normalised(names: Iterable[str]) -> Named:
    """Spelling by case-folded name, without what a person types around a tag."""
    clean = (" ".join(name.replace(",", " ").split()).lstrip("#").strip() for name in names)
    found: Named = {}
    for name in clean:
        if len(name) > MOST_CHARACTERS or "\0" in name:
            raise BadInputError(
                _("“%(name)s …” is too long for a tag: at most %(most)d characters.")
                % {"name": name[:20], "most": MOST_CHARACTERS},
                field="tags",
            )
        if name:
            found.setdefault(_key(name), name)
    return found
