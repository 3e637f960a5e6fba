"""Reads on canned responses and macros. ``access_`` raises Http404 unless the viewer may."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import Http404

from appliance.accounts.models import Right, User
from appliance.accounts.permissions import has_right
from appliance.core.errors import BadInputError
from appliance.macros import actions
from appliance.macros.models import CannedResponse, Macro, Template
from appliance.tickets.models import Ticket
from appliance.tickets.signatures import signature_below


def can_share(viewer: User) -> bool:
    """Return whether the viewer may share canned responses and macros."""
    return has_right(viewer, Right.SHARE)


def list_canned_responses(viewer: User) -> QuerySet[CannedResponse]:
    """Return the canned responses the viewer may use, most used first."""
    return CannedResponse.objects.visible_to(viewer).order_by("-uses", "name", "pk")


def find_canned_responses(viewer: User, text: str, limit: int = 8) -> list[CannedResponse]:
    """Return matches by shortcut prefix, then by name, then by text."""
    responses, text = list_canned_responses(viewer), text.replace("\0", "")
    if not text:
        return list(responses[:limit])
    by_shortcut, by_name = Q(shortcut__istartswith=text), Q(name__icontains=text)
    ranked = responses.filter(by_shortcut | by_name | Q(body__icontains=text)).annotate(
        rank=Case(
            When(by_shortcut, then=Value(0)),
            When(by_name, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
    )
    return list(ranked.order_by("rank", "-uses", "name", "pk")[:limit])


def list_macros(viewer: User) -> QuerySet[Macro]:
    """Return the macros the viewer may use, by name."""
    return Macro.objects.visible_to(viewer)


def list_editable_canned_responses(viewer: User) -> QuerySet[CannedResponse]:
    """Return the canned responses the viewer may change, with owner and team."""
    return CannedResponse.objects.editable_by(viewer).select_related("owner", "team")


def list_editable_macros(viewer: User) -> QuerySet[Macro]:
    """Return the macros the viewer may change, with owner and team."""
    return Macro.objects.editable_by(viewer).select_related("owner", "team")


def access_canned_response(viewer: User, pk: int) -> CannedResponse:
    """Return a canned response the viewer may use."""
    return _get_or_404(CannedResponse.objects.visible_to(viewer), pk)


def access_macro(viewer: User, pk: int) -> Macro:
    """Return a macro the viewer may use."""
    return _get_or_404(Macro.objects.visible_to(viewer), pk)


def access_editable_canned_response(viewer: User, pk: int) -> CannedResponse:
    """Return a canned response the viewer may change."""
    return _get_or_404(list_editable_canned_responses(viewer), pk)


def access_editable_macro(viewer: User, pk: int) -> Macro:
    """Return a macro the viewer may change."""
    return _get_or_404(list_editable_macros(viewer), pk)


def describe(macro: Macro) -> list[str]:
    """Return one line for each action of the macro."""
    return actions.describe(macro.actions)


@dataclass(frozen=True)
class MacroPreview:
    """What a macro will do on a ticket, or why it cannot run."""

    effects: Sequence[str] = ()
    note: str = ""
    reply: str = ""
    signature: str = ""
    error: str = ""


def preview_macro(viewer: User, macro: Macro, ticket: Ticket) -> MacroPreview:
    """Return what the macro does and sends when the viewer applies it."""
    try:
        texts = actions.render_texts(actions.read(macro.actions), ticket, viewer)
    except BadInputError as error:
        return MacroPreview(error=str(error))
    signature = signature_below(texts.reply, viewer.signature) if texts.reply else ""
    return MacroPreview(describe(macro), texts.note, texts.reply, signature)


def _get_or_404(templates: QuerySet[Template], pk: int) -> Template:
    template = templates.filter(pk=pk).first()
    if template is None:
        raise Http404
    return template
