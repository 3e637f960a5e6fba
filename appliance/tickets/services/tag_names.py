"""Verbs on the tags themselves: their names, and which of them are one."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit, cache
from appliance.core.audit import update_fields
from appliance.core.errors import BadInputError
from appliance.tickets.models import SavedView, Tag, Ticket


@transaction.atomic
def add_tag(*, by: User, name: str) -> Tag:
    """Raises BadInputError when there is one of that name, whatever its case."""
    require_admin(by)
    tag = Tag(name=_clean(name))
    try:
        with transaction.atomic():
            tag.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(tag.name) from error
    audit.record_change(by=by, verb="added", subject=tag)
    return tag


@transaction.atomic
def rename_tag(*, tag: Tag, by: User, name: str) -> None:
    """On every ticket and in every saved view at once."""
    require_admin(by)
    locked = Tag.objects.select_for_update().get(pk=tag.pk)
    before, name = locked.name, _clean(name)
    if update_fields(locked, by=by, duplicate_error=_taken(name), name=name):
        _follow_in_views(before, name)
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
    _follow_in_views(source.name, target.name)
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


def _follow_in_views(before: str, after: str) -> None:
    views = list(SavedView.objects.select_for_update().filter(filter__tag__iexact=before))
    for view in views:
        view.filter["tag"] = after
    SavedView.objects.bulk_update(views, ["filter"])
    if views:
        cache.invalidate(cache.VIEWS)


def _clean(name: str) -> str:
    name = " ".join(name.replace(",", " ").split()).lstrip("#").strip()
    if not name:
        raise BadInputError(_("A tag needs at least one letter."), field="name")
    return name


def _taken(name: str) -> BadInputError:
    return BadInputError(
        _("A tag named %(name)s already exists. Merge the two instead.") % {"name": name},
        field="name",
    )
