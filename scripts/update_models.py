#!/usr/bin/env python3
"""Updates of the language models, signed and carried in on a stick.

Where they are made (no desk is needed):
    update_models.py keys init HOME               a set of keys and the first root
    update_models.py keys rotate HOME NAME        a fresh key in the place of NAME
    update_models.py keys revoke HOME NAME        the same, for a key that was lost or stolen
    update_models.py keys show HOME               which keys the newest root names
    update_models.py pack --home HOME --bundle models/classifier/3 --out STICK

Where they are taken (the desk runs):
    update_models.py inspect STICK                every check, and nothing changes
    update_models.py apply STICK                  every check, then the swap
    update_models.py rollback [ROLE]              what ran before runs again
    update_models.py status                       what runs, how old it is, what came before

STICK is a folder with metadata/ and targets/, or such a folder as one .tar file. The first time,
--trust root.json says whose updates this desk takes: HOME/metadata/1.root.json of the publisher.
With a data directory other than var, put --data DIR first, as for launcher.py.

It ends with 0 when all went well, 1 for a wrong command line, and else with a number that names
what said no: 10 preflight, 11 quarantine, 12 signatures, 13 versions, 14 compatibility, 15 load,
16 golden outputs, 17 budget, 18 evaluation (worse), 19 swap; 30 another update is at work, 31 no
trusted root, or another one, 32 expired, 33 not enough evidence, 34 nothing to do. 17, 18, 32 and
33 can be taken all the same by a named admin: --accept WHAT --by E-MAIL --reason "why". What is
unsigned, changed, or older than what the desk has seen can not.

Passphrases of keys are read from SKERRY_KEY_PASSPHRASE, or asked for, key by key.
"""

import argparse
import os
import sys
from pathlib import Path

CODE = Path(__file__).resolve().parents[1]
PYTHON = CODE / ".venv" / "bin" / "python"
AT_THE_DESK = ("inspect", "apply", "rollback", "status")


def arguments(words: list[str]) -> argparse.Namespace:
    """The command line; what is done at the desk is read again there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", metavar="DIR", help="data directory of the desk (default: var)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    _add_keys(verbs)
    _add_pack(verbs)
    for name in ("inspect", "apply"):
        one = verbs.add_parser(name)
        one.add_argument("path", type=Path, help="folder or .tar")
        one.add_argument("--trust", type=Path, metavar="ROOT", help="root.json, the first time")
        one.add_argument(
            "--accept", action="append", metavar="WHAT", help="expired, budget, undecided or worse"
        )
        one.add_argument("--by", metavar="E-MAIL", help="the admin who accepts it")
        one.add_argument("--reason", metavar="WORDS", help="and why")
        one.add_argument("--json", action="store_true", help="what each step found, as JSON")
    one = verbs.add_parser("rollback")
    one.add_argument("role", nargs="?", choices=("classifier", "sentiment", "encoder"))
    one.add_argument("--by", metavar="E-MAIL")
    one.add_argument("--reason", metavar="WORDS")
    one = verbs.add_parser("status")
    one.add_argument("--json", action="store_true")
    return parser.parse_args(words)


def _add_keys(verbs: argparse._SubParsersAction) -> None:
    kinds = verbs.add_parser("keys").add_subparsers(dest="what", required=True, metavar="WHAT")
    for name in ("init", "rotate", "revoke", "show"):
        one = kinds.add_parser(name)
        one.add_argument("home", type=Path, help="the publisher's folder")
        if name in ("rotate", "revoke"):
            one.add_argument("name", help="of the key, like targets-1")
            one.add_argument(
                "--keys",
                type=Path,
                action="append",
                default=[],
                metavar="DIR",
                help="where keys lie that are not in HOME/keys",
            )


def _add_pack(verbs: argparse._SubParsersAction) -> None:
    one = verbs.add_parser("pack")
    one.add_argument("--home", type=Path, required=True, help="the publisher's folder")
    one.add_argument(
        "--keys",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="where keys lie that are not in HOME/keys",
    )
    one.add_argument("--bundle", type=Path, action="append", default=[], metavar="DIR")
    one.add_argument(
        "--articles",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of articles (*.md)",
    )
    one.add_argument("--out", type=Path, required=True, help="new folder, or a .tar")
    one.add_argument("--days", type=int, default=90, help="for which it is fresh (90)")
    one.add_argument("--least", metavar="VERSION", help="of Skerry; default: this one")
    one.add_argument("--below", metavar="VERSION", help="of Skerry; default: the next major one")
    one.add_argument("--notes", default="", help="what is new, in a sentence")
    one.add_argument("--number", type=int, default=0, help="of the release, when HOME was lost")


def ensure_environment() -> None:
    """Go on inside the desk's own Python, which has the libraries."""
    if Path(sys.prefix).resolve() == (CODE / ".venv").resolve():
        return
    if not PYTHON.exists():
        sys.exit("The environment is not there yet: python3 launcher.py install")
    command = [str(PYTHON), str(Path(__file__).resolve()), *sys.argv[1:]]
    os.execv(command[0], command)  # noqa: S606


def ask_the_desk(options: argparse.Namespace) -> None:
    """Become a management command of the running desk; paths are made whole before it moves."""
    words = [sys.executable, str(CODE / "launcher.py")]
    if options.data:
        words += ["--data", str(Path(options.data).absolute())]
    words += ["manage", "update_models", options.verb]
    for name, value in vars(options).items():
        if name in ("data", "verb") or value in (None, False):
            continue
        whole = str(value.absolute()) if isinstance(value, Path) else value
        if name in ("path", "role"):
            words.append(whole)
        elif value is True:
            words.append(f"--{name}")
        else:
            for each in whole if isinstance(whole, list) else [whole]:
                words += [f"--{name}={each}"]
    os.execv(words[0], words)  # noqa: S606


def publish(options: argparse.Namespace) -> None:
    """What is done where updates are made."""
    sys.path.insert(0, str(CODE))
    sys.dont_write_bytecode = True
    from scripts.updating import publishing

    if options.verb == "pack":
        publishing.pack(options)
    else:
        publishing.keys(options)


def main() -> int:
    options = arguments(sys.argv[1:])
    if options.verb in AT_THE_DESK:
        ask_the_desk(options)
    ensure_environment()
    try:
        publish(options)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
