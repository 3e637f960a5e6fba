#!/usr/bin/env python3
"""Install and start Skerry with one command: ``python3 launcher.py``.

``start`` is the list of steps. Each step checks, acts only if necessary, and fails with cause and
remedy. The steps are in appliance/launcher/.
"""

import sys

# Checked first; this file must parse on Python 3.6.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Skerry needs Python 3.11 or newer and this is Python {}.{}: install a newer one, "
        "or start with it (python3.11 launcher.py).".format(*sys.version_info)
    )
sys.dont_write_bytecode = True  # as root it would write files into the user's checkout

# ruff: noqa: E402
import argparse
import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from appliance import VERSION, disks, egress_guard
from appliance.launcher import (
    address,
    commands,
    datadir,
    doctor,
    egress,
    environment,
    machine,
    manifest,
    network,
    orphans,
    privileges,
    runner,
    service,
    supervision,
    testing,
    upgrade,
)
from appliance.launcher.layout import ROLES, Installation, ensure_usable_paths
from appliance.launcher.terminal import LauncherError, StopRequested, stop_on_signal

CODE = Path(__file__).resolve().parent
FORWARDED_COMMANDS = {"test": testing.test, "manage": commands.manage}


def start(installation: Installation) -> int:
    """Install what is missing and run Skerry until it is stopped."""
    manifest.ensure_unchanged(installation)  # a bundle's files are the signed ones
    with privileges.closed_again_if_refused():
        privileges.ensure_service_user(installation)  # as root only
        environment.ensure_installed(installation)  # .venv, from requirements.lock
        privileges.drop_root(installation, check=lambda: ensure_startable(installation))
    with claimed(installation):  # never root again
        address.store(installation)
        supervision.ensure_servers(installation)  # secrets, database cluster, configurations
        runner.run(installation)  # servers, migrations, web and worker; then waits
    return 0


@contextlib.contextmanager
def claimed(installation: Installation) -> Iterator[None]:
    """Hold the data directory and the address, or refuse the start."""
    with datadir.locked(installation):  # checks owner, disk space and version
        upgrade.ensure_finished(installation)
        orphans.ensure_stopped(installation)  # processes of a killed launcher
        address.ensure_acceptable(installation)  # no plain HTTP on a network, a valid certificate
        with network.reserved(installation):  # from here on no other desk can take the port
            yield


def ensure_startable(installation: Installation) -> None:
    """Refuse an impossible start; as root, before root is given up."""
    with claimed(installation):
        return


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; options may stand before or after the command."""
    common = _common_options()
    parser = argparse.ArgumentParser(
        prog="launcher.py",
        parents=[common],
        description="Start, stop and maintain the desk.",
        epilog="Pages are served by as many processes as SKERRY_WEB_PROCESSES says (one a core, at "
        "most four); docs/operating.md has all variables.",
    )
    parser.add_argument("--version", action="version", version=f"Skerry {VERSION}")
    service_options = parser.add_mutually_exclusive_group()
    for name, text in (
        ("install-service", "start the desk at boot, with these options (systemd)"),
        ("uninstall", "remove that service and .venv; the data stays"),
    ):
        service_options.add_argument(
            f"--{name}", action="store_const", const=name, dest="service_action", help=text
        )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    subparsers.add_parser("start", parents=[common], help="start the desk (the default)")
    status = subparsers.add_parser("status", parents=[common], help="is it up? 0 if healthy")
    status.add_argument("--wait", type=float, default=0, metavar="SECONDS")
    status.add_argument("--json", action="store_true")
    subparsers.add_parser("stop", parents=[common], help="stop it and wait until it has")
    subparsers.add_parser("install", parents=[common], help="install the packages only")
    upgrade_parser = subparsers.add_parser(
        "upgrade", parents=[common], help="upgrade the data of an older version"
    )
    upgrade_parser.add_argument("--from", dest="old", required=True, type=Path, metavar="OLD")
    upgrade_parser.add_argument(
        "--back", action="store_true", help="undo it: restore the data as it was"
    )
    doctor_parser = subparsers.add_parser("doctor", parents=[common], help="check this machine")
    doctor_parser.add_argument(
        "--egress", action="store_true", help="check whether anything leaves it"
    )
    subparsers.add_parser(
        "dev", parents=[common], help="run the development server: reloads, DEBUG"
    )
    for name, text in (("test", "run the tests (pytest)"), ("manage", "a management command")):
        subparsers.add_parser(name, help=text, add_help=False)
    own, forwarded = split_forwarded(arguments)
    return parser.parse_args(own, argparse.Namespace(forwarded=forwarded))


def _common_options() -> argparse.ArgumentParser:
    """Return the options of all commands; those that are not given are not set."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--data", metavar="DIR", help="data directory (default: var)")
    options.add_argument("--bind", metavar="ADDRESS", help="address to listen on (127.0.0.1)")
    options.add_argument("--port", type=int, help="port to listen on (8000)")
    options.add_argument("--url", help="URL that browsers open, stored; https: with TLS")
    options.add_argument("--tls-cert", metavar="FILE", help="its certificate (else an own CA)")
    options.add_argument("--tls-key", metavar="FILE", help="the key of the certificate")
    options.add_argument(
        "--insecure-http", action="store_true", help="accept plain HTTP on a network"
    )
    options.add_argument("--role", choices=ROLES, help="what this machine runs (all)")
    options.add_argument("--demo", action="store_true", help="load the demo desk")
    return options


def split_forwarded(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split off what follows ``test`` or ``manage``, which pytest or Django parses."""
    for index, word in enumerate(arguments):
        previous = arguments[index - 1 : index]
        if word in FORWARDED_COMMANDS and previous not in (["--data"], ["--bind"]):
            return arguments[: index + 1], arguments[index + 1 :]
    return arguments, []


def installation_from(options: argparse.Namespace) -> Installation:
    """Take each value from the options, else from the environment, else the default."""
    options_by_name = vars(options)
    role = options_by_name.get("role", os.environ.get("SKERRY_ROLE") or "all")
    if role not in ROLES:
        raise LauncherError(f"SKERRY_ROLE must be one of {', '.join(ROLES)}, not {role!r}.")
    processes = os.environ.get("SKERRY_WEB_PROCESSES") or machine.web_processes()
    min_free_mb = os.environ.get("SKERRY_MIN_FREE_MB") or disks.DEFAULT_MIN_FREE_MB
    for name in ("data", "bind", "url", "tls_cert", "tls_key"):
        if not options_by_name.get(name, "-").strip():
            raise LauncherError(f"--{name} is empty: give it a value, or leave it out.")
    data = options_by_name.get("data") or os.environ.get("SKERRY_DATA") or str(CODE / "var")
    if _is_dangling_link(data):
        raise LauncherError(
            f"{data} is a link to nothing: make its target, or choose another --data."
        )
    trusted_proxies = network.trusted_proxies(os.environ.get("SKERRY_TRUSTED_PROXIES", ""))
    installation = Installation(
        code=CODE,
        data=Path(data).resolve(),
        role=role,
        trusted_proxies=trusted_proxies,
        web_processes=_number("SKERRY_WEB_PROCESSES", processes, 1, 16),
        min_free_mb=_number("SKERRY_MIN_FREE_MB", min_free_mb, 0, 1_000_000),
        demo=options_by_name.get("demo", False),
    )
    installation = address.completed(installation, options_by_name)
    bind = options_by_name.get("bind") or os.environ.get("SKERRY_BIND")
    port = options_by_name.get("port", os.environ.get("SKERRY_PORT"))
    return replace(
        installation,
        bind=bind or address.default_bind(installation),
        port=_number("The port", port or address.default_port(installation), 1, 65535),
    )


def _is_dangling_link(path: str) -> bool:
    """Return whether it is a link without a target, and not one that this user may not follow."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return os.path.islink(path)
    except OSError:
        return False
    return False


def _number(name: str, value: str | int, minimum: int, maximum: int) -> int:
    """Return the value as a number; refuse one that is out of range."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and minimum <= int(text) <= maximum):
        raise LauncherError(f"{name} must be a number from {minimum} to {maximum}, not {value!r}.")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    installation = installation_from(options)
    ensure_usable_paths(installation)
    egress_guard.install([installation.bind])  # pip runs in a process without the guard
    if options.command == "status":
        return commands.status(installation, wait_seconds=options.wait, as_json=options.json)
    if options.command in FORWARDED_COMMANDS:
        return FORWARDED_COMMANDS[options.command](installation, options.forwarded)
    if options.command == "upgrade":
        has_data_option = "data" in options or bool(os.environ.get("SKERRY_DATA"))
        return upgrade.upgrade(
            installation, options.old, has_data_option=has_data_option, back=options.back
        )
    if options.command == "doctor" and options.egress:
        return egress.run_check(installation)
    actions = {
        "install": commands.install,
        "stop": commands.stop,
        "dev": testing.dev,
        "doctor": doctor.run_checks,
        "install-service": service.install,
        "uninstall": service.uninstall,
    }
    return actions.get(options.service_action or options.command, start)(installation)


def main() -> int:
    """Run the command; print an expected failure as one message, without a traceback."""
    options = read_arguments(sys.argv[1:])
    try:
        with stop_on_signal():
            return run(options)
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:  # a full disk, a closed directory
        print(f"The launcher cannot go on: {error}.", file=sys.stderr)
        return 1
    except StopRequested:
        return 0


if __name__ == "__main__":
    sys.exit(main())
