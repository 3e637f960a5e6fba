"""The rows of many tickets: messages, events, timers, tags, ratings, predictions.

They span six years with growing volume; 7.5 % are still open, mostly recent ones.
"""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import bulk_loading
import numpy as np

from appliance.triage import language

if TYPE_CHECKING:
    from dataset import Dataset

YEARS, OPEN_SHARE = 6, 0.075
OPEN = {"new": 0.2, "open": 0.45, "waiting": 0.25, "hold": 0.1}
DAY = timedelta(days=1)
NO_DATA = "{}"


class TicketWriter:
    """Writes the tickets of a ``dataset.Dataset``, many at once."""

    def __init__(self, dataset: "Dataset") -> None:
        self.dataset, self.random, self.now = dataset, dataset.random, dataset.now

    def write(self, ids: np.ndarray) -> None:
        """Write the tickets with these ids and all rows that belong to them."""
        # topics and customers with small numbers have more tickets
        topics = (self.random.random(len(ids)) ** 2 * len(self.dataset.text.topics)).astype(int)
        tickets = self._ticket_values(ids, topics)
        self._write_tickets(tickets)
        self._write_related(tickets)
        self._write_messages(tickets, topics)
        self._write_predictions(tickets, topics)

    def _ticket_values(self, ids: np.ndarray, topics: np.ndarray) -> list[dict]:
        dataset, random, count = self.dataset, self.random, len(ids)
        subjects, bodies = dataset.text.subjects(topics), dataset.text.bodies(topics, 55)
        created = self._creation_times(ids)
        open_probability = np.exp((ids - dataset.tickets) / (OPEN_SHARE * dataset.tickets))
        is_open = random.random(count) < open_probability
        open_status = random.choice(list(OPEN), count, p=list(OPEN.values()))
        hours = random.lognormal(2.5, 1.2, (3, count)).cumsum(axis=0)
        customers = 1 + (random.random(count) ** 2 * dataset.customers).astype(int)
        agents = (random.zipf(1.4, count) - 1) % len(dataset.agents)
        sentiments = random.normal(0.1, 0.5, count).clip(-1, 1)
        tickets = []
        for n, pk in enumerate(ids.tolist()):
            answered, updated, solved = (
                min(created[n] + timedelta(hours=float(each)), self.now) for each in hours[:, n]
            )
            status = "solved" if (self.now - solved).days < 7 else "closed"
            status = str(open_status[n]) if is_open[n] else status
            ticket = {
                "id": pk,
                "customer": int(customers[n]),
                "subject": subjects[n],
                "body": bodies[n],
                "status": status,
                "priority": 2 + (pk % 7 == 0) + (pk % 31 == 0),
                "category": dataset.category_of(topics[n]),
                "team": dataset.teams[-1 if pk % 33 == 0 else topics[n] % (len(dataset.teams) - 1)],
                "agent": None if status == "new" and pk % 5 else dataset.agents[agents[n]],
                "created": created[n],
                "answered": None if status == "new" else answered,
                "updated": created[n] if status == "new" else updated,
                "solved": solved if status in ("solved", "closed") else None,
                "sentiment": round(float(sentiments[n]), 3),
            }
            tickets.append(ticket)
        return tickets

    def _creation_times(self, ids: np.ndarray) -> list[datetime]:
        share = (ids / self.dataset.tickets) ** 0.8
        seconds = (1 - share) * YEARS * 365 * 24 * 3600
        return [self.now - timedelta(seconds=float(each)) for each in seconds]

    def _write_tickets(self, tickets: list[dict]) -> None:
        rows = (
            (
                ticket["id"],
                ticket["customer"],
                ticket["subject"],
                ticket["body"],
                ticket["status"],
                ticket["priority"],
                ticket["category"][0],
                ticket["agent"] and ticket["agent"][0],
                ticket["team"],
                NO_DATA,
                self.now + 3 * DAY if ticket["status"] == "hold" else None,
                ticket["created"] + 4 * DAY if ticket["solved"] is None else None,
                ticket["answered"],
                ticket["solved"],
                ticket["sentiment"],
                ticket["created"],
                ticket["solved"] or ticket["updated"],
                _uuid(1, ticket["id"]),
            )
            for ticket in tickets
        )
        columns = (
            "id, customer_id, subject, description, status, priority, category_id, assignee_id,"
            " team_id, fields, resume_at, due_at, first_response_at, solved_at, sentiment_score,"
            " created_at, updated_at, idempotency_key"
        )
        bulk_loading.copy(self.dataset.server, "tickets_ticket", columns, rows)

    def _write_related(self, tickets: list[dict]) -> None:
        """Write SLA timers, tags and ratings."""
        server, dataset = self.dataset.server, self.dataset
        timers = (
            (
                ticket["id"],
                dataset.policy,
                dataset.rules,
                0,
                None if ticket["solved"] else ticket["created"],
                ticket["solved"] is None,
                ticket["created"] + DAY / 3,
                ticket["answered"],
                ticket["created"] + 4 * DAY,
                ticket["solved"],
            )
            for ticket in tickets
        )
        columns = (
            "ticket_id, policy_id, policies_digest, used_seconds, running_since, is_open,"
            " first_response_due_at, first_response_met_at, resolution_due_at, resolution_met_at"
        )
        bulk_loading.copy(server, "sla_slatimer", columns, timers)
        tags = (
            (ticket["id"], dataset.tags[ticket["id"] * 7919 % len(dataset.tags)])
            for ticket in tickets
            if ticket["id"] % 3 == 0
        )
        bulk_loading.copy(server, "tickets_ticket_tags", "ticket_id, tag_id", tags)
        ratings = (
            (ticket["id"], ticket["id"] % 5 > 0, "", ticket["solved"])
            for ticket in tickets
            if ticket["solved"] and ticket["id"] % 9 == 0
        )
        bulk_loading.copy(server, "tickets_rating", "ticket_id, is_good, comment, at", ratings)

    def _write_messages(self, tickets: list[dict], topics: np.ndarray) -> None:
        """Write replies, notes and the events of the tickets."""
        is_new = np.array([ticket["status"] == "new" for ticket in tickets])
        counts = np.where(is_new, 0, self.random.poisson(2.2, len(tickets)))
        bodies = iter(self.dataset.text.bodies(np.repeat(topics, counts), 28))
        messages, events = [], []
        for ticket, count in zip(tickets, counts, strict=True):
            requester, agent = (
                (None, f"Person {ticket['customer']}"),
                ticket["agent"] or self.dataset.agents[0],
            )
            events.append((ticket["id"], ticket["created"], *requester, "opened", NO_DATA))
            if ticket["agent"]:
                change = _change("", agent[1])
                events.append((ticket["id"], ticket["created"], *agent, "assignee", change))
            for k in range(count):
                kind = "note" if k % 6 == 5 else "reply"
                author = requester if kind == "reply" and k % 2 else agent
                at = ticket["answered"] + (ticket["updated"] - ticket["answered"]) * k / 8
                key = _uuid(2, ticket["id"] * 64 + k)
                content = (kind, author is requester, next(bodies), at, key)
                messages.append((ticket["id"], *author, *content))
                verb = "noted" if kind == "note" else "replied"
                events.append((ticket["id"], at, *author, verb, NO_DATA))
            if ticket["solved"]:
                change = _change("open", ticket["status"])
                events.append((ticket["id"], ticket["solved"], *agent, "status", change))
        columns = "ticket_id, author_id, author_name, kind, is_from_customer, body, created_at"
        server = self.dataset.server
        bulk_loading.copy(server, "tickets_message", f"{columns}, idempotency_key", messages)
        columns = "ticket_id, at, actor_id, actor_name, kind, data"
        bulk_loading.copy(server, "tickets_event", columns, events)

    def _write_predictions(self, tickets: list[dict], topics: np.ndarray) -> None:
        """Write predictions and vectors of the active bundles, so that no text is pending."""
        texts = [f"{ticket['subject']}\n{ticket['body']}" for ticket in tickets]
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        rows = []
        recogniser = language.find_ref()
        for ticket, sha in zip(tickets, digests, strict=True):
            content = {
                "category": ticket["category"][1],
                "sentiment": _sentiment(ticket["sentiment"]),
            }
            for role, (kind, label) in zip(
                ("classifier", "sentiment"), content.items(), strict=True
            ):
                ref = self.dataset.bundles[role]
                scores = f'[["{label}", 0.8], ["other", 0.1]]'
                bundle = (ref.name, ref.version, ref.digest)
                rows.append(
                    (ticket["id"], kind, label, 0.8, scores, *bundle, sha, ticket["created"])
                )
            bundle = (recogniser.name, recogniser.version, recogniser.digest)
            prediction = (recogniser.role, "en", 1.0, "[]", *bundle, sha)
            rows.append((ticket["id"], *prediction, ticket["created"]))
        columns = "ticket_id, kind, label, confidence, scores, bundle_name, bundle_version"
        columns += ", bundle_digest, text_sha256, created_at"
        bulk_loading.copy(self.dataset.server, "triage_prediction", columns, rows)
        owners = {"ticket_id": np.array([ticket["id"] for ticket in tickets])}
        self.dataset.write_vectors("triage_ticketvector", topics, digests, owners)


def _sentiment(score: float) -> str:
    return "negative" if score < -0.2 else "positive" if score > 0.2 else "neutral"


def _uuid(kind: int, number: int) -> str:
    return f"0000000{kind}-0000-4000-8000-{number:012x}"


def _change(before: str, after: str) -> str:
    return f'{{"from": "{before}", "to": "{after}", "from_id": null, "to_id": null}}'
