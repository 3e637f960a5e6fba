"""The rows of a large scratch installation; those of tickets are in ticket_rows.py."""

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import bulk_loading
import numpy as np
import psycopg
import servers
from random_text import RandomText
from ticket_rows import TicketWriter

CHUNK = 20_000
AGENTS, ORGANISATIONS, TAGS, TOPICS = 40, 200, 60, 1000
TEAMS = ("First line", "Network", "Devices", "Applications", "Accounts", "Wards", "Buildings")
RESTRICTED_TEAM = "Human resources"
VECTOR_NOISE = (0.5, 0.35, 0.45)  # shares of two other topics and of noise in a vector
TABLES = (
    "accounts_customer",
    "tickets_ticket",
    "tickets_message",
    "tickets_event",
    "tickets_ticket_tags",
    "tickets_rating",
    "sla_slatimer",
    "triage_prediction",
    "triage_ticketvector",
    "knowledge_article",
    "triage_passage",
)


class Dataset:
    """Writes the rows of one installation. The tables must be empty: ids start at 1."""

    def __init__(self, server: psycopg.Connection, tickets: int, articles: int) -> None:
        self.server, self.tickets, self.articles = server, tickets, articles
        self.customers = max(2000, tickets // 20)
        self.random = np.random.default_rng(7)
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.text = RandomText(TOPICS)

    def set_up(self) -> None:
        """Create users, teams, an SLA policy, organisations and tags with the services."""
        from appliance.accounts import services as accounts_services
        from appliance.accounts.models import Organisation, Role, Team, User
        from appliance.sla import services as sla_services
        from appliance.sla.policies import load_policies
        from appliance.tickets.models import Tag, TicketCategory
        from appliance.triage import engine
        from appliance.web import services as web_services

        admin = web_services.set_up_unattended(
            email="admin@bench.example", password=servers.PASSWORD
        )
        for n in range(AGENTS):
            accounts_services.add_user(
                email=f"agent{n}@bench.example",
                first_name="Agent",
                last_name=f"Number {n}",
                role=Role.AGENT,
                password=None,
            )
        agents = list(User.objects.filter(role=Role.AGENT).order_by("pk"))
        for n, name in enumerate((*TEAMS, RESTRICTED_TEAM)):
            members = agents[n :: len(TEAMS)] if name != RESTRICTED_TEAM else agents[:3]
            accounts_services.add_team(
                by=admin, name=name, is_closed=name == RESTRICTED_TEAM, members=members
            )
        policy = sla_services.add_policy(
            by=admin, name="Everybody", first_response_minutes=480, resolution_minutes=5760
        )
        Organisation.objects.bulk_create(
            Organisation(name=f"Ward {n}", shares_tickets=n % 20 == 0) for n in range(ORGANISATIONS)
        )
        Tag.objects.bulk_create(Tag(name=self.text.known[200 + n]) for n in range(TAGS))
        self.agents = [(agent.pk, str(agent)) for agent in agents]
        self.categories = list(TicketCategory.objects.values_list("pk", "slug").order_by("pk"))
        self.teams = list(Team.objects.order_by("pk").values_list("pk", flat=True))
        self.organisations = list(Organisation.objects.values_list("pk", flat=True))
        self.tags = list(Tag.objects.values_list("pk", flat=True))
        self.policy, self.rules = policy.pk, load_policies().digest
        self.bundles = engine.refs()
        self.space = self.bundles["encoder"].space
        models = engine.current()
        self._topic_vectors = np.stack(
            [models.embed(self.text.topic_text(n)) for n in range(TOPICS)]
        )

    def load(self, memory: str) -> None:
        """Write all rows, then their indexes. ``memory``: maintenance_work_mem."""
        with bulk_loading.without_indexes(self.server, TABLES, memory):
            self._write_customers()
            tickets = TicketWriter(self)
            for first in range(1, self.tickets + 1, CHUNK):
                tickets.write(np.arange(first, min(first + CHUNK, self.tickets + 1)))
                log(f"tickets from {first}")
            for first in range(1, self.articles + 1, CHUNK):
                self._write_articles(np.arange(first, min(first + CHUNK, self.articles + 1)))
                log(f"articles from {first}")
            log("all rows are written; building indexes")
        bulk_loading.restart_sequences(self.server, TABLES)

    def write_vectors(
        self, table: str, topics: np.ndarray, digests: list[str], owners: Mapping[str, np.ndarray]
    ) -> None:
        """Copy owner, space, vector and digest of each text in binary format."""
        fields = dict(owners)
        fields["space"] = np.full(len(topics), self.space.encode())
        fields["vector"] = self._vectors(topics)
        fields["text_sha256"] = np.array([sha.encode() for sha in digests])
        bulk_loading.copy_binary(self.server, table, fields)

    def category_of(self, topic: int) -> tuple[int, str]:
        """Return id and slug of the category of a topic."""
        return self.categories[topic % len(self.categories)]

    def _vectors(self, topics: np.ndarray) -> np.ndarray:
        """Return float16 unit vectors near their topic, drawn towards two others."""
        count, (second, third, noise) = len(topics), VECTOR_NOISE
        others = self.random.integers(0, TOPICS, (2, count))
        vectors = self._topic_vectors[topics]
        vectors = vectors + second * self.random.random((count, 1)) * self._topic_vectors[others[0]]
        vectors += third * self.random.random((count, 1)) * self._topic_vectors[others[1]]
        vectors += (
            noise * self.random.standard_normal(vectors.shape, np.float32) / vectors.shape[1] ** 0.5
        )
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)

    def _write_customers(self) -> None:
        words = self.text.known
        rows = (
            (
                n,
                f"person{n}@bench.example",
                words[n % 900].title(),
                f"Of {words[n % 2500]}",
                self.organisations[n % ORGANISATIONS],
                "",
                n % 200 == 0,
                self.now,
            )
            for n in range(1, self.customers + 1)
        )
        columns = "id, email, first_name, last_name, organisation_id, claimed_organisation"
        bulk_loading.copy(
            self.server, "accounts_customer", f"{columns}, is_premium, created_at", rows
        )

    def _write_articles(self, ids: np.ndarray) -> None:
        """Write articles of one to four sections, with one passage per section."""
        topics = self.random.integers(0, TOPICS, len(ids))
        counts = self.random.integers(1, 5, len(ids))
        owners = np.repeat(np.arange(len(ids)), counts)
        titles, heads = self.text.subjects(topics), self.text.subjects(topics[owners])
        parts = self.text.bodies(topics[owners], 110)
        starts = np.cumsum(counts) - counts
        contents = [
            "\n\n".join(f"## {heads[k]}\n\n{parts[k]}" for k in range(start, start + count))
            for start, count in zip(starts, counts, strict=True)
        ]
        minutes = self.random.integers(0, 3_000_000, len(ids))
        changed = [self.now - timedelta(minutes=float(each)) for each in minutes]
        rows = (
            (
                pk,
                titles[n],
                contents[n],
                self.category_of(topics[n])[0],
                "draft" if pk % 20 == 0 else "published",
                changed[n],
                changed[n],
            )
            for n, pk in enumerate(ids.tolist())
        )
        columns = "id, title, content, category_id, status, created_at, updated_at"
        bulk_loading.copy(self.server, "knowledge_article", columns, rows)
        digests = [digest(f"{title}\n{text}") for title, text in zip(titles, contents, strict=True)]
        self._write_passages(
            ids[owners],
            np.arange(len(owners)) - starts[owners],
            [f"{head} {part}" for head, part in zip(heads, parts, strict=True)],
            topics[owners],
            [digests[n] for n in owners],
        )

    def _write_passages(
        self,
        articles: np.ndarray,
        places: np.ndarray,
        texts: list[str],
        topics: np.ndarray,
        digests: list[str],
    ) -> None:
        vectors = self._vectors(topics).tolist()
        rows = (
            (
                articles[n],
                places[n],
                text,
                self.space,
                "[" + ",".join(map("{:.4f}".format, vectors[n])) + "]",
                digests[n],
            )
            for n, text in enumerate(texts)
        )
        columns = "article_id, position, text, space, vector, text_sha256"
        bulk_loading.copy(self.server, "triage_passage", columns, rows)


def digest(text: str) -> str:
    """Return the digest of a text, as ``triage.texts.digest``."""
    return hashlib.sha256(text.encode()).hexdigest()


def log(text: str) -> None:
    """Print progress with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
