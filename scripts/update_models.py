#!/usr/bin/env python3
"""Publish model updates on removable media, and install them.

On the publisher's machine (a clone or an unpacked bundle; Skerry need not run):
    update_models.py keys init HOME               create a set of keys and the first root
    update_models.py keys rotate HOME NAME        replace the key NAME
    update_models.py keys revoke HOME NAME        the same, for a key that was lost or stolen
    update_models.py keys show HOME               list the keys of the newest root
    update_models.py pack --home HOME --bundle classifier/4 --out MEDIUM

On the installation (it must be running):
    update_models.py inspect MEDIUM               run every check, change nothing
    update_models.py apply MEDIUM                 run every check, then activate the bundles
    update_models.py rollback [ROLE]              activate the previous bundles
    update_models.py status                       show active and previous bundles

MEDIUM is a folder with metadata/ and targets/, or such a folder as one .tar file. The first time,
--trust root.json says whose updates are trusted: HOME/metadata/1.root.json of the publisher. With a
data directory other than var, put --data DIR first, as for launcher.py.

The exit code is 0 for success, 1 for a wrong command line, and else the step that rejected the
update: 10 preflight, 11 quarantine, 12 signatures, 13 versions, 14 compatibility, 15 load,
16 golden outputs, 17 budget, 18 evaluation (worse), 19 swap; 30 another run is at work, 31 no
trusted root, or another one, 32 expired, 33 not enough evidence, 34 nothing to do. A named admin
may accept 17, 18, 32 and 33: --accept WHAT --by E-MAIL --reason "why". An update that is unsigned,
changed, or older than one seen before cannot be accepted.

Passphrases of keys are read from SKERRY_KEY_PASSPHRASE, or typed in for each key.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
PYTHON = CODE / ".venv" / "bin" / "python"
ON_THE_INSTALLATION = ("inspect", "apply", "rollback", "status")


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; the management command parses its part again."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", metavar="DIR", help="data directory of the installation (default: var)"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    key_folders = _key_folders()
    _add_keys(verbs, key_folders)
    _add_pack(verbs, key_folders)
    for name in ("inspect", "apply"):
        command = verbs.add_parser(name)
        command.add_argument("path", type=Path, help="folder or .tar")
        command.add_argument("--trust", type=Path, metavar="ROOT", help="root.json, the first time")
        command.add_argument(
            "--accept", action="append", metavar="WHAT", help="expired, budget, undecided or worse"
        )
        command.add_argument("--by", metavar="E-MAIL", help="the admin who accepts it")
        command.add_argument("--reason", metavar="WORDS", help="and why")
        command.add_argument(
            "--json", action="store_true", help="the results of each step, as JSON"
        )
    command = verbs.add_parser("rollback")
    command.add_argument("role", nargs="?", choices=("classifier", "sentiment", "encoder"))
    command.add_argument("--by", metavar="E-MAIL")
    command.add_argument("--reason", metavar="WORDS")
    command = verbs.add_parser("status")
    command.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def _key_folders() -> argparse.ArgumentParser:
    """Return the parser of ``--keys``, a parent of every command that signs."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--keys",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="where keys are that are not in HOME/keys",
    )
    return parent


def _add_keys(verbs: argparse._SubParsersAction, key_folders: argparse.ArgumentParser) -> None:
    actions = verbs.add_parser("keys").add_subparsers(dest="what", required=True, metavar="WHAT")
    for name in ("init", "show"):
        command = actions.add_parser(name)
        command.add_argument("home", type=Path, help="the publisher's folder")
    for name in ("rotate", "revoke"):
        command = actions.add_parser(name, parents=[key_folders])
        command.add_argument("home", type=Path, help="the publisher's folder")
        command.add_argument("name", help="of the key, like targets-1")


def _add_pack(verbs: argparse._SubParsersAction, key_folders: argparse.ArgumentParser) -> None:
    command = verbs.add_parser("pack", parents=[key_folders])
    command.add_argument("--home", type=Path, required=True, help="the publisher's folder")
    command.add_argument(
        "--bundle",
        type=Path,
        action="append",
        default=[],
        metavar="NAME/VERSION",
        help="a folder with a bundle.json, as named or below models/",
    )
    command.add_argument(
        "--articles",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of articles (*.md)",
    )
    command.add_argument("--out", type=Path, required=True, help="new folder, or a .tar")
    command.add_argument("--days", type=int, default=90, help="until it expires (90)")
    command.add_argument("--least", metavar="VERSION", help="of Skerry; default: this one")
    command.add_argument(
        "--below", metavar="VERSION", help="of Skerry; default: the next major one"
    )
    command.add_argument("--notes", default="", help="what is new, in a sentence")
    command.add_argument("--number", type=int, default=0, help="of the release, when HOME was lost")


def ensure_environment() -> None:
    """Restart in the installation's virtual environment, which has the libraries."""
    if Path(sys.prefix).resolve() == (CODE / ".venv").resolve():
        return
    if not PYTHON.exists():
        subprocess.run([sys.executable, str(CODE / "launcher.py"), "install"], check=True)
    command = [str(PYTHON), str(Path(__file__).resolve()), *sys.argv[1:]]
    os.execv(command[0], command)  # noqa: S606


def run_management_command(options: argparse.Namespace) -> None:
    """Become the management command of the running installation, with absolute paths."""
    command = [sys.executable, str(CODE / "launcher.py")]
    if options.data:
        command += ["--data", str(Path(options.data).absolute())]
    command += ["manage", "update_models", options.verb]
    for name, value in vars(options).items():
        if name in ("data", "verb") or value in (None, False):
            continue
        argument = str(value.absolute()) if isinstance(value, Path) else value
        if name in ("path", "role"):
            command.append(argument)
        elif value is True:
            command.append(f"--{name}")
        else:
            values = argument if isinstance(argument, list) else [argument]
            command += [f"--{name}={item}" for item in values]
    os.execv(command[0], command)  # noqa: S606


def publish(options: argparse.Namespace) -> None:
    """Carry out a command of the publisher."""
    sys.path.insert(0, str(CODE))
    sys.dont_write_bytecode = True
    from scripts.updating import publishing

    if options.verb == "pack":
        publishing.pack(options)
    else:
        publishing.keys(options)


def main() -> int:
    options = parse_arguments(sys.argv[1:])
    if options.verb in ON_THE_INSTALLATION:
        run_management_command(options)
    ensure_environment()
    try:
        publish(options)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
