import json
import secrets
from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand

from appliance.accounts import services as accounts_services
from appliance.triage import services as triage_services
from appliance.web import demo


class Command(BaseCommand):
    """The last line is a JSON object with the demo log-ins, for the launcher to print."""

    help = "Load the demo desk; what is there already stays."

    def handle(self, **options: object) -> None:
        path = self._ensure_password()
        people = demo.load()
        triage_services.queue_catch_up()
        for person in people:
            accounts_services.set_password(user=person, password=path.read_text().strip())
        logins = [{"email": person.email, "role": person.role} for person in people]
        self.stdout.write(json.dumps({"logins": logins, "password_file": str(path)}))

    def _ensure_password(self) -> Path:
        """Where the one random password of the demo people is, beside the desk's other secrets."""
        path = settings.DATA / "secrets" / "demo_password"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(12))
        return path
