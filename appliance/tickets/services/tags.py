"""Services for the tags of a ticket, and for the tags that admins maintain."""

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
from appliance.core.clean_text import clean_line
from appliance.core.errors import BadInputError
from appliance.tickets.event_data import TagsData
from appliance.tickets.models import Event, SavedView, Tag, Ticket
from appliance.tickets.services.events import lock, record, require_agent, save

MAX_TAGS, MAX_CHARACTERS = 20, 40
TagNames = dict[str, str]  # spelling by case-folded name


def set_tags(
    *, ticket: Ticket, names: Iterable[str], by: User | None, at: datetime | None = None
) -> None:
    """Replace the tags of a ticket; a tag that does not exist in any case is created."""
    new = _normalise(names)
    _change_tags(ticket, by, lambda current: new, at)


def add_tags(*, ticket: Ticket, names: Iterable[str], by: User | None) -> None:
    added = _normalise(names)
    _change_tags(ticket, by, lambda current: current | added)


def remove_tags(*, ticket: Ticket, names: Iterable[str], by: User | None) -> None:
    removed = _normalise(names)

    def remaining(current: TagNames) -> TagNames:
        return {key: name for key, name in current.items() if key not in removed}

    _change_tags(ticket, by, remaining)


def _change_tags(
    ticket: Ticket,
    by: User | None,
    change: Callable[[TagNames], TagNames],
    at: datetime | None = None,
) -> None:
    """Set the tags to what ``change`` makes of the current ones."""
    require_agent(by)
    with transaction.atomic():
        locked = lock(ticket)
        before = {_tag_key(tag.name): tag.name for tag in locked.tags.all()}
        after = change(before)
        if before.keys() != after.keys():
            _save_tags(locked, before, after, by, at)
    ticket.refresh_from_db()


def _save_tags(
    locked: Ticket, before: TagNames, after: TagNames, by: User | None, at: datetime | None
) -> None:
    if len(after) > MAX_TAGS:
        raise _too_many_tags_error("tags")
    tags = _get_or_create_tags(after.values())
    locked.tags.set(tags)
    save(locked, at=at)
    added = sorted(tag.name for tag in tags if _tag_key(tag.name) not in before)
    removed = sorted(name for key, name in before.items() if key not in after)
    record(locked, Event.Kind.TAGS, by, at, data=TagsData(added=added, removed=removed))


def _get_or_create_tags(names: Iterable[str]) -> list[Tag]:
    """Return the tags of these names; two agents who create one at once get the same row."""
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


def check_tag_names(names: Iterable[str], *, field: str) -> None:
    """Raise BadInputError for the field if no ticket can have all of these tags."""
    if len(_normalise(names, field)) > MAX_TAGS:
        raise _too_many_tags_error(field)


def _too_many_tags_error(field: str) -> BadInputError:
    return BadInputError(
        _("A ticket can have at most %(most)d tags. Remove one first.") % {"most": MAX_TAGS},
        field=field,
    )


def _normalise(names: Iterable[str], field: str = "tags") -> TagNames:
    """Return the names without blanks, commas and # signs around them."""
    clean_names = (
        " ".join(clean_line(name.replace(",", " ")).split()).lstrip("#").strip() for name in names
    )
    tags_by_key: TagNames = {}
    for name in clean_names:
        if len(name) > MAX_CHARACTERS:
            raise BadInputError(
                _("“%(name)s …” is too long for a tag: at most %(most)d characters.")
                % {"name": name[:20], "most": MAX_CHARACTERS},
                field=field,
            )
        if name:
            tags_by_key.setdefault(_tag_key(name), name)
    return tags_by_key


@transaction.atomic
def add_tag(*, by: User, name: str) -> Tag:
    """Add a tag. Raises BadInputError if the name exists, whatever its case."""
    require_admin(by)
    tag = Tag(name=_clean_tag_name(name))
    try:
        with transaction.atomic():
            tag.save(force_insert=True)
    except IntegrityError as error:
        raise _duplicate_name_error(tag.name) from error
    audit.record_change(by=by, verb="added", subject=tag)
    return tag


@transaction.atomic
def rename_tag(*, tag: Tag, by: User, name: str) -> None:
    """Rename a tag on all tickets and in all saved views."""
    require_admin(by)
    locked = Tag.objects.select_for_update().get(pk=tag.pk)
    before, name = locked.name, _clean_tag_name(name)
    if update_fields(locked, by=by, duplicate_error=_duplicate_name_error(name), name=name):
        _update_views(before, name)
        cache.invalidate(cache.TICKETS)
    tag.refresh_from_db()


@transaction.atomic
def merge_tags(*, source: Tag, target: Tag, by: User) -> None:
    """Replace ``source`` by ``target`` on all tickets and views, and delete it."""
    require_admin(by)
    if source.pk == target.pk:
        raise BadInputError(_("Choose two different tags."), field="target")
    # in the order of their primary keys, so that no two merges wait for each other
    list(Tag.objects.select_for_update().filter(pk__in=[source.pk, target.pk]).order_by("pk"))
    through = Ticket.tags.through.objects
    tagged = through.filter(tag=target).values("ticket")
    moved = through.filter(tag=source).exclude(ticket__in=tagged).update(tag=target)
    data = {"into": target.name, "tickets": moved}
    audit.record_change(by=by, verb="merged", subject=source, data=data)
    _update_views(source.name, target.name)
    source.delete()
    cache.invalidate(cache.TICKETS)


@transaction.atomic
def remove_tag(*, tag: Tag, by: User) -> None:
    """Delete a tag; events of tickets still name it."""
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


def _duplicate_name_error(name: str) -> BadInputError:
    return BadInputError(
        _("A tag named %(name)s already exists. Merge the two instead.") % {"name": name},
        field="name",
    )
