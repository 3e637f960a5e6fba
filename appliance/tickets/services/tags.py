"""Verbs on the tags of a ticket."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError
from appliance.tickets.event_data import TagsData
from appliance.tickets.models import Event, SavedView, Tag, Ticket
from appliance.tickets.services.events import lock, record, require_agent, save

MAX_TAGS, MAX_CHARACTERS = 20, 40
Named = dict[str, str]  # spelling by case-folded name


def set_tags(
    *, ticket: Ticket, names: Iterable[str], by: User | None, at: datetime | None = None
) -> None:
    """Exactly these, whatever their case; what the desk does not know yet is made."""
    tags_by_key = _normalise(names)
    _change_tags(ticket, by, lambda now: tags_by_key, at)


def add_tags(*, ticket: Ticket, names: Iterable[str], by: User | None) -> None:
    more = _normalise(names)
    _change_tags(ticket, by, lambda now: now | more)


def remove_tags(*, ticket: Ticket, names: Iterable[str], by: User | None) -> None:
    fewer = _normalise(names)
    _change_tags(ticket, by, lambda now: {k: name for k, name in now.items() if k not in fewer})


def _change_tags(
    ticket: Ticket,
    by: User | None,
    wanted_of: Callable[[Named], Named],
    at: datetime | None = None,
) -> None:
    """``wanted_of`` maps what is there now to what shall be."""
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        now = {_tag_key(tag.name): tag.name for tag in locked.tags.all()}
        after = wanted_of(now)
        if now.keys() != after.keys():
            _save_tags(locked, now, after, by, at)
    ticket.refresh_from_db()


def _save_tags(
    locked: Ticket, now: Named, after: Named, by: User | None, at: datetime | None
) -> None:
    if len(after) > MAX_TAGS:
        raise BadInputError(
            _("A ticket can have at most %(most)d tags. Remove one first.") % {"most": MAX_TAGS},
            field="tags",
        )
    tags = _get_or_create_tags(after.values())
    locked.tags.set(tags)
    save(locked, at=at)
    added = sorted(tag.name for tag in tags if _tag_key(tag.name) not in now)
    removed = sorted(name for key, name in now.items() if key not in after)
    record(locked, Event.Kind.TAGS, by, at, data=TagsData(added=added, removed=removed))


def _get_or_create_tags(names: Iterable[str]) -> list[Tag]:
    """The tags of these names; two agents who make the same one at once get the same row."""
    names = list(names)
    known = {_tag_key(tag.name) for tag in _existing_tags(names)}
    new = [Tag(name=name) for name in names if _tag_key(name) not in known]
    Tag.objects.bulk_create(new, ignore_conflicts=True)
    return list(_existing_tags(names))


def _existing_tags(names: list[str]) -> QuerySet[Tag]:
    upper = [Upper(Value(name)) for name in names]  # what the unique index compares
    return Tag.objects.annotate(key=Upper("name")).filter(key__in=upper)


def _tag_key(name: str) -> str:
    return name.casefold()


def _normalise(names: Iterable[str]) -> Named:
    """Spelling by case-folded name, without what a person types around a tag."""
    clean = (" ".join(name.replace(",", " ").split()).lstrip("#").strip() for name in names)
    tags_by_key: Named = {}
    for name in clean:
        if len(name) > MAX_CHARACTERS or "\0" in name:
            raise BadInputError(
                _("“%(name)s …” is too long for a tag: at most %(most)d characters.")
                % {"name": name[:20], "most": MAX_CHARACTERS},
                field="tags",
            )
        if name:
            tags_by_key.setdefault(_tag_key(name), name)
    return tags_by_key


@transaction.atomic
def add_tag(*, by: User, name: str) -> Tag:
    """Raises BadInputError when there is one of that name, whatever its case."""
    require_admin(by)
    tag = Tag(name=_clean_tag_name(name))
    try:
        with transaction.atomic():
            tag.save(force_insert=True)
    except IntegrityError as error:
        raise _require_free_tag_name(tag.name) from error
    audit.record_change(by=by, verb="added", subject=tag)
    return tag


@transaction.atomic
def rename_tag(*, tag: Tag, by: User, name: str) -> None:
    """On every ticket and in every saved view at once."""
    require_admin(by)
    locked = Tag.objects.select_for_update().get(pk=tag.pk)
    before, name = locked.name, _clean_tag_name(name)
    if update_fields(locked, by=by, duplicate_error=_require_free_tag_name(name), name=name):
        _update_views(before, name)
        cache.invalidate(cache.TICKETS)
    tag.refresh_from_db()


@transaction.atomic
def merge_tags(*, source: Tag, target: Tag, by: User) -> None:
    """Tickets with ``source`` get ``target``, and ``source`` is no more."""
    require_admin(by)
    if source.pk == target.pk:
        raise BadInputError(_("Choose two different tags."), field="target")
    # in the order of their ids, whoever asks, so that no two wait for each other
    list(Tag.objects.select_for_update().filter(pk__in=[source.pk, target.pk]).order_by("pk"))
    through = Ticket.tags.through.objects
    already = through.filter(tag=target).values("ticket")
    moved = through.filter(tag=source).exclude(ticket__in=already).update(tag=target)
    data = {"into": target.name, "tickets": moved}
    audit.record_change(by=by, verb="merged", subject=source, data=data)
    _update_views(source.name, target.name)
    source.delete()
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def remove_tag(*, tag: Tag, by: User) -> None:
    """From every ticket; the time line of each still says when it was there."""
    require_admin(by)
    data = {"tickets": tag.tickets.count()}
    audit.record_change(by=by, verb="removed", subject=tag, data=data)
    tag.delete()
    cache.invalidate(cache.TICKETS)


def _update_views(before: str, after: str) -> None:
    views = list(SavedView.objects.select_for_update().filter(filter__tag__iexact=before))
    for view in views:
        view.filter["tag"] = after
    SavedView.objects.bulk_update(views, ["filter"])
    if views:
        cache.invalidate(cache.VIEWS)


def _clean_tag_name(name: str) -> str:
    name = " ".join(name.replace(",", " ").split()).lstrip("#").strip()
    if not name:
        raise BadInputError(_("A tag needs at least one letter."), field="name")
    return name


def _require_free_tag_name(name: str) -> BadInputError:
    return BadInputError(
        _("A tag named %(name)s already exists. Merge the two instead.") % {"name": name},
        field="name",
    )
