import json

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError

from appliance.core.errors import SkerryError
from appliance.ops import prepare


class Command(BaseCommand):
    help = "Bring database, static files and the first admin up to this version."
    requires_system_checks = []  # run inside, with --deploy

    def handle(self, **options: object) -> None:
        try:
            setup_path = prepare.prepare()
        except (SkerryError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        report = {
            "setup_path": setup_path,
            "version": settings.SKERRY_VERSION,
            "warnings": prepare.list_warnings(),
        }
        self.stdout.write(json.dumps(report))
