#!/usr/bin/env python3
"""Simulate a working day of agents and customers through HTTP, as fast as the machine allows.

    python scripts/bench/workday.py --data DIR --tickets 100000

Agents view lists that refresh automatically, open tickets, reply, add notes, assign and search;
customers create and read tickets and browse articles; the worker runs. Writes its section of
docs/performance.md: database cache hit ratio, index hit rate, cache hit rate, times of pages and
models.
"""

import argparse
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import _environment  # noqa: F401
import data
import numpy as np
import servers
from http_client import SignedInClient, milliseconds, sign_in
from report import Section, median_and_p99, met, table
from workload import Workload

HIT_GOAL, INDEX_GOAL = 0.90, 0.80
AGENTS, CUSTOMERS, REFRESHES = 6, 4, 5
# Step → how often of a hundred times.
AGENT_STEPS = {
    "list": 12,
    "refresh_list": 30,
    "filter_list": 10,
    "open_ticket": 22,
    "reply": 9,
    "add_note": 3,
    "assign_ticket": 4,
    "search": 8,
    "suggest_articles": 2,
}
CUSTOMER_STEPS = {"own_tickets": 30, "articles": 20, "create_ticket": 15, "read_ticket": 35}


@dataclass
class SimulatedUser:
    """A user at work: the tickets of the last list, and the milliseconds of each step."""

    client: SignedInClient
    workload: Workload
    random: np.random.Generator
    tickets: list[int]
    spent: dict[str, list[float]] = field(default_factory=dict)

    def work(self, shares: dict[str, int], count: int) -> None:
        """Take ``count`` random steps; ``shares``: step → relative frequency."""
        chances = np.array(list(shares.values())) / sum(shares.values())
        for step in self.random.choice(list(shares), count, p=chances):
            self.spent.setdefault(str(step), []).append(milliseconds(getattr(self, f"_{step}")))

    def _pick(self, items: list) -> object:
        return items[int(self.random.integers(len(items)))]

    def _list(self) -> None:
        page = self.client.get("/")
        self.tickets = [int(pk) for pk in re.findall(r"/tickets/(\d+)/", page)] or self.tickets

    def _refresh_list(self) -> None:
        """Open the list and poll it as an open page does."""
        page = self.client.get("/")
        state = re.search(r"since=([\d-]+)", page)
        for _ in range(REFRESHES):
            self.client.get(f"/live/?since={state.group(1) if state else ''}")

    def _filter_list(self) -> None:
        filters = ("assignee=me", "assignee=nobody", "due=overdue", "status=waiting", "priority=3")
        self.client.get(f"/?{self._pick(list(filters))}")

    def _open_ticket(self) -> None:
        self.client.get(f"/tickets/{self._pick(self.tickets)}/")

    def _reply(self) -> None:
        self._send_message("reply")

    def _add_note(self) -> None:
        self._send_message("note")

    def _send_message(self, kind: str) -> None:
        path = f"/tickets/{self._pick(self.tickets)}/"
        form = _hidden_fields(self.client.get(path), f"{path}reply/")
        words = str(self._pick(self.workload.paraphrases))
        # status 400: a colleague replied in the meantime, and the page says so
        self.client.post(f"{path}reply/", form | {"body": words, "kind": kind}, may_fail=True)

    def _assign_ticket(self) -> None:
        self.client.post(f"/tickets/{self._pick(self.tickets)}/take/", {})

    def _search(self) -> None:
        words = self._pick([self.workload.common, self.workload.rare, self.workload.paraphrases])
        self.client.get(f"/search/?q={str(self._pick(words)).replace(' ', '+')}")

    def _suggest_articles(self) -> None:
        text = str(self._pick(self.workload.paraphrases))
        self.client.post("/suggest/", {"subject": text[:60], "description": text})

    def _own_tickets(self) -> None:
        page = self.client.get("/")
        self.tickets = [int(pk) for pk in re.findall(r"/tickets/(\d+)/", page)] or self.tickets

    def _articles(self) -> None:
        self.client.get("/articles/")

    def _read_ticket(self) -> None:
        if self.tickets:
            self.client.get(f"/tickets/{self._pick(self.tickets)}/")

    def _create_ticket(self) -> None:
        hidden = _hidden_fields(self.client.get("/create-ticket/"), "")
        text = str(self._pick(self.workload.paraphrases))
        form = {"subject": text[:80], "description": text, "priority": "2", "channel": "phone"}
        address = self.client.post("/create-ticket/", hidden | form)
        self.tickets += [int(pk) for pk in re.findall(r"/tickets/(\d+)/", address)]


def _hidden_fields(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form with this action; of the whole page if it is empty."""
    start = max(page.find(f'action="{action}"'), 0) if action else 0
    end = page.find("</form>", start) if action else len(page)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page[start:end]))
    hidden.pop("csrfmiddlewaretoken", None)
    return hidden


def create_users(site: str, workload: Workload) -> tuple[list[SimulatedUser], list[SimulatedUser]]:
    """Return agents who are in teams, and customers with an account and tickets."""
    from appliance.accounts.models import Customer, Role, User
    from appliance.tickets.models import Ticket

    agents = list(User.objects.filter(role=Role.AGENT).order_by("pk")[3 : 3 + AGENTS])
    customers = []
    for customer in Customer.objects.order_by("pk")[500 : 500 + CUSTOMERS]:
        if customer.user is None:
            customer.user = User.objects.create(email=customer.email, first_name="Customer")
            customer.save(update_fields=["user"])
        customers.append(customer)
    newest = list(
        Ticket.objects.visible_to(agents[0]).order_by("-pk")[:200].values_list("pk", flat=True)
    )

    def simulated_user(n: int, user: User, tickets: list[int]) -> SimulatedUser:
        return SimulatedUser(sign_in(site, user), workload, np.random.default_rng(n), tickets)

    agents_at_work = [simulated_user(n, agent, newest) for n, agent in enumerate(agents)]
    customers_at_work = [
        simulated_user(100 + n, customer.user, list(customer.tickets.values_list("pk", flat=True)))
        for n, customer in enumerate(customers)
    ]
    return agents_at_work, customers_at_work


def replay(site: str, workload: Workload, steps: int) -> dict[str, list[float]]:
    """Let all users take ``steps`` steps at once; return step → milliseconds."""
    agents_at_work, customers_at_work = create_users(site, workload)
    with ThreadPoolExecutor(len(agents_at_work) + len(customers_at_work)) as pool:
        jobs = [pool.submit(user.work, AGENT_STEPS, steps) for user in agents_at_work]
        jobs += [pool.submit(user.work, CUSTOMER_STEPS, steps) for user in customers_at_work]
    for job in jobs:
        job.result()
    spent: dict[str, list[float]] = {}
    for user in [*agents_at_work, *customers_at_work]:
        for step, times in user.spent.items():
            spent.setdefault(step, []).extend(times)
    return spent


def read_counters() -> tuple[Counter, dict[str, Counter], dict]:
    """Return the current counters of PostgreSQL, of each table and of the cache."""
    from django.db import connection

    from appliance.core import cache
    from appliance.ops import queries as ops_queries

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    time.sleep(2)  # the statistics are updated about once a second
    totals = ops_queries.read_totals()
    pages = Counter(hit=int(totals.pages_hit), read=int(totals.pages_read))
    tables = {
        row.name: Counter(rows=row.rows, index=row.index_scans, sequential=row.sequential_scans)
        for row in ops_queries.list_tables()
    }
    cache_answers = Counter()
    for count in cache.hit_counts().values():
        cache_answers.update(count)
    return pages, tables, dict(cache_answers)


def lines(before: tuple, after: tuple, spent: dict[str, list[float]], seconds: float) -> list[str]:
    """Return the section from the counters before and after, and step → milliseconds."""
    from appliance.ops import charts

    pages = {name: after[0][name] - before[0][name] for name in after[0]}
    cached = {name: after[2].get(name, 0) - before[2].get(name, 0) for name in ("hits", "misses")}
    scans, small_tables = _count_scans(before[1], after[1])
    shares = [
        ("database cache hit ratio", _share(pages["hit"], pages["read"]), HIT_GOAL),
        (
            "index hit rate on tables of 1,000 rows and more",
            _share(scans["index"], scans["sequential"]),
            INDEX_GOAL,
        ),
        ("cache hit rate (Valkey)", _share(cached["hits"], cached["misses"]), None),
    ]
    rates = [
        (name, f"{share:.1%}", f"> {goal:.0%}" if goal else "", met(share > goal) if goal else "")
        for name, share, goal in shares
    ]
    steps = [
        (step.replace("_", " "), len(times), *(f"{value:.0f}" for value in median_and_p99(times)))
        for step, times in sorted(spent.items())
    ]
    models = [
        (
            timing.role,
            timing.count,
            *(f"{value:.1f}" if value else "" for value in (timing.median_ms, timing.p95_ms)),
        )
        for timing in charts.list_timings([])
    ]
    return [
        f"{sum(map(len, spent.values()))} steps of {AGENTS} agents and {CUSTOMERS} customers at"
        f" once in {seconds:.0f} s, with the worker running. PostgreSQL and the cache were started"
        " for this run, so their memory was empty at first; the file cache of the operating system"
        " was left as it was.",
        "",
        *table(["metric", "share", "goal", "met"], rates),
        "",
        "Not counted in the index hit rate, because a sequential scan is right for small tables: "
        f"{', '.join(small_tables) or 'none'}.",
        "",
        *table(["step", "times", "median ms", "99th percentile ms"], steps),
        "",
        *table(["model", "texts", "median ms", "95th percentile ms"], models),
    ]


def _count_scans(
    before: dict[str, Counter], after: dict[str, Counter]
) -> tuple[Counter, list[str]]:
    """Return scans of tables of 1,000 rows and more, and the names of smaller scanned tables."""
    scans, small_tables = Counter(), []
    for name, now in sorted(after.items()):
        earlier = before.get(name, Counter())
        new = Counter({kind: now[kind] - earlier[kind] for kind in ("index", "sequential")})
        if now["rows"] >= 1000:
            scans.update(new)
        elif new["sequential"]:
            small_tables.append(f"`{name}`")
    return scans, small_tables


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else 0.0


def main() -> None:
    """Simulate the day and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the scratch installations"
    )
    parser.add_argument("--tickets", type=int, default=100_000, help="size of the installation")
    parser.add_argument("--steps", type=int, default=60, help="steps of each user")
    args = parser.parse_args()
    section, folder = Section("workday", "Working day"), args.data / str(args.tickets)
    data.in_a_process(folder, args.tickets, args.tickets // 10)
    with servers.running(folder) as installation:
        installation.set_up_django()
        workload = Workload.from_database()
        with installation.serving(role="all") as site:
            before = read_counters()
            started = time.monotonic()
            spent = replay(site, workload, args.steps)
            seconds = time.monotonic() - started
            after = read_counters()
        section.write(lines(before, after, spent, seconds))


if __name__ == "__main__":
    main()
