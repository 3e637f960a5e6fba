"""Choose what solved a ticket once it is solved for good, and take it back when it was not."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from appliance.accounts.models import Organisation
from appliance.core import sql_files
from appliance.tickets.models import Event, Message, Ticket
from appliance.triage import engine, inference_calls, sentences, solutions
from appliance.triage.models import COMPLETED_STATUSES, Solution, TicketVector
from appliance.triage.solutions import Candidate

SETTLING_TIME = timedelta(days=2)  # a customer who has to write again does so within it
MAX_AGE = timedelta(days=730)  # older solutions are about other versions
MAX_SCHEDULED = 20_000  # tickets a night
BATCH_TICKETS = 20  # whose names one query looks up
MAX_REPLIES = 3  # the last ones of the agents
MIN_ORGANISATION_LETTERS = 4  # a shorter name is a word like others
# After these the sentences of a solved ticket are chosen again: another reply corrects the one
# before, a rating says that it did not help, and who the people are decides what is private.
RESETTING_KINDS = (
    Event.Kind.REPLIED,
    Event.Kind.RATED,
    Event.Kind.REQUESTER,
    Event.Kind.PEOPLE,
)


@dataclass(frozen=True)
class SolvedTicket:
    """A ticket whose sentences are to be chosen, with those that its replies have."""

    solution: Solution
    ages: list[tuple[int, sentences.Sentence]]  # later replies, and a sentence
    names: set[str] = field(default_factory=set)  # of people of this ticket alone


def schedule_solution(event: Event) -> None:
    """Follow a ticket: solved, reopened, merged, answered again. A listener of ticket events."""
    kind, ticket = event.kind, event.ticket
    if kind == Event.Kind.STATUS:
        _follow_status(event)
    elif kind == Event.Kind.MERGED and "target" in event.data:
        _delete(ticket)
        if event.data.get("undone") and ticket.status in COMPLETED_STATUSES:
            _schedule(ticket, event.at + SETTLING_TIME)
    elif kind == Event.Kind.ANONYMISED:
        _delete(ticket)
    elif kind in RESETTING_KINDS and ticket.status in COMPLETED_STATUSES:
        wait = SETTLING_TIME if kind == Event.Kind.REPLIED else timedelta()
        due_at = Greatest(F("due_at"), Value(event.at + wait))
        Solution.objects.filter(ticket=ticket).update(
            sentences=[], extracted_at=None, due_at=due_at
        )


def _follow_status(event: Event) -> None:
    before, after = event.data.get("from"), event.data.get("to")
    if after not in COMPLETED_STATUSES:
        if before in COMPLETED_STATUSES:
            _delete(event.ticket)
    elif before not in COMPLETED_STATUSES:
        _schedule(event.ticket, event.at + SETTLING_TIME)


def _schedule(ticket: Ticket, due_at: datetime) -> None:
    Solution.objects.bulk_create(
        [Solution(ticket=ticket, due_at=due_at)],
        update_conflicts=True,
        unique_fields=["ticket"],
        update_fields=["sentences", "due_at", "extracted_at"],
    )


def _delete(ticket: Ticket) -> None:
    Solution.objects.filter(ticket=ticket).delete()


def schedule_missing_solutions() -> int:
    """Schedule the newest solved tickets that have no row. How many."""
    now = timezone.now()
    return sql_files.execute(
        "triage",
        "schedule_missing_solutions",
        due_at=now,
        since=now - MAX_AGE,
        until=now - SETTLING_TIME,
        limit=MAX_SCHEDULED,
    )


def extract_solutions(*, seconds: float = 10.0) -> int:
    """Choose the sentences of due tickets for that many seconds. How many tickets.

    0 without an encoder. A ticket that changes meanwhile is left for the next run, so any number of
    workers may do this at once.
    """
    space = engine.active_space()
    if space is None:
        return 0
    ends_at, done = time.monotonic() + seconds, 0
    while due := list(Solution.objects.due().select_related("ticket__customer")[:BATCH_TICKETS]):
        tickets = [_read(solution) for solution in due]
        names, organisations = _known_names(tickets), _organisations()
        for ticket in tickets:
            _write(ticket.solution, _choose(ticket, names | ticket.names, organisations, space))
            done += 1
            if time.monotonic() > ends_at:
                return done
    return done


def _write(solution: Solution, chosen: list[str]) -> None:
    """Store the sentences, unless the ticket was reopened or answered in the meantime."""
    unchanged = Solution.objects.filter(pk=solution.pk, due_at=solution.due_at, extracted_at=None)
    unchanged.update(sentences=chosen, extracted_at=timezone.now())


def _read(solution: Solution) -> SolvedTicket:
    ticket = solution.ticket
    replies = _list_replies(ticket) if _stayed_solved(ticket) else []
    written_by_customers = ticket.messages.filter(kind=Message.Kind.REPLY, is_from_customer=True)
    people = [*written_by_customers.values_list("author_name", flat=True)] if replies else []
    people += ticket.participants.values_list("name", flat=True) if replies else []
    return SolvedTicket(
        solution=solution,
        ages=[
            (age, sentence)
            for age, reply in enumerate(replies)
            for sentence in sentences.split(reply)
            if sentences.is_offerable(sentence)
        ],
        names={word for name in people for word in sentences.name_like_words(name)},
    )


def _stayed_solved(ticket: Ticket) -> bool:
    rating = getattr(ticket, "rating", None)
    is_solved = ticket.status in COMPLETED_STATUSES and ticket.merged_into_id is None
    return is_solved and not (rating and not rating.is_good)


def _list_replies(ticket: Ticket) -> list[str]:
    """Return the last replies of agents that the ticket was never reopened after, latest first.

    A reply after the ticket was solved corrects those before it, so they no longer count.
    """
    replies = ticket.messages.filter(kind=Message.Kind.REPLY, is_from_customer=False)
    reopened = ticket.events.filter(
        kind=Event.Kind.STATUS, data__from__in=COMPLETED_STATUSES
    ).exclude(data__to__in=COMPLETED_STATUSES)
    if event := reopened.order_by("-at").first():
        replies = replies.filter(created_at__gt=event.at)
    if ticket.solved_at and replies.filter(created_at__gt=ticket.solved_at).exists():
        replies = replies.filter(created_at__gt=ticket.solved_at)
    return list(replies.order_by("-created_at", "-pk").values_list("body", flat=True)[:MAX_REPLIES])


def _known_names(tickets: list[SolvedTicket]) -> set[str]:
    """Return the words of the sentences that are in the name of a customer or a user."""
    words = {
        word
        for ticket in tickets
        for _, sentence in ticket.ages
        for word in sentences.name_like_words(sentence.text)
    }
    if not words:
        return set()
    rows = sql_files.fetch_rows("triage", "names_of_people", words=sorted(words))
    return {name for (name,) in rows}


def _organisations() -> list[str]:
    names = Organisation.objects.values_list("name", flat=True)
    return [name.lower() for name in names if len(name) >= MIN_ORGANISATION_LETTERS]


def _choose(
    ticket: SolvedTicket, names: set[str], organisations: list[str], space: str
) -> list[str]:
    """Run the encoder on the sentences that may be offered; the best of them. No transaction."""
    offerable = [
        (age, sentence)
        for age, sentence in ticket.ages
        if sentences.is_offerable(sentence, names)
        and not any(name in sentence.text.lower() for name in organisations)
    ]
    if not offerable:
        return []
    ticket_vector = _find_vector(ticket.solution.ticket, space)
    candidates = [
        Candidate(sentence, vector, age)
        for age, sentence in offerable
        if (vector := _embed(sentence.text, space)) is not None
    ]
    return [] if ticket_vector is None else solutions.choose(candidates, ticket_vector)


def _find_vector(ticket: Ticket, space: str) -> np.ndarray | None:
    row = TicketVector.objects.filter(ticket=ticket, space=space).first()
    return np.asarray(row.vector, np.float32) if row else _embed(ticket.text, space)


def _embed(text: str, space: str) -> np.ndarray | None:
    return inference_calls.predict(text, {"encoder"}, {}, space).vector
