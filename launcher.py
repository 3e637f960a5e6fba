#!/usr/bin/env python3
"""Skerry in one command: ``python3 launcher.py`` makes what is missing and starts the desk.

``start`` below is the recipe. Each step checks, acts only when it has to, and says in one sentence
what is wrong and what to do about it. What the steps are made of is in appliance/launcher/.
"""

import sys

# First, and in words an older Python reads: this file must still parse on Python 3.6.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Skerry needs Python 3.11 or newer and this is Python {}.{}: install a newer one, "
        "or start with it (python3.11 launcher.py).".format(*sys.version_info)
    )
sys.dont_write_bytecode = True  # as root this would leave files in somebody's checkout

# ruff: noqa: E402
import argparse
import os
from pathlib import Path

from appliance import VERSION, egress_guard
from appliance.launcher import (
    commands,
    credentials,
    datadir,
    doctor,
    egress,
    environment,
    machine,
    manifest,
    network,
    orphans,
    postgres,
    privileges,
    runner,
    service,
    stopping,
    testing,
    upgrade,
    valkey,
)
from appliance.launcher.errors import LauncherError
from appliance.launcher.layout import PORTS, ROLES, Installation, ensure_plain_paths

CODE = Path(__file__).resolve().parent
FORWARDING = {"test": testing.test, "manage": commands.manage}


def start(installation: Installation) -> int:
    """The recipe: from nothing to a desk that answers, and kept up until it is told to stop."""
    manifest.ensure_whole(installation)  # every file of a bundle is the one that was signed
    privileges.ensure_service_user(installation)  # as root: may root run this code at all?
    environment.ensure_installed(installation)  # .venv, from requirements.lock
    privileges.give_up_root(installation)  # as root: for good; a no-op for everybody else
    with datadir.held(installation):  # ours, locked, enough room, not from a newer Skerry
        upgrade.ensure_finished(installation)  # not in the middle of one
        orphans.ensure_none(installation)  # what a killed launcher left running
        network.ensure_port_free(installation)
        credentials.ensure_secrets(installation)
        postgres.ensure_cluster(installation)
        valkey.ensure_config(installation)
        runner.run(installation)  # servers, database, migrations, web and worker; then waits
    return 0


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line. Options may stand before or after the command."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--data", metavar="DIR", help="data directory (default: var)")
    common.add_argument("--bind", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    common.add_argument("--port", type=int, help="port to listen on (8000)")
    common.add_argument("--role", choices=ROLES, help="what this machine runs (all)")
    common.add_argument("--demo", action="store_true", help="load the demo desk")

    parser = argparse.ArgumentParser(
        prog="launcher.py",
        parents=[common],
        description="Start the desk, or look after it.",
        epilog="Pages are served by as many processes as SKERRY_WEB_PROCESSES says (one a core, at "
        "most four); docs/operating.md has all variables.",
    )
    parser.add_argument("--version", action="version", version=f"Skerry {VERSION}")
    at_boot = parser.add_mutually_exclusive_group()
    for name, text in (
        ("install-service", "start the desk at boot, with these options (systemd)"),
        ("uninstall", "remove that service and .venv; the data stays"),
    ):
        at_boot.add_argument(
            f"--{name}", action="store_const", const=name, dest="about_the_service", help=text
        )
    kinds = parser.add_subparsers(dest="command", metavar="COMMAND")
    kinds.add_parser("start", parents=[common], help="start the desk (what no command does)")
    status = kinds.add_parser("status", parents=[common], help="is it up? 0 if healthy")
    status.add_argument("--wait", type=float, default=0, metavar="SECONDS")
    status.add_argument("--json", action="store_true")
    kinds.add_parser("stop", parents=[common], help="stop it and wait until it has")
    kinds.add_parser("install", parents=[common], help="fill .venv and stop, to start later")
    over = kinds.add_parser("upgrade", parents=[common], help="take over the desk of an older one")
    over.add_argument("--from", dest="old", required=True, type=Path, metavar="OLD")
    over.add_argument("--back", action="store_true", help="undo it: the data as it was before")
    check = kinds.add_parser("doctor", parents=[common], help="what this machine lacks")
    check.add_argument("--egress", action="store_true", help="try whether anything leaves it")
    kinds.add_parser("dev", parents=[common], help="run the development server: reloads, DEBUG")
    for name, text in (("test", "run the tests (pytest)"), ("manage", "a management command")):
        kinds.add_parser(name, help=text, add_help=False)
    own, forwarded = split_forwarded(arguments)
    return parser.parse_args(own, argparse.Namespace(forwarded=forwarded))


def split_forwarded(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What follows ``test`` or ``manage`` is not ours: pytest or Django reads it."""
    for at, word in enumerate(arguments):
        if word in FORWARDING and arguments[at - 1 : at] not in (["--data"], ["--bind"]):
            return arguments[: at + 1], arguments[at + 1 :]
    return arguments, []


def describe(options: argparse.Namespace) -> Installation:
    """Options win over the environment, which wins over the defaults."""
    options_by_name = vars(options)
    role = options_by_name.get("role", os.environ.get("SKERRY_ROLE") or "all")
    port = options_by_name.get("port", os.environ.get("SKERRY_PORT") or PORTS.get(role, 8000))
    if not str(port).isascii() or not str(port).isdigit() or not 0 < int(port) < 65536:
        raise LauncherError(f"The port must be a number from 1 to 65535, not {port!r}.")
    if role not in ROLES:
        raise LauncherError(f"SKERRY_ROLE must be one of {', '.join(ROLES)}, not {role!r}.")
    processes = os.environ.get("SKERRY_WEB_PROCESSES") or str(machine.web_processes())
    if not processes.isascii() or not processes.isdigit() or not 0 < int(processes) <= 16:
        raise LauncherError(
            f"SKERRY_WEB_PROCESSES must be a number from 1 to 16, not {processes!r}."
        )
    data = options_by_name.get("data") or os.environ.get("SKERRY_DATA") or str(CODE / "var")
    if os.path.islink(data) and not os.path.exists(data):
        raise LauncherError(
            f"{data} is a link to nothing: make its target, or choose another --data."
        )
    return Installation(
        code=CODE,
        data=Path(data).resolve(),
        bind=options_by_name.get("bind") or os.environ.get("SKERRY_BIND") or "127.0.0.1",
        port=int(port),
        role=role,
        web_processes=int(processes),
        demo=options_by_name.get("demo", False),
    )


def run(options: argparse.Namespace) -> int:
    """Do what was asked for."""
    installation = describe(options)
    ensure_plain_paths(installation)
    egress_guard.install(
        [installation.bind]
    )  # pip, which may ask an index, is a process of its own
    if options.command == "status":
        return commands.status(installation, wait_seconds=options.wait, as_json=options.json)
    if options.command in FORWARDING:
        return FORWARDING[options.command](installation, options.forwarded)
    if options.command == "upgrade":
        is_data_given = "data" in options or bool(os.environ.get("SKERRY_DATA"))
        return upgrade.upgrade(
            installation, options.old, is_data_given=is_data_given, back=options.back
        )
    if options.command == "doctor" and options.egress:
        return egress.examine(installation)
    others = {
        "install": commands.install,
        "stop": commands.stop,
        "dev": testing.dev,
        "doctor": doctor.examine,
        "install-service": service.install,
        "uninstall": service.uninstall,
    }
    return others.get(options.about_the_service or options.command, start)(installation)


def main() -> int:
    """Every failure that can be foreseen ends as one sentence here."""
    options = read_arguments(sys.argv[1:])
    try:
        with stopping.on_signal():
            return run(options)
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:  # a disk that fills up, a directory somebody closed
        print(f"The launcher cannot go on: {error}.", file=sys.stderr)
        return 1
    except stopping.StopRequested:
        return 0


if __name__ == "__main__":
    sys.exit(main())
