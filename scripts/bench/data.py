#!/usr/bin/env python3
"""Makes a desk of many tickets and articles, with all that belongs to them, in minutes.

    python scripts/bench/data.py --data DIR                      a scratch desk in DIR, kept
    python scripts/bench/data.py --dsn URL --tickets 100000      into a migrated, empty database

Customers who ask often and seldom, messages, events, tags, clocks, what the models would have said,
vectors around topics that the real encoder placed, and the words that the desk learns from it all.
The seed is fixed: equal numbers give equal desks, but for the time they end at.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import servers
from crowd import Crowd, say

WORDS_OF = 100_000  # tickets whose words the desk knows, and as large a share of what else there is


def fill(dsn: str, tickets: int, articles: int, memory: str) -> None:
    """Into the database Django is set up on. Refuses one that holds tickets."""
    from django.core.management import call_command

    from appliance.tickets.models import Ticket
    from appliance.triage.services import index_space

    call_command("migrate", verbosity=0)
    if Ticket.objects.exists():
        sys.exit("This desk holds tickets already: name an empty one.")
    started = time.monotonic()
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute("SET synchronous_commit = off")
        crowd = Crowd(server, tickets, articles)
        crowd.set_up()
        index_space(crowd.space)  # of nothing yet; loading builds it anew, as it does all others
        crowd.load(memory)
        update_vocabulary(server, percent=100 * min(1, WORDS_OF / tickets))
    say(f"Made in {time.monotonic() - started:.0f} s.")


def update_vocabulary(server: psycopg.Connection, percent: float) -> None:
    """Count the words of a sample of the rows, as the worker would count those of all in hours."""
    from appliance.search.models import VocabularyProgress
    from appliance.search.services import VOCABULARY_TABLES, count_words

    for table in VOCABULARY_TABLES:
        count_words(table, f"TABLESAMPLE SYSTEM ({percent})")
        last = server.execute(f"SELECT coalesce(max(id), 0) FROM {table.quoted_name}").fetchone()[0]  # noqa: S608
        VocabularyProgress.objects.update_or_create(
            table_name=table.name, defaults={"last_id": last}
        )
    server.execute("VACUUM ANALYZE search_vocabularyword")


def ensure(folder: Path, tickets: int, articles: int, memory: str) -> None:
    """A scratch desk of this size in ``folder``, unless one is there."""
    if (folder / "made").exists():
        return
    with servers.running(folder) as desk:
        desk.enter()
        with psycopg.connect(desk.as_superuser(), autocommit=True) as server:
            server.execute("ALTER SYSTEM SET max_wal_size = '8GB'")  # fewer checkpoints
            server.execute("SELECT pg_reload_conf()")
            fill(desk.dsn(), tickets, articles, memory)
            server.execute("ALTER SYSTEM RESET max_wal_size")
        (folder / "made").touch()


def in_a_process(folder: Path, tickets: int, articles: int, memory: str = "512MB") -> None:
    """The same for a bench that sets Django up on several desks, one a process."""
    command = [sys.executable, __file__, "--data", str(folder), "--tickets", str(tickets)]
    subprocess.run([*command, "--articles", str(articles), "--memory", memory], check=True)


def main() -> None:
    """Make it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, help="folder of a scratch desk, made when missing")
    where.add_argument("--dsn", help="an empty database; SECRET_KEY and REDIS_URL name the rest")
    parser.add_argument("--tickets", type=int, default=1_000_000)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--memory", default="512MB", help="for building indexes")
    args = parser.parse_args()
    if args.data:
        ensure(args.data, args.tickets, args.articles, args.memory)
        return
    os.environ.update(DATABASE_URL=args.dsn, DJANGO_SETTINGS_MODULE="appliance.settings")
    sys.path.insert(0, str(servers.ROOT))
    import django

    django.setup()
    fill(args.dsn, args.tickets, args.articles, args.memory)


if __name__ == "__main__":
    main()
