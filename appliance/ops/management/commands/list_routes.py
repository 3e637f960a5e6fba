import json

from django.core.management import BaseCommand

from appliance.ops import routes


class Command(BaseCommand):
    help = "Every address of the desk as a JSON list, for the launcher's doctor."
    requires_system_checks = []

    def handle(self, **options: object) -> None:
        self.stdout.write(json.dumps(routes.list_routes()))
