"""What happened on many tickets: opened, answered, solved, and what the models said of them.

Six years, the later the busier; 7.5 % are still open, most of them new.
"""

import hashlib
from datetime import datetime, timedelta

import loading
import numpy as np

YEARS, OPEN_SHARE = 6, 0.075
OPEN = {"new": 0.2, "open": 0.45, "waiting": 0.25, "hold": 0.1}
DAY = timedelta(days=1)
NO_DATA = "{}"


class Histories:
    """Tickets of a crowd (crowd.py), many at once."""

    def __init__(self, crowd) -> None:
        self.crowd, self.random, self.now = crowd, crowd.random, crowd.now

    def write(self, ids: np.ndarray) -> None:
        """These tickets, with all that belongs to them."""
        # the smaller the number of a topic or customer, the more tickets are theirs
        topics = (self.random.random(len(ids)) ** 2 * len(self.crowd.prose.topics)).astype(int)
        facts = self._facts(ids, topics)
        self._write_tickets(facts)
        self._write_around(facts)
        self._write_talk(facts, topics)
        self._write_readings(facts, topics)

    def _facts(self, ids: np.ndarray, topics: np.ndarray) -> list[dict]:
        crowd, random, count = self.crowd, self.random, len(ids)
        subjects, bodies = crowd.prose.subjects(topics), crowd.prose.bodies(topics, 55)
        opened = self._moments(ids)
        nearness = np.exp((ids - crowd.tickets) / (OPEN_SHARE * crowd.tickets))
        is_open = random.random(count) < nearness
        chosen = random.choice(list(OPEN), count, p=list(OPEN.values()))
        hours = random.lognormal(2.5, 1.2, (3, count)).cumsum(axis=0)
        customers = 1 + (random.random(count) ** 2 * crowd.customers).astype(int)
        agents = (random.zipf(1.4, count) - 1) % len(crowd.agents)
        moods = random.normal(0.1, 0.5, count).clip(-1, 1)
        facts = []
        for n, pk in enumerate(ids.tolist()):
            answered, talked, done = (
                min(opened[n] + timedelta(hours=float(each)), self.now) for each in hours[:, n]
            )
            status = "solved" if (self.now - done).days < 7 else "closed"
            status = str(chosen[n]) if is_open[n] else status
            fact = {
                "id": pk,
                "customer": int(customers[n]),
                "subject": subjects[n],
                "body": bodies[n],
                "status": status,
                "priority": 2 + (pk % 7 == 0) + (pk % 31 == 0),
                "category": crowd.category_of(topics[n]),
                "team": crowd.teams[-1 if pk % 33 == 0 else topics[n] % (len(crowd.teams) - 1)],
                "agent": None if status == "new" and pk % 5 else crowd.agents[agents[n]],
                "created": opened[n],
                "answered": None if status == "new" else answered,
                "talked": opened[n] if status == "new" else talked,
                "done": done if status in ("solved", "closed") else None,
                "mood": round(float(moods[n]), 3),
            }
            facts.append(fact)
        return facts

    def _moments(self, ids: np.ndarray) -> list[datetime]:
        share = (ids / self.crowd.tickets) ** 0.8
        seconds = (1 - share) * YEARS * 365 * 24 * 3600
        return [self.now - timedelta(seconds=float(each)) for each in seconds]

    def _write_tickets(self, facts: list[dict]) -> None:
        rows = (
            (
                f["id"],
                f["customer"],
                f["subject"],
                f["body"],
                f["status"],
                f["priority"],
                f["category"][0],
                f["agent"] and f["agent"][0],
                f["team"],
                NO_DATA,
                self.now + 3 * DAY if f["status"] == "hold" else None,
                f["created"] + 4 * DAY if f["done"] is None else None,
                f["answered"],
                f["done"],
                f["mood"],
                f["created"],
                f["done"] or f["talked"],
                _uuid(1, f["id"]),
            )
            for f in facts
        )
        columns = (
            "id, customer_id, subject, description, status, priority, category_id, assignee_id,"
            " team_id, fields, resume_at, due_at, first_response_at, solved_at, sentiment_score,"
            " created_at, updated_at, idempotency_key"
        )
        loading.copy(self.crowd.server, "tickets_ticket", columns, rows)

    def _write_around(self, facts: list[dict]) -> None:
        """Clocks, tags and ratings."""
        server, crowd = self.crowd.server, self.crowd
        clocks = (
            (
                f["id"],
                crowd.policy,
                crowd.rules,
                0,
                None if f["done"] else f["created"],
                f["done"] is None,
                f["created"] + DAY / 3,
                f["answered"],
                f["created"] + 4 * DAY,
                f["done"],
            )
            for f in facts
        )
        columns = (
            "ticket_id, policy_id, policies_digest, used_seconds, running_since, is_open,"
            " first_response_due_at, first_response_met_at, resolution_due_at, resolution_met_at"
        )
        loading.copy(server, "sla_slatimer", columns, clocks)
        tagged = (
            (f["id"], crowd.tags[f["id"] * 7919 % len(crowd.tags)])
            for f in facts
            if f["id"] % 3 == 0
        )
        loading.copy(server, "tickets_ticket_tags", "ticket_id, tag_id", tagged)
        rated = (
            (f["id"], f["id"] % 5 > 0, "", f["done"])
            for f in facts
            if f["done"] and f["id"] % 9 == 0
        )
        loading.copy(server, "tickets_rating", "ticket_id, is_good, comment, at", rated)

    def _write_talk(self, facts: list[dict], topics: np.ndarray) -> None:
        """Answers and notes, and the event of everything that happened."""
        is_new = np.array([f["status"] == "new" for f in facts])
        counts = np.where(is_new, 0, self.random.poisson(2.2, len(facts)))
        bodies = iter(self.crowd.prose.bodies(np.repeat(topics, counts), 28))
        messages, events = [], []
        for f, count in zip(facts, counts, strict=True):
            asker, agent = (None, f"Person {f['customer']}"), f["agent"] or self.crowd.agents[0]
            events.append((f["id"], f["created"], *asker, "opened", NO_DATA))
            if f["agent"]:
                change = _change("", agent[1])
                events.append((f["id"], f["created"], *agent, "assignee", change))
            for k in range(count):
                kind = "note" if k % 6 == 5 else "reply"
                author = asker if kind == "reply" and k % 2 else agent
                at = f["answered"] + (f["talked"] - f["answered"]) * k / 8
                key = _uuid(2, f["id"] * 64 + k)
                said = (kind, author is asker, next(bodies), at, key)
                messages.append((f["id"], *author, *said))
                verb = "noted" if kind == "note" else "replied"
                events.append((f["id"], at, *author, verb, NO_DATA))
            if f["done"]:
                change = _change("open", f["status"])
                events.append((f["id"], f["done"], *agent, "status", change))
        columns = "ticket_id, author_id, author_name, kind, is_from_customer, body, created_at"
        server = self.crowd.server
        loading.copy(server, "tickets_message", f"{columns}, idempotency_key", messages)
        columns = "ticket_id, at, actor_id, actor_name, kind, data"
        loading.copy(server, "tickets_event", columns, events)

    def _write_readings(self, facts: list[dict], topics: np.ndarray) -> None:
        """What the models would have said, by the bundles at hand: nothing is left to read."""
        texts = [f"{f['subject']}\n{f['body']}" for f in facts]
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        rows = []
        for f, sha in zip(facts, digests, strict=True):
            said = {"category": f["category"][1], "sentiment": _mood(f["mood"])}
            for role, (kind, label) in zip(("classifier", "sentiment"), said.items(), strict=True):
                ref = self.crowd.bundles[role]
                scores = f'[["{label}", 0.8], ["other", 0.1]]'
                bundle = (ref.name, ref.version, ref.digest)
                rows.append((f["id"], kind, label, 0.8, scores, *bundle, sha, f["created"]))
        columns = "ticket_id, kind, label, confidence, scores, bundle_name, bundle_version"
        columns += ", bundle_digest, text_sha256, created_at"
        loading.copy(self.crowd.server, "triage_prediction", columns, rows)
        owners = {"ticket_id": np.array([f["id"] for f in facts])}
        self.crowd.write_vectors("triage_ticketvector", topics, digests, owners)


def _mood(score: float) -> str:
    return "negative" if score < -0.2 else "positive" if score > 0.2 else "neutral"


def _uuid(kind: int, number: int) -> str:
    return f"0000000{kind}-0000-4000-8000-{number:012x}"


def _change(before: str, after: str) -> str:
    return f'{{"from": "{before}", "to": "{after}", "from_id": null, "to_id": null}}'
