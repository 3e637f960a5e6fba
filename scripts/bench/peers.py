#!/usr/bin/env python3
"""Compare Skerry with django-helpdesk, and with a plain scan over vectors stored as JSON.

    python scripts/bench/peers.py --data DIR --tickets 100000

django-helpdesk is installed from PyPI into its own environment in DIR and gets its own database on
the same PostgreSQL with the same tickets. Each runs in its own process with Django's test client.
Requests alternate between the two, so that other load on the machine affects both. Writes its
section of docs/performance.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

import _environment  # noqa: F401
import data
import numpy as np
import psycopg
import servers
from report import Section, median_and_p99, met, table

PEER_PACKAGE = "django-helpdesk==2.6.1"
REQUIREMENTS = (PEER_PACKAGE, "setuptools<81", "psycopg[binary]==3.3.9", "Django==5.2.19")
TIME_PREFIX = "took "  # prefix of the line with the milliseconds
HERE = Path(__file__).resolve().parent
GOALS = {
    "dashboard": 100,
    "list": 10,
    "search, a common word": 50,
    "search, a rare word": 50,
    "open a ticket": 2,
    "create a ticket": 0.5,
}
JSON_ROWS = 20_000  # a scan of more takes minutes; its time grows with the rows


def peer_python(folder: Path) -> Path:
    """Install django-helpdesk into its own environment once; return its Python."""
    environment = folder / "peer"
    python = environment / "bin" / "python"
    if not (environment / "done").exists():
        venv.create(environment, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *REQUIREMENTS], check=True)
        (environment / "done").touch()
    return python


class PeerProcess:
    """A process that runs requests and reports their milliseconds."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def request(self, name: str, word: object) -> float:
        """Run a request of GOALS with a search term, id or subject; return its milliseconds."""
        self._process.stdin.write(json.dumps([name, word]) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:  # the process may log there, too
            if line.startswith(TIME_PREFIX):
                return float(line.removeprefix(TIME_PREFIX))
        sys.exit(f"The process ended during the request: {name}")

    def end(self) -> None:
        """Close the input and wait for the process."""
        self._process.stdin.close()
        self._process.wait(60)


def measure(
    installation: servers.Installation, python: Path, count: int
) -> dict[str, dict[str, list[float]]]:
    """Return request → peer → milliseconds; requests alternate between the peers."""
    times: dict[str, dict[str, list[float]]] = {}
    peer_database = installation.dsn().replace("/skerry?", "/peer?")
    peers = {
        "Skerry": PeerProcess(
            [sys.executable, str(HERE / "peer_skerry.py")], os.environ | installation.environment()
        ),
        "django-helpdesk": PeerProcess(
            [str(python), str(HERE / "peer_django_helpdesk.py"), "serve"],
            os.environ | {"PEER_DATABASE": peer_database},
        ),
    }
    words = _request_words(installation)
    for name in GOALS:
        spent = times.setdefault(name, {peer: [] for peer in peers})
        for turn in range(count + 1):
            for peer, process in peers.items():
                milliseconds = process.request(name, words[name][turn % len(words[name])])
                if turn:  # the first warms up
                    spent[peer].append(milliseconds)
    for process in peers.values():
        process.end()
    return times


def _request_words(installation: servers.Installation) -> dict[str, list[object]]:
    """Return request → search terms, ticket ids or subjects, the same for both."""
    with psycopg.connect(installation.dsn()) as server:
        rows = server.execute(
            "SELECT word, ndoc FROM ts_stat('SELECT search_vector FROM tickets_ticket"
            " WHERE id % 10 = 0') WHERE word ~ '^[a-z]{5,12}$'"
        ).fetchall()
        last = server.execute("SELECT max(id) FROM tickets_ticket").fetchone()[0]
    max_count = max(count for _, count in rows)
    common = [word for word, count in rows if count > max_count / 4][:20]
    rare = [word for word, count in rows if count <= 3][:20]
    ticket_ids = [last - 7 * n for n in range(1, 60) if (last - 7 * n) % 33]
    subjects = [f"The screen of ward {n} stays dark since the storm" for n in range(60)]
    return {
        "dashboard": [""],
        "list": [""],
        "search, a common word": common,
        "search, a rare word": rare,
        "open a ticket": ticket_ids,
        "create a ticket": subjects,
    }


def json_scan(installation: servers.Installation) -> tuple[float, float, int]:
    """Return the milliseconds of a nearest neighbour scan over JSON and of the product.

    The third value is the number of vectors scanned.
    """
    from appliance.accounts.models import User
    from appliance.search import corpora, retrievers
    from appliance.search.corpora import SearchFilters
    from appliance.triage.models import TicketVector
    from appliance.triage.vector_search import find_floor

    rows = TicketVector.objects.order_by("ticket_id")[:JSON_ROWS]
    vectors = [json.dumps([float(x) for x in row.vector]) for row in rows]
    with psycopg.connect(installation.dsn(), autocommit=True) as server:
        server.execute("CREATE TEMPORARY TABLE plain (id serial, vector text)")
        with server.cursor().copy("COPY plain (vector) FROM STDIN") as stream:
            stream.write("\n".join(vectors) + "\n")
        query = json.loads(vectors[0])
        spent = []
        for _ in range(3):
            started = time.perf_counter()
            texts = server.execute("SELECT id, vector FROM plain").fetchall()
            scores = [(_cosine(query, json.loads(text)), pk) for pk, text in texts]
            sorted(scores, reverse=True)[:10]
            spent.append(1000 * (time.perf_counter() - started))
    agent = User.objects.filter(role="agent").order_by("pk").last()
    [corpus] = corpora.list_corpora(agent, "tickets", SearchFilters())
    vector, own, floor = np.array(query, "<f4"), [], find_floor("hit")
    space = rows[0].space
    for _ in range(10):
        started = time.perf_counter()
        with retrievers.query_limits():
            retrievers.find_by_meaning(corpus, vector, space, min_cosine=floor)
        own.append(1000 * (time.perf_counter() - started))
    return float(np.median(spent)), float(np.median(own)), len(vectors)


def _cosine(first: list[float], second: list[float]) -> float:
    dot = sum(a * b for a, b in zip(first, second, strict=True))
    lengths = sum(a * a for a in first) ** 0.5 * sum(b * b for b in second) ** 0.5
    return dot / lengths


def lines(times: dict, tickets: int, count: int, scan: tuple[float, float, int]) -> list[str]:
    """Return the section; ``count`` is the number of requests, ``scan`` comes from json_scan."""
    rows = []
    for name, goal in GOALS.items():
        (own, _), (theirs, _) = (median_and_p99(spent) for spent in times[name].values())
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
    plain, product, vector_count = scan
    speed_up = plain / product * tickets / vector_count
    head = [
        "request",
        "Skerry ms",
        f"{PEER_PACKAGE.replace('==', ' ')} ms",
        "speed-up",
        "goal",
        "met",
    ]
    return [
        f"The same {tickets:,} tickets in both, on one PostgreSQL. Requests alternate between the"
        f" two through Django's test client; each figure is the median of {count}. Before each"
        " request Skerry's cache is invalidated as if a ticket had changed, so that its counts are"
        " computed again. Creating a ticket is the complete request, including the three models of"
        " Skerry; django-helpdesk has no models. A list or search of django-helpdesk is two"
        " requests, the page and its rows.",
        "",
        *table(head, rows),
        "",
        "Nearest neighbours with a plain scan (vectors stored as JSON text, cosine in Python):"
        f" {plain:,.0f} ms over {vector_count:,} vectors. The product needs {product:.1f} ms over"
        f" {tickets:,}, {speed_up:,.0f} times faster for the same number.",
    ]


def main() -> None:
    """Prepare both installations, measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the scratch installations"
    )
    parser.add_argument("--tickets", type=int, default=100_000, help="size of the installation")
    parser.add_argument("--times", type=int, default=15, help="requests of each kind")
    args = parser.parse_args()
    section = Section("peers", "Comparison with django-helpdesk")
    folder = args.data / str(args.tickets)
    data.in_a_process(folder, args.tickets, args.tickets // 10)
    python = peer_python(args.data)
    with servers.running(folder) as installation:
        installation.set_up_django()
        fill_peer(installation, python)
        times = measure(installation, python, args.times)
        scan = json_scan(installation)
    section.write(lines(times, args.tickets, args.times, scan))


def fill_peer(installation: servers.Installation, python: Path) -> None:
    """Create the database of django-helpdesk with the same tickets and messages, once."""
    with psycopg.connect(installation.superuser_dsn(), autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = 'peer'").fetchone():
            return
        server.execute("CREATE DATABASE peer OWNER skerry")
    # pg_hba.conf allows network access to the database of Skerry only
    address = installation.folder / "database" / "postgres" / "pg_hba.conf"
    address.write_text(address.read_text() + "host peer skerry all scram-sha-256\n")
    with psycopg.connect(installation.superuser_dsn(), autocommit=True) as server:
        server.execute("SELECT pg_reload_conf()")
    databases = {
        "PEER_DATABASE": installation.dsn().replace("/skerry?", "/peer?"),
        "FROM_DATABASE": installation.dsn(),
    }
    command = [str(python), str(HERE / "peer_django_helpdesk.py"), "fill"]
    subprocess.run(command, env=os.environ | databases, check=True)


if __name__ == "__main__":
    main()
