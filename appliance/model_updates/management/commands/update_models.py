import json
import logging
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.management import BaseCommand, CommandParser

from appliance.accounts import queries as accounts_queries
from appliance.core.errors import SkerryError
from appliance.model_updates import queries, services
from appliance.model_updates.errors import ACCEPTABLE_FINDINGS, UpdateRejectedError
from appliance.model_updates.models import UpdateRun


class Command(BaseCommand):
    """Reached through scripts/update_models.py, which documents it."""

    help = "Inspect or install a model update, roll back, or show the active bundles."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for name in ("inspect", "apply"):
            command = verbs.add_parser(name)
            command.add_argument("path", type=Path)
            command.add_argument("--trust", type=Path)
            command.add_argument(
                "--accept", action="append", choices=ACCEPTABLE_FINDINGS, default=[]
            )
            command.add_argument("--reason", default="")
            command.add_argument("--by", default="")
            command.add_argument("--json", action="store_true", dest="as_json")
        command = verbs.add_parser("rollback")
        command.add_argument("role", nargs="?", default="")
        command.add_argument("--reason", default="")
        command.add_argument("--by", default="")
        command = verbs.add_parser("status")
        command.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, verb: str, **options: object) -> None:
        # The output is for a person or a program, and the database records every step; the log
        # would only stand between its lines.
        logging.getLogger().setLevel(logging.ERROR)
        try:
            code = self._status(options) if verb == "status" else self._run(verb, options)
        except UpdateRejectedError as error:
            self._fail(error.text, error.code)
        except SkerryError as error:
            self._fail(str(error), 1)
        except OSError as error:
            self._fail(f"{error.filename}: {error.strerror}", 1)
        else:
            sys.exit(code)

    def _fail(self, text: str, code: int) -> NoReturn:
        self.stderr.write(text)
        sys.exit(code)

    def _run(self, verb: str, options: dict[str, Any]) -> int:
        by = accounts_queries.find_user(email=options["by"]) if options["by"] else None
        if options["by"] and by is None:
            self._fail(f"There is no user with the address {options['by']}.", 1)
        if options.get("trust"):
            anchor = services.pin_root(options["trust"].read_bytes(), by_name=str(by or "console"))
            self.stdout.write(f"trusts {anchor.fingerprint}")
        run = services.start_run(
            kind=UpdateRun.Kind(verb),
            source=str(options["path"]) if verb != "rollback" else options["role"],
            by=by,
            by_name="console",
            accepted=options.get("accept"),
            reason=options["reason"],
        )
        run = services.carry_out(run, self._report_step)
        if options.get("as_json"):
            self.stdout.write(json.dumps({"steps": run.steps, "text": run.text}, default=str))
        self.stdout.write(run.text)
        if run.needs_approval:
            hint = f'--accept {run.needs_approval} --by YOU --reason "…"'
            self.stdout.write(f"To install it anyway: {hint}")
        return run.exit_code or 0

    def _report_step(self, step: str, outcome: str, text: str) -> None:
        self.stdout.write(f"{step:<14}{outcome:<10}{text}".rstrip())
        self.stdout.flush()

    def _status(self, options: dict[str, Any]) -> int:
        report = queries.report(load=True)
        if options["as_json"]:
            self.stdout.write(json.dumps(report, default=str))
            return 0
        for role in report["roles"]:
            previous = role["previous"] or "pre-installed"
            before = f", previously {previous}" if role["is_installed"] else ""
            upcoming = f", next {role['next']}" if role["next"] else ""
            age = f"for {role['days']} days" if role["days"] is not None else "pre-installed"
            self.stdout.write(
                f"{role['role']:<11}{role['bundle']:<22}{role['state']:<12}{age}{before}{upcoming}"
            )
            if role["reason"]:
                self.stdout.write(f"{'':<11}{role['reason']}")
        self.stdout.write(f"trusts     {report['trusts'] or 'no publisher'}")
        seen = ", ".join(f"{name} {number}" for name, number in report["seen"].items())
        self.stdout.write(f"seen       {seen}")
        return 0
