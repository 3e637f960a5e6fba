"""What was kept for the hour becomes one letter a person."""

from collections.abc import Iterable
from itertools import groupby

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.notifications import links
from appliance.notifications.models import OutgoingMail
from appliance.notifications.services.outbox import new_letter
from appliance.tickets.models import Ticket

State = OutgoingMail.State
MOST_TICKETS = 50  # of one digest; the next one has the rest


@transaction.atomic
def gather_digests() -> int:
    """How many digests were made. Another worker that gathers at the same moment takes others."""
    due = OutgoingMail.objects.filter(
        state=State.WAITING, is_for_digest=True, not_before__lte=timezone.now()
    )
    letters = due.select_related("user").select_for_update(of=["self"], skip_locked=True)
    by_person = groupby(letters.order_by("user", "id"), key=lambda letter: letter.user)
    return sum(_gather(user, list(group)[:MOST_TICKETS]) for user, group in by_person)


def _gather(user: User | None, letters: list[OutgoingMail]) -> bool:
    pks = [letter.pk for letter in letters]
    if user is None or len(letters) == 1:  # nothing to gather: it goes as it is
        OutgoingMail.objects.filter(pk__in=pks).update(is_for_digest=False)
        return False
    with translation.override(user.language or core_queries.site_settings().language):
        tickets = len({letter.ticket_id for letter in letters})
        subject = ngettext("Updates on %(n)d ticket", "Updates on %(n)d tickets", tickets)
        digest = new_letter(
            key=f"digest:{pks[0]}:{user.pk}",
            to=user.email,
            user=user,
            ticket=None,
            subject=subject % {"n": tickets},
            body=compose(user, letters),
        )
        digest.is_digest = True
        digest.save()
        OutgoingMail.objects.filter(pk__in=pks).update(
            state=State.FOLDED, folded_into=digest, said=_("Included in a digest.")
        )
    return True


def compose(user: User, letters: Iterable[OutgoingMail]) -> str:
    """The text of a digest: of each ticket what happened, without what they may not see now."""
    letters = list(letters)
    seen = Ticket.objects.visible_to(user).filter(pk__in=[one.ticket_id for one in letters])
    seen = set(seen.values_list("pk", flat=True))
    parts = [
        f"{letter.subject}\n{letter.body}\n{links.to_ticket(letter.ticket_id)}".rstrip()
        for letter in letters
        if letter.ticket_id in seen
    ]
    return "\n\n\n".join(parts)
