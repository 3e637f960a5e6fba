#!/usr/bin/env python3
"""Skerry beside django-helpdesk, and beside a plain scan over vectors kept as JSON, in one run.

    python scripts/bench/peers.py --data DIR --tickets 100000

django-helpdesk comes from PyPI into an environment of its own in DIR, and gets a database of its
own on the same PostgreSQL with the same tickets. Both answer through Django's test client in a
process of their own, asked in turn, so that whatever else the machine does slows both. Writes its
section of docs/performance.md.
"""

import argparse
import json
import subprocess
import sys
import time
import venv
from pathlib import Path

import data
import numpy as np
import psycopg
import servers
from report import Section, met, middle_and_slow, table

PEER = "django-helpdesk==2.6.1"
WANTED = (PEER, "setuptools<81", "psycopg[binary]==3.3.9", "Django==5.2.19")
TOOK = "took "  # how each side begins its answer
HERE = Path(__file__).resolve().parent
GOALS = {
    "dashboard": 100,
    "list": 10,
    "search, a common word": 50,
    "search, a rare word": 50,
    "open a ticket": 2,
    "create a ticket": 0.5,
}
JSON_ROWS = 20_000  # a scan over more takes minutes; its time grows with the rows


def peer_python(folder: Path) -> Path:
    """The environment of django-helpdesk, made once."""
    made = folder / "peer"
    python = made / "bin" / "python"
    if not (made / "done").exists():
        venv.create(made, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *WANTED], check=True)
        (made / "done").touch()
    return python


class Side:
    """One of the two: a process that is told what to ask, and says how long it took."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, what: str, *words: object) -> float:
        """Milliseconds of one page."""
        self._process.stdin.write(json.dumps([what, *words]) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:  # a process may log what it does there, too
            if line.startswith(TOOK):
                return float(line.removeprefix(TOOK))
        sys.exit(f"It ended while it was asked for: {what}")

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(60)


def measure(desk: servers.Desk, python: Path, times: int) -> dict[str, dict[str, list[float]]]:
    """Both sides, page after page, in turn."""
    import os

    found: dict[str, dict[str, list[float]]] = {}
    peer_database = desk.dsn().replace("/skerry?", "/peer?")
    sides = {
        "Skerry": Side(
            [sys.executable, str(HERE / "peer_ours.py")], os.environ | desk.environment()
        ),
        "django-helpdesk": Side(
            [str(python), str(HERE / "peer_theirs.py"), "serve"],
            os.environ | {"PEER_DATABASE": peer_database},
        ),
    }
    words = _words(desk)
    for name in GOALS:
        spent = found.setdefault(name, {side: [] for side in sides})
        for turn in range(times + 1):
            for side, process in sides.items():
                took = process.ask(name, words[name][turn % len(words[name])])
                if turn:  # the first warms up
                    spent[side].append(took)
    for process in sides.values():
        process.end()
    return found


def _words(desk: servers.Desk) -> dict[str, list[object]]:
    """What is typed and opened; the same for both."""
    with psycopg.connect(desk.dsn()) as server:
        rows = server.execute(
            "SELECT word, ndoc FROM ts_stat('SELECT search_vector FROM tickets_ticket"
            " WHERE id % 10 = 0') WHERE word ~ '^[a-z]{5,12}$'"
        ).fetchall()
        last = server.execute("SELECT max(id) FROM tickets_ticket").fetchone()[0]
    most = max(count for _, count in rows)
    common = [word for word, count in rows if count > most / 4][:20]
    rare = [word for word, count in rows if count <= 3][:20]
    opened = [last - 7 * n for n in range(1, 60) if (last - 7 * n) % 33]
    created = [f"The screen of ward {n} stays dark since the storm" for n in range(60)]
    return {
        "dashboard": [""],
        "list": [""],
        "search, a common word": common,
        "search, a rare word": rare,
        "open a ticket": opened,
        "create a ticket": created,
    }


def json_scan(desk: servers.Desk) -> tuple[float, float, int]:
    """Milliseconds of the nearest tickets by cosine in Python over JSON, and by the product."""
    from appliance.accounts.models import User
    from appliance.search import corpora, retrievers
    from appliance.search.corpora import SearchFilters
    from appliance.triage.models import TicketVector

    rows = TicketVector.objects.order_by("ticket_id")[:JSON_ROWS]
    kept = [json.dumps([float(x) for x in row.vector]) for row in rows]
    with psycopg.connect(desk.dsn(), autocommit=True) as server:
        server.execute("CREATE TEMPORARY TABLE plain (id serial, vector text)")
        with server.cursor().copy("COPY plain (vector) FROM STDIN") as stream:
            stream.write("\n".join(kept) + "\n")
        asked = json.loads(kept[0])
        spent = []
        for _ in range(3):
            started = time.perf_counter()
            found = server.execute("SELECT id, vector FROM plain").fetchall()
            scores = [(_cosine(asked, json.loads(text)), pk) for pk, text in found]
            sorted(scores, reverse=True)[:10]
            spent.append(1000 * (time.perf_counter() - started))
    agent = User.objects.filter(role="agent").order_by("pk").last()
    [shelf] = corpora.list_corpora(agent, "tickets", SearchFilters())
    vector, own = np.array(asked, "<f4"), []
    space = rows[0].space
    for _ in range(10):
        started = time.perf_counter()
        with retrievers.query_limits():
            retrievers.find_by_meaning(shelf, vector, space)
        own.append(1000 * (time.perf_counter() - started))
    return float(np.median(spent)), float(np.median(own)), len(kept)


def _cosine(one: list[float], other: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    lengths = sum(a * a for a in one) ** 0.5 * sum(b * b for b in other) ** 0.5
    return dot / lengths


def lines(found: dict, tickets: int, times: int, scan: tuple[float, float, int]) -> list[str]:
    rows = []
    for name, goal in GOALS.items():
        (own, _), (theirs, _) = (middle_and_slow(spent) for spent in found[name].values())
        ratio = theirs / own
        rows.append(
            (
                name,
                f"{own:.1f}",
                f"{theirs:.1f}",
                f"{ratio:.1f} ×",
                f"≥ {goal} ×",
                met(ratio >= goal),
            )
        )
    plain, product, count = scan
    head = ["what", "Skerry ms", f"{PEER.replace('==', ' ')} ms", "times as fast", "goal", "met"]
    return [
        f"The same {tickets:,} tickets in both, on one PostgreSQL, asked in turn through Django's"
        f" test client: the median of {times}. Before each page ours is told that a ticket changed,"
        " so no count that this makes stale comes from its cache. Creating a ticket is the whole"
        " request, with the three models at work in ours; nothing reads it in theirs. A list or"
        " search of theirs is two requests, the page and its rows.",
        "",
        *table(head, rows),
        "",
        "Nearest in meaning, the plain way (vectors kept as JSON text, cosine in Python):"
        f" {plain:,.0f} ms over {count:,} vectors; the product takes {product:.1f} ms over"
        f" {tickets:,}, {plain / product * tickets / count:,.0f} times as fast for as many.",
    ]


def main() -> None:
    """Make both, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the scratch desks")
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=15)
    args = parser.parse_args()
    section, folder = Section("peers", "Beside django-helpdesk"), args.data / str(args.tickets)
    data.in_a_process(folder, args.tickets, args.tickets // 10)
    python = peer_python(args.data)
    with servers.running(folder) as desk:
        desk.enter()
        fill_peer(desk, python)
        found = measure(desk, python, args.times)
        scan = json_scan(desk)
    section.write(lines(found, args.tickets, args.times, scan))


def fill_peer(desk: servers.Desk, python: Path) -> None:
    """A database beside the desk's, with the same customers' tickets and answers. Once."""
    import os

    with psycopg.connect(desk.as_superuser(), autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = 'peer'").fetchone():
            return
        server.execute("CREATE DATABASE peer OWNER skerry")
    # peers log in over the network line of pg_hba.conf, which names the desk's database alone
    address = desk.folder / "database" / "postgres" / "pg_hba.conf"
    address.write_text(address.read_text() + "host peer skerry all scram-sha-256\n")
    with psycopg.connect(desk.as_superuser(), autocommit=True) as server:
        server.execute("SELECT pg_reload_conf()")
    given = {"PEER_DATABASE": desk.dsn().replace("/skerry?", "/peer?"), "FROM_DATABASE": desk.dsn()}
    command = [str(python), str(HERE / "peer_theirs.py"), "fill"]
    subprocess.run(command, env=os.environ | given, check=True)


if __name__ == "__main__":
    main()
