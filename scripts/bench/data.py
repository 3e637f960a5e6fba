#!/usr/bin/env python3
"""Create a scratch installation with many tickets and articles and all their rows, in minutes.

    python scripts/bench/data.py --data DIR                      in DIR, which is kept
    python scripts/bench/data.py --dsn URL --tickets 100000      in an empty database

It has frequent and rare customers, messages, events, tags, SLA timers, predictions, vectors around
topics embedded by the real encoder, and the search vocabulary. The seed is fixed: equal numbers
give equal installations, except for the time at which they end.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import _environment  # noqa: F401
import psycopg
import servers
from dataset import Dataset, log

VOCABULARY_TICKETS = 100_000  # tickets counted for the vocabulary; other tables in the same share


def fill(dsn: str, tickets: int, articles: int, memory: str) -> None:
    """Fill the database of Django; exit if it holds tickets."""
    from django.core.management import call_command

    from appliance.tickets.models import Ticket
    from appliance.triage.services import index_space

    call_command("migrate", verbosity=0)
    if Ticket.objects.exists():
        sys.exit("This database already has tickets: use an empty one.")
    started = time.monotonic()
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute("SET synchronous_commit = off")
        dataset = Dataset(server, tickets, articles)
        dataset.set_up()
        index_space(dataset.space)  # loading drops and rebuilds it with all others
        dataset.load(memory)
        update_vocabulary(server, percent=100 * min(1, VOCABULARY_TICKETS / tickets))
    log(f"Created in {time.monotonic() - started:.0f} s.")


def update_vocabulary(server: psycopg.Connection, percent: float) -> None:
    """Count the words of a sample of rows; the worker would take hours to count all."""
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
    """Create a scratch installation of this size in ``folder``, unless it exists."""
    if (folder / "made").exists():
        return
    with servers.running(folder) as installation:
        installation.set_up_django()
        with psycopg.connect(installation.superuser_dsn(), autocommit=True) as server:
            server.execute("ALTER SYSTEM SET max_wal_size = '8GB'")  # fewer checkpoints
            server.execute("SELECT pg_reload_conf()")
            fill(installation.dsn(), tickets, articles, memory)
            server.execute("ALTER SYSTEM RESET max_wal_size")
        (folder / "made").touch()


def in_a_process(folder: Path, tickets: int, articles: int, memory: str = "512MB") -> None:
    """Run ``ensure`` in its own process, because Django can be set up only once per process."""
    command = [sys.executable, __file__, "--data", str(folder), "--tickets", str(tickets)]
    subprocess.run([*command, "--articles", str(articles), "--memory", memory], check=True)


def main() -> None:
    """Create the installation named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, help="folder of the installation, created when missing")
    where.add_argument("--dsn", help="an empty database; set SECRET_KEY and REDIS_URL as well")
    parser.add_argument("--tickets", type=int, default=1_000_000, help="number of tickets")
    parser.add_argument("--articles", type=int, default=100_000, help="number of articles")
    parser.add_argument(
        "--memory", default="512MB", help="maintenance_work_mem for building indexes"
    )
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
