from django.core.management import BaseCommand, CommandError, CommandParser

from appliance.search import services


class Command(BaseCommand):
    help = "Look whether everything that should be found is, and mend what is not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only-look", action="store_true", help="mend nothing")

    def handle(self, *, only_look: bool, **options: object) -> None:
        check = services.check_index(repair=not only_look, tell=self.stdout.write)
        self.stdout.write(
            f"{check.looked_count} looked at in {check.seconds:.0f} s:"
            f" {check.missing_count} missing, {check.repaired_count} mended."
        )
        if not check.is_whole:
            raise CommandError(
                "Not everything is found yet. Texts the models have not read are read by the "
                "worker; see `python3 launcher.py status`."
                if not only_look
                else "Not everything is found. Run check_search without --only-look to mend it."
            )
