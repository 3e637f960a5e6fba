from django.core.management import BaseCommand, CommandError, CommandParser

from appliance.search import services


class Command(BaseCommand):
    help = "Check the search index against all texts, and repair what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-repair", action="store_true", help="only report")

    def handle(self, *, no_repair: bool, **options: object) -> None:
        check = services.check_index(repair=not no_repair, report=self.stdout.write)
        self.stdout.write(
            f"{check.checked_count} rows checked in {check.duration_seconds:.0f} s:"
            f" {check.missing_count} missing, {check.repaired_count} repaired."
        )
        if check.is_complete:
            return
        if no_repair:
            raise CommandError("The index is incomplete. Run check_search without --no-repair.")
        raise CommandError(
            "The index is incomplete: the worker embeds texts without vectors. See its backlog with"
            " `python3 launcher.py status`."
        )
