"""Reads on canned replies and macros, each scoped to the viewer."""

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import Http404

from appliance.accounts.models import Right, User
from appliance.accounts.queries import has_right
from appliance.macros import actions
from appliance.macros.models import CannedReply, Macro, Shortcut, ShortcutQuerySet


def may_share(viewer: User) -> bool:
    """Whether what the viewer writes may be for others."""
    return has_right(viewer, Right.SHARE)


def list_canned(viewer: User) -> QuerySet[CannedReply]:
    """What the viewer may use, most used first."""
    return CannedReply.objects.visible_to(viewer).order_by("-uses", "name", "pk")


def find_canned(viewer: User, text: str, limit: int = 8) -> list[CannedReply]:
    """Those whose shortcut begins so, whose name says so, or whose text does; in that order."""
    found, text = list_canned(viewer), text.replace("\0", "")
    if not text:
        return list(found[:limit])
    begins, named = Q(shortcut__istartswith=text), Q(name__icontains=text)
    ranked = found.filter(begins | named | Q(body__icontains=text)).annotate(
        rank=Case(
            When(begins, then=Value(0)),
            When(named, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
    )
    return list(ranked.order_by("rank", "-uses", "name", "pk")[:limit])


def list_macros(viewer: User) -> QuerySet[Macro]:
    """What the viewer may use, by name."""
    return Macro.objects.visible_to(viewer)


def list_canned_to_edit(viewer: User) -> QuerySet[CannedReply]:
    return CannedReply.objects.editable_by(viewer).select_related("owner", "team")


def list_macros_to_edit(viewer: User) -> QuerySet[Macro]:
    return Macro.objects.editable_by(viewer).select_related("owner", "team")


def access_canned(viewer: User, pk: int) -> CannedReply:
    return _access(CannedReply.objects.visible_to(viewer), pk)


def access_macro(viewer: User, pk: int) -> Macro:
    return _access(Macro.objects.visible_to(viewer), pk)


def access_canned_to_edit(viewer: User, pk: int) -> CannedReply:
    return _access(list_canned_to_edit(viewer), pk)


def access_macro_to_edit(viewer: User, pk: int) -> Macro:
    return _access(list_macros_to_edit(viewer), pk)


def describe(macro: Macro) -> list[str]:
    """What the macro will do, one line each."""
    return actions.describe(macro.actions)


def _access(rows: ShortcutQuerySet, pk: int) -> Shortcut:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
