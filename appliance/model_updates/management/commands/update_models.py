import json
import sys
from pathlib import Path

from django.core.management import BaseCommand, CommandParser

from appliance.accounts import queries as accounts_queries
from appliance.core.errors import SkerryError
from appliance.model_updates import queries, services
from appliance.model_updates.errors import MAY_BE_ACCEPTED, UpdateRejectedError
from appliance.model_updates.models import UpdateRun


class Command(BaseCommand):
    """Reached through scripts/update_models.py, which documents it."""

    help = "Inspect or apply an update of the models, go back, or say what runs."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="verb", required=True)
        for name in ("inspect", "apply"):
            command = kinds.add_parser(name)
            command.add_argument("path", type=Path)
            command.add_argument("--trust", type=Path)
            command.add_argument("--accept", action="append", choices=MAY_BE_ACCEPTED, default=[])
            command.add_argument("--reason", default="")
            command.add_argument("--by", default="")
            command.add_argument("--json", action="store_true", dest="as_json")
        command = kinds.add_parser("rollback")
        command.add_argument("role", nargs="?", default="")
        command.add_argument("--reason", default="")
        command.add_argument("--by", default="")
        command = kinds.add_parser("status")
        command.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, verb: str, **options: object) -> None:
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

    def _fail(self, text: str, code: int) -> None:
        self.stderr.write(text)
        sys.exit(code)

    def _run(self, verb: str, options: dict) -> int:
        by = accounts_queries.find_user(email=options["by"]) if options["by"] else None
        if options["by"] and by is None:
            self._fail(f"Nobody here has the address {options['by']}.", 1)
        if options.get("trust"):
            pinned = services.pin_root(options["trust"].read_bytes(), by_name=str(by or "console"))
            self.stdout.write(f"trusts {pinned.fingerprint}")
        run = services.start_run(
            kind=UpdateRun.Kind(verb),
            source=str(options["path"]) if verb != "rollback" else options["role"],
            by=by,
            by_name="console",
            accepted=options.get("accept"),
            reason=options["reason"],
        )
        run = services.carry_out(run, self._tell)
        if options.get("as_json"):
            self.stdout.write(json.dumps({"steps": run.steps, "text": run.text}, default=str))
        self.stdout.write(run.text)
        if run.asks:
            self.stdout.write(f'To take it all the same: --accept {run.asks} --by YOU --reason "…"')
        return run.exit_code

    def _tell(self, step: str, outcome: str, text: str) -> None:
        self.stdout.write(f"{step:<14}{outcome:<10}{text}".rstrip())
        self.stdout.flush()

    def _status(self, options: dict) -> int:
        report = queries.report()
        if options["as_json"]:
            self.stdout.write(json.dumps(report, default=str))
            return 0
        for role in report["roles"]:
            own = role["previous"] or "the release's own"
            before = f", before it {own}" if role["is_later"] else ""
            upcoming = f", next {role['next']}" if role["next"] else ""
            age = f"for {role['days']} days" if role["days"] is not None else "since the release"
            self.stdout.write(
                f"{role['role']:<11}{role['bundle']:<22}{role['state']:<12}{age}{before}{upcoming}"
            )
        self.stdout.write(f"trusts     {report['trusts'] or 'nobody yet'}")
        self.stdout.write(f"seen       {report['seen']}")
        return 0
