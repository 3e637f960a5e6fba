#!/usr/bin/env python3
"""A working day of a desk, replayed through HTTP as fast as the machine takes it.

    python scripts/bench/workday.py --data DIR --tickets 100000

Agents look at lists that refresh by themselves, open tickets, answer, note, sort and search;
customers ask, read and look for articles; the worker does its part. Then it says what share of the
pages of tables came from memory, how often an index served, what the cache knew, and how long each
model took. Writes its section of docs/performance.md.
"""

import argparse
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import data
import numpy as np
import servers
from callers import Caller, milliseconds, signed_in
from questions import Questions
from report import Section, met, middle_and_slow, table

HIT_GOAL, INDEX_GOAL = 0.90, 0.80
AGENTS, CUSTOMERS, REFRESHES = 6, 4, 5
# What somebody does next, and how often of a hundred times.
AGENT_DOES = {
    "list": 12,
    "refresh": 30,
    "queue": 10,
    "open": 22,
    "reply": 9,
    "note": 3,
    "property": 4,
    "search": 8,
    "suggest": 2,
}
CUSTOMER_DOES = {"mine": 30, "articles": 20, "ask": 15, "read": 35}


@dataclass
class Person:
    """Somebody at work: what they saw last, and how long each page took."""

    caller: Caller
    asked: Questions
    random: np.random.Generator
    tickets: list[int]
    spent: dict[str, list[float]] = field(default_factory=dict)

    def work(self, doing: dict[str, int], steps: int) -> None:
        chances = np.array(list(doing.values())) / sum(doing.values())
        for what in self.random.choice(list(doing), steps, p=chances):
            took = milliseconds(getattr(self, f"_{what}"))
            self.spent.setdefault(str(what), []).append(took)

    def _pick(self, items: list) -> object:
        return items[int(self.random.integers(len(items)))]

    def _list(self) -> None:
        page = self.caller.get("/")
        self.tickets = [int(pk) for pk in re.findall(r"/tickets/(\d+)/", page)] or self.tickets

    def _refresh(self) -> None:
        """What an open page does every few seconds."""
        page = self.caller.get("/")
        state = re.search(r"since=([\d-]+)", page)
        for _ in range(REFRESHES):
            self.caller.get(f"/live/?since={state.group(1) if state else ''}")

    def _queue(self) -> None:
        queue = ("assignee=me", "assignee=nobody", "due=overdue", "status=waiting", "priority=3")
        self.caller.get(f"/?{self._pick(list(queue))}")

    def _open(self) -> None:
        self.caller.get(f"/tickets/{self._pick(self.tickets)}/")

    def _reply(self) -> None:
        self._say("reply")

    def _note(self) -> None:
        self._say("note")

    def _say(self, kind: str) -> None:
        path = f"/tickets/{self._pick(self.tickets)}/"
        form = _form_of(self.caller.get(path), f"{path}reply/")
        words = str(self._pick(self.asked.paraphrases))
        # 400: a colleague wrote meanwhile, and the page says so
        self.caller.post(f"{path}reply/", form | {"body": words, "kind": kind}, refused=True)

    def _property(self) -> None:
        self.caller.post(f"/tickets/{self._pick(self.tickets)}/take/", {})

    def _search(self) -> None:
        words = self._pick([self.asked.common, self.asked.rare, self.asked.paraphrases])
        self.caller.get(f"/search/?q={str(self._pick(words)).replace(' ', '+')}")

    def _suggest(self) -> None:
        text = str(self._pick(self.asked.paraphrases))
        self.caller.post("/suggest/", {"subject": text[:60], "description": text})

    def _mine(self) -> None:
        page = self.caller.get("/")
        self.tickets = [int(pk) for pk in re.findall(r"/tickets/(\d+)/", page)] or self.tickets

    def _articles(self) -> None:
        self.caller.get("/articles/")

    def _read(self) -> None:
        if self.tickets:
            self.caller.get(f"/tickets/{self._pick(self.tickets)}/")

    def _ask(self) -> None:
        hidden = _form_of(self.caller.get("/create-ticket/"), "")
        text = str(self._pick(self.asked.paraphrases))
        form = {"subject": text[:80], "description": text, "priority": "2"}
        place = self.caller.post("/create-ticket/", hidden | form)
        self.tickets += [int(pk) for pk in re.findall(r"/tickets/(\d+)/", place)]


def _form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that leads there; of the whole page when it names no place."""
    start = max(page.find(f'action="{action}"'), 0) if action else 0
    end = page.find("</form>", start) if action else len(page)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page[start:end]))
    hidden.pop("csrfmiddlewaretoken", None)
    return hidden


def people(site: str, asked: Questions) -> tuple[list[Person], list[Person]]:
    """Agents who are in teams, and customers with a log-in and tickets of their own."""
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

    def person(n: int, user: User, tickets: list[int]) -> Person:
        return Person(signed_in(site, user), asked, np.random.default_rng(n), tickets)

    answering = [person(n, agent, newest) for n, agent in enumerate(agents)]
    asking = [
        person(100 + n, customer.user, list(customer.tickets.values_list("pk", flat=True)))
        for n, customer in enumerate(customers)
    ]
    return answering, asking


def replay(site: str, asked: Questions, steps: int) -> dict[str, list[float]]:
    """Everybody at once, so many steps each."""
    answering, asking = people(site, asked)
    with ThreadPoolExecutor(len(answering) + len(asking)) as pool:
        jobs = [pool.submit(one.work, AGENT_DOES, steps) for one in answering]
        jobs += [pool.submit(one.work, CUSTOMER_DOES, steps) for one in asking]
    for job in jobs:
        job.result()
    spent: dict[str, list[float]] = {}
    for one in [*answering, *asking]:
        for what, took in one.spent.items():
            spent.setdefault(what, []).extend(took)
    return spent


def counted() -> tuple[Counter, dict[str, Counter], dict]:
    """What PostgreSQL, each table and the cache have counted until now."""
    from django.db import connection

    from appliance.core import cache
    from appliance.ops import queries as ops_queries

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    time.sleep(2)  # servers report what they did about once a second
    totals = ops_queries.read_totals()
    pages = Counter(hit=int(totals.pages_hit), read=int(totals.pages_read))
    tables = {
        one.name: Counter(rows=one.rows, index=one.index_scans, whole=one.sequential_scans)
        for one in ops_queries.list_tables()
    }
    answers = Counter()
    for count in cache.hit_counts().values():
        answers.update(count)
    return pages, tables, dict(answers)


def lines(before: tuple, after: tuple, spent: dict[str, list[float]], took: float) -> list[str]:
    from appliance.ops import charts

    pages = {name: after[0][name] - before[0][name] for name in after[0]}
    answers = {name: after[2].get(name, 0) - before[2].get(name, 0) for name in ("hits", "misses")}
    looks, small = Counter(), []
    for name, now in sorted(after[1].items()):
        was = before[1].get(name, Counter())
        grown = Counter(index=now["index"] - was["index"], whole=now["whole"] - was["whole"])
        if now["rows"] < 1000:
            small += [f"`{name}`"] if grown["whole"] else []
        else:
            looks.update(grown)
    shares = [
        ("database pages found in memory", _share(pages["hit"], pages["read"]), HIT_GOAL),
        (
            "looks into tables of 1,000 rows and more served by an index",
            _share(looks["index"], looks["whole"]),
            INDEX_GOAL,
        ),
        ("answers from the cache (Valkey)", _share(answers["hits"], answers["misses"]), None),
    ]
    rows = [
        (what, f"{share:.1%}", f"> {goal:.0%}" if goal else "", met(share > goal) if goal else "")
        for what, share, goal in shares
    ]
    done = sum(map(len, spent.values()))
    figures = [
        (what, len(times), *(f"{value:.0f}" for value in middle_and_slow(times)))
        for what, times in sorted(spent.items())
    ]
    models = [
        (
            one.role,
            one.count,
            *(f"{value:.1f}" if value else "" for value in (one.median_ms, one.p95_ms)),
        )
        for one in charts.list_timings([])
    ]
    return [
        f"{done} steps of {AGENTS} agents and {CUSTOMERS} customers at once in {took:.0f} s, with"
        " the worker at work. PostgreSQL and the cache were started for it, so their own memory"
        " began empty; the system's cache of files was left as it was.",
        "",
        *table(["what", "share", "goal", "met"], rows),
        "",
        "Left out of the second share, because PostgreSQL rightly reads them whole: "
        f"{', '.join(small) or 'none'}.",
        "",
        *table(["step", "times", "median ms", "99th percentile ms"], figures),
        "",
        *table(["model", "texts", "median ms", "95th percentile ms"], models),
    ]


def _share(one: int, other: int) -> float:
    return one / (one + other) if one + other else 0.0


def main() -> None:
    """Replay and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the scratch desks")
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--steps", type=int, default=60, help="of each person")
    args = parser.parse_args()
    section, folder = Section("workday", "A working day"), args.data / str(args.tickets)
    data.in_a_process(folder, args.tickets, args.tickets // 10)
    with servers.running(folder) as desk:
        desk.enter()
        asked = Questions.of_this_desk()
        with desk.serving(role="all") as site:
            before = counted()
            started = time.monotonic()
            spent = replay(site, asked, args.steps)
            took = time.monotonic() - started
            after = counted()
        section.write(lines(before, after, spent, took))


if __name__ == "__main__":
    main()
