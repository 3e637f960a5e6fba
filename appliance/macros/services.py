"""Writes on canned responses and macros. Each is atomic and records one audit entry."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, Team, User
from appliance.accounts.permissions import has_right
from appliance.core import audit
from appliance.core.dates import start_of_day
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.macros import actions, variables
from appliance.macros.models import AgentTemplate, Audience, CannedResponse, Macro
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Ticket
from appliance.tickets.services.events import lock


def add_canned_response(
    *,
    by: User,
    name: str,
    body: str,
    shortcut: str = "",
    audience: str = Audience.OWN,
    team: Team | None = None,
) -> CannedResponse:
    """Add a canned response; ``team`` belongs to the audience TEAM."""
    canned_response = CannedResponse(owner=by)
    _write_canned(canned_response, by, name, body, shortcut, audience, team)
    return canned_response


def change_canned_response(
    *,
    canned_response: CannedResponse,
    by: User,
    name: str,
    body: str,
    shortcut: str,
    audience: str,
    team: Team | None,
) -> None:
    """Replace the texts and the audience."""
    _require_editable(canned_response, by)
    _write_canned(canned_response, by, name, body, shortcut, audience, team)


@transaction.atomic
def remove_canned_response(*, canned_response: CannedResponse, by: User) -> None:
    """Delete a canned response; refused while a macro uses it."""
    _require_editable(canned_response, by)
    if macro := Macro.objects.filter(actions__canned_response=canned_response.pk).first():
        is_visible = Macro.objects.visible_to(by).filter(pk=macro.pk).exists()
        raise BadInputError(
            _("The macro “%s” uses this canned response. Change the macro first.") % macro.name
            if is_visible
            else _("A colleague's macro uses this canned response. Keep it, or ask your team.")
        )
    audit.record_change(by=by, verb="removed", subject=canned_response)
    canned_response.delete()


def add_macro(
    *,
    by: User,
    name: str,
    actions: dict[str, Any],
    description: str = "",
    audience: str = Audience.OWN,
    team: Team | None = None,
) -> Macro:
    """Add a macro; ``team`` belongs to the audience TEAM."""
    macro = Macro(owner=by)
    _write_macro(macro, by, name, actions, description, audience, team)
    return macro


def change_macro(
    *,
    macro: Macro,
    by: User,
    name: str,
    actions: dict[str, Any],
    description: str,
    audience: str,
    team: Team | None,
) -> None:
    """Replace the texts, the actions and the audience."""
    _require_editable(macro, by)
    _write_macro(macro, by, name, actions, description, audience, team)


@transaction.atomic
def remove_macro(*, macro: Macro, by: User) -> None:
    """Delete a macro."""
    _require_editable(macro, by)
    audit.record_change(by=by, verb="removed", subject=macro)
    macro.delete()


def render_canned_response(*, canned_response: CannedResponse, ticket: Ticket, by: User) -> str:
    """Return the text for this ticket and count the use."""
    _count_use(canned_response)
    return variables.render(canned_response.body, ticket, by)


def run_macro(
    *,
    macro: Macro,
    ticket: Ticket,
    by: User,
    seen_message_id: int | None = None,
    idempotency_key: uuid.UUID | None = None,
) -> None:
    """Apply all actions or none. A repeated key creates no second message."""
    # one page sends the same key with every macro on it
    key = uuid.uuid5(idempotency_key or uuid.uuid4(), f"macro {macro.pk}")
    with transaction.atomic():
        lock(ticket)  # before the row of the macro, as a change of many tickets does
        requested = actions.read(macro.actions)
        if not Message.objects.filter(idempotency_key__in=_message_keys(key)).exists():
            _count_use(macro)
        _change_properties(requested, ticket, by)
        _create_messages(requested, ticket, by, key, seen_message_id)
    ticket.refresh_from_db()


def _message_keys(key: uuid.UUID) -> list[uuid.UUID]:
    """Return the keys of the note and of the reply."""
    return [uuid.uuid5(key, "note"), uuid.uuid5(key, "reply")]


def _change_properties(requested: actions.Actions, ticket: Ticket, by: User) -> None:
    if requested.category:
        tickets_services.set_category(ticket=ticket, category=requested.category, by=by)
    if requested.team:
        tickets_services.set_team(ticket=ticket, team=requested.team, by=by)
    if requested.priority:
        tickets_services.set_priority(ticket=ticket, priority=requested.priority, by=by)
    if requested.assignee:
        assignee = requested.find_assignee(by)
        tickets_services.assign(ticket=ticket, assignee=assignee, by=by)
    if requested.add_tags:
        tickets_services.add_tags(ticket=ticket, names=requested.add_tags, by=by)
    if requested.remove_tags:
        tickets_services.remove_tags(ticket=ticket, names=requested.remove_tags, by=by)


def _create_messages(
    requested: actions.Actions,
    ticket: Ticket,
    by: User,
    key: uuid.UUID,
    seen_message_id: int | None,
) -> None:
    note_key, reply_key = _message_keys(key)
    texts = actions.render_texts(requested, ticket, by)
    if texts.note:
        tickets_services.add_note(ticket=ticket, by=by, body=texts.note, idempotency_key=note_key)
    if requested.canned_response:
        _count_use(requested.canned_response)
        tickets_services.reply(
            ticket=ticket,
            by=by,
            body=texts.reply,
            seen_message_id=seen_message_id,
            idempotency_key=reply_key,
        )
    if requested.hold_days:
        until = start_of_day(timezone.localdate() + timedelta(days=requested.hold_days))
        tickets_services.hold_ticket(ticket=ticket, until=until, by=by)
    elif requested.status:
        tickets_services.set_status(ticket=ticket, status=requested.status, by=by)


def _write_canned(
    canned_response: CannedResponse,
    by: User,
    name: str,
    body: str,
    shortcut: str,
    audience: str,
    team: Team | None,
) -> None:
    variables.check(body)
    _set_audience(canned_response, by, audience, team)
    canned_response.name, canned_response.body, canned_response.shortcut = name, body, shortcut
    try:
        _save(canned_response, by)
    except IntegrityError:
        raise BadInputError(
            _("You already have a canned response with this shortcut. Choose another one."),
            field="shortcut",
        ) from None


def _write_macro(
    macro: Macro,
    by: User,
    name: str,
    actions_: dict[str, Any],
    description: str,
    audience: str,
    team: Team | None,
) -> None:
    actions.read(actions_)
    _set_audience(macro, by, audience, team)
    macro.name, macro.actions, macro.description = name, actions_, description
    _save(macro, by)


@transaction.atomic
def _save(template: AgentTemplate, by: User) -> None:
    verb = "changed" if template.pk else "added"
    template.save()
    audit.record_change(by=by, verb=verb, subject=template, data={"audience": template.audience})


def _set_audience(template: AgentTemplate, by: User, audience: str, team: Team | None) -> None:
    """Set the audience; sharing needs the right to share, a team needs membership."""
    if audience != Audience.OWN and not has_right(by, Right.SHARE):
        raise BadInputError(
            _(
                "You need the sharing permission to share this. Keep it private or ask an "
                "administrator."
            ),
            field="audience",
        )
    if audience == Audience.TEAM:
        _check_team(team, by)
    template.is_shared = audience == Audience.ALL
    template.team = team if audience == Audience.TEAM else None
    if audience == Audience.OWN and template.owner_id != by.pk:
        template.owner = by


def _check_team(team: Team | None, by: User) -> None:
    if team is None:
        raise BadInputError(_("Choose a team."), field="team")
    if not by.is_admin and not team.memberships.filter(user=by).exists():
        raise BadInputError(
            _("You are not a member of this team. Choose one of yours."), field="team"
        )


def _require_editable(template: AgentTemplate, by: User) -> None:
    if not type(template).objects.editable_by(by).filter(pk=template.pk).exists():
        raise ForbiddenError(_("Only its owner can change this."))


def _count_use(template: AgentTemplate) -> None:
    type(template).objects.filter(pk=template.pk).update(
        uses=F("uses") + 1, last_used_at=timezone.now()
    )
