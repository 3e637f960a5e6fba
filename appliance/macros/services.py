"""Verbs on canned replies and macros. Each is atomic and writes one row of change."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Right, Team, User
from appliance.accounts.queries import has_right
from appliance.core import changes
from appliance.core.errors import BadInputError, RefusedError
from appliance.macros import actions, variables
from appliance.macros.models import Audience, CannedReply, Macro, Shortcut
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Message, Ticket
from appliance.tickets.services.recording import lock


def add_canned(
    *,
    by: User,
    name: str,
    body: str,
    shortcut: str = "",
    audience: str = Audience.OWN,
    team: Team | None = None,
) -> CannedReply:
    canned = CannedReply(owner=by)
    _write_canned(canned, by, name, body, shortcut, audience, team)
    return canned


def change_canned(
    *,
    canned: CannedReply,
    by: User,
    name: str,
    body: str,
    shortcut: str,
    audience: str,
    team: Team | None,
) -> None:
    _refuse_anothers(canned, by)
    _write_canned(canned, by, name, body, shortcut, audience, team)


@transaction.atomic
def remove_canned(*, canned: CannedReply, by: User) -> None:
    """Refused while a macro sends it."""
    _refuse_anothers(canned, by)
    if macro := Macro.objects.filter(actions__canned=canned.pk).first():
        shown = Macro.objects.visible_to(by).filter(pk=macro.pk).exists()
        raise BadInputError(
            _("The macro “%s” sends this reply. Change the macro first.") % macro.name
            if shown
            else _("A macro of a colleague sends this reply. Keep it, or ask among them.")
        )
    changes.record(by=by, verb="removed", subject=canned)
    canned.delete()


def add_macro(
    *,
    by: User,
    name: str,
    actions: dict[str, Any],
    description: str = "",
    audience: str = Audience.OWN,
    team: Team | None = None,
) -> Macro:
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
    _refuse_anothers(macro, by)
    _write_macro(macro, by, name, actions, description, audience, team)


@transaction.atomic
def remove_macro(*, macro: Macro, by: User) -> None:
    _refuse_anothers(macro, by)
    changes.record(by=by, verb="removed", subject=macro)
    macro.delete()


def fill_canned(*, canned: CannedReply, ticket: Ticket, by: User) -> str:
    """The text for this ticket, and one use more."""
    _count_use(canned)
    return variables.fill(canned.body, ticket, by)


def run_macro(
    *,
    macro: Macro,
    ticket: Ticket,
    by: User,
    seen_message_id: int | None = None,
    submission_key: uuid.UUID | None = None,
) -> None:
    """Everything the macro says, or nothing. The same key twice writes its texts once."""
    # one page sends the same key with every macro on it
    key = uuid.uuid5(submission_key or uuid.uuid4(), f"macro {macro.pk}")
    with transaction.atomic():
        lock(ticket)  # before the row of the macro, as a change of many tickets does
        asked = actions.read(macro.actions)
        if not Message.objects.filter(submission_key__in=_keys(key)).exists():
            _count_use(macro)
        _change_properties(asked, ticket, by)
        _say(asked, ticket, by, key, seen_message_id)
    ticket.refresh_from_db()


def _keys(key: uuid.UUID) -> list[uuid.UUID]:
    """Of the note and of the reply."""
    return [uuid.uuid5(key, "note"), uuid.uuid5(key, "reply")]


def _change_properties(asked: actions.Actions, ticket: Ticket, by: User) -> None:
    if asked.category:
        tickets_services.set_category(ticket=ticket, category=asked.category, by=by)
    if asked.team:
        tickets_services.set_team(ticket=ticket, team=asked.team, by=by)
    if asked.priority:
        tickets_services.set_priority(ticket=ticket, priority=asked.priority, by=by)
    if asked.assignee:
        given = {actions.ME: by, actions.NOBODY: None}
        assignee = given.get(asked.assignee, asked.assignee)
        tickets_services.assign(ticket=ticket, assignee=assignee, by=by)
    if asked.add_tags:
        tickets_services.add_tags(ticket=ticket, names=asked.add_tags, by=by)
    if asked.remove_tags:
        tickets_services.remove_tags(ticket=ticket, names=asked.remove_tags, by=by)


def _say(
    asked: actions.Actions, ticket: Ticket, by: User, key: uuid.UUID, seen: int | None
) -> None:
    note_key, reply_key = _keys(key)
    if asked.note:
        text = variables.fill(asked.note, ticket, by)
        tickets_services.add_note(ticket=ticket, by=by, body=text, submission_key=note_key)
    if asked.canned:
        text = fill_canned(canned=asked.canned, ticket=ticket, by=by)
        tickets_services.reply(
            ticket=ticket, by=by, body=text, seen_message_id=seen, submission_key=reply_key
        )
    if asked.held_days:
        until = timezone.now() + timedelta(days=asked.held_days)
        tickets_services.hold_ticket(ticket=ticket, until=until, by=by)
    elif asked.status:
        tickets_services.set_status(ticket=ticket, status=asked.status, by=by)


def _write_canned(
    canned: CannedReply,
    by: User,
    name: str,
    body: str,
    shortcut: str,
    audience: str,
    team: Team | None,
) -> None:
    variables.check(body)
    _address(canned, by, audience, team)
    canned.name, canned.body, canned.shortcut = name, body, shortcut
    try:
        _keep(canned, by)
    except IntegrityError:
        raise BadInputError(
            _("You have a reply with this shortcut. Choose another."), field="shortcut"
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
    _address(macro, by, audience, team)
    macro.name, macro.actions, macro.description = name, actions_, description
    _keep(macro, by)


@transaction.atomic
def _keep(shortcut: Shortcut, by: User) -> None:
    verb = "changed" if shortcut.pk else "added"
    shortcut.save()
    changes.record(by=by, verb=verb, subject=shortcut, data={"audience": shortcut.audience})


def _address(shortcut: Shortcut, by: User, audience: str, team: Team | None) -> None:
    """Who it is for. For others needs the right to share; for a team, to be in it."""
    if audience != Audience.OWN and not has_right(by, Right.SHARE):
        raise BadInputError(
            _("You may keep this for yourself; sharing needs a right an admin gives."),
            field="audience",
        )
    if audience == Audience.TEAM and team is None:
        raise BadInputError(_("Choose the team it is for."), field="team")
    if audience == Audience.TEAM and not by.is_admin and not _is_member(by, team):
        raise BadInputError(_("You are not in this team. Choose one of yours."), field="team")
    shortcut.is_shared = audience == Audience.ALL
    shortcut.team = team if audience == Audience.TEAM else None
    if audience == Audience.OWN and shortcut.owner_id != by.pk:
        shortcut.owner = by


def _is_member(person: User, team: Team) -> bool:
    return team.memberships.filter(user=person).exists()


def _refuse_anothers(shortcut: Shortcut, by: User) -> None:
    if not type(shortcut).objects.editable_by(by).filter(pk=shortcut.pk).exists():
        raise RefusedError(_("This belongs to somebody else."))


def _count_use(shortcut: Shortcut) -> None:
    type(shortcut).objects.filter(pk=shortcut.pk).update(
        uses=F("uses") + 1, last_used_at=timezone.now()
    )
