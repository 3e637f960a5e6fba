"""No log of any process holds what somebody typed."""

import contextlib

import psycopg

from tests.launcher.conftest import Desk

CANARY = "kanarienvogel"
COLUMNS = "accounts_organisation (name, note, shares_tickets)"
CARELESS_STATEMENTS = (
    f"SELECT '{CANARY}'::int",
    f"SELECT * FROM {CANARY}",
    f"INSERT INTO {COLUMNS} VALUES ('{CANARY}', '', false)",
    f"INSERT INTO {COLUMNS} VALUES ('{CANARY}', '', false)",
    f"INSERT INTO accounts_organisation (name) VALUES ('{CANARY} without the rest')",
    f"SELECT pg_sleep(2.2), '{CANARY}'",
    f"DO $$ BEGIN RAISE WARNING '{CANARY}'; END $$",
)


def test_words_and_values_are_in_no_log(desk: Desk) -> None:
    desk.get(f"/login/?next=/search/?q={CANARY}")
    desk.get(f"/search/?q={CANARY}")
    url = (desk.data / "secrets" / "database_url").read_text()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in CARELESS_STATEMENTS:
            with contextlib.suppress(psycopg.Error):
                connection.execute(statement)
        connection.execute("DELETE FROM accounts_organisation WHERE name = %s", [CANARY])
    logs = {file.name: file.read_text(errors="replace") for file in (desk.data / "logs").iterdir()}
    assert "/search/" in logs["web.log"] and "postgres.log" in logs
    assert [name for name, text in logs.items() if CANARY in text] == []
