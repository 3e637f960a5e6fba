import json

from django.core.management import BaseCommand

from appliance.ops import queries


class Command(BaseCommand):
    help = "Print every route of the URL configuration as a JSON list."
    requires_system_checks = []

    def handle(self, **options: object) -> None:
        self.stdout.write(json.dumps(queries.list_routes()))
