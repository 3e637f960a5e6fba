"""Import articles from a folder, a ZIP, or one Markdown, HTML or CSV file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Literal

from django.core.management.base import BaseCommand, CommandError

from appliance.accounts.models import User
from appliance.core.errors import SkerryError
from appliance.knowledge import services as knowledge_services
from appliance.triage import services as triage_services

OUTCOMES: tuple[Literal["created", "updated", "unchanged", "refused"], ...] = (
    "created",
    "updated",
    "unchanged",
    "refused",
)


class Command(BaseCommand):
    help = "Import articles; shows what would happen, and does it with --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", type=Path, help="a folder, or a .zip, .md, .html or .csv file"
        )
        parser.add_argument("--apply", action="store_true", help="do it, not only say it")
        parser.add_argument("--by", default="", metavar="EMAIL", help="in whose name (an agent's)")
        parser.add_argument("--origin", default="", help="a word that stands before every key")

    def handle(self, *, source: Path, apply: bool, by: str, origin: str, **options: object) -> None:
        person = User.objects.filter(email__iexact=by).first() if by else None
        if by and person is None:
            raise CommandError(f"Nobody here has the e-mail {by}.")
        try:
            report = knowledge_services.import_articles(
                source=source.resolve(), by=person, dry_run=not apply, origin=origin
            )
        except SkerryError as error:
            raise CommandError(f"{source}: {error}") from error
        for line in report.lines:
            text = f"{line.outcome:<10}{line.location}  {line.title}  {line.message}"
            self.stdout.write(text.rstrip())
        counts = ", ".join(f"{report.counts.get(what, 0)} {what}" for what in OUTCOMES)
        self.stdout.write(counts if apply else f"{counts}. Nothing was written: add --apply.")
        if apply:
            triage_services.queue_catch_up()
