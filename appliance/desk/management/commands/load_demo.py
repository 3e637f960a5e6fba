import json
import secrets

from django.conf import settings
from django.core.management import BaseCommand

from appliance.accounts import services as accounts
from appliance.desk import demo
from appliance.triage import services as sorting


class Command(BaseCommand):
    """The last line is a JSON object with the demo log-ins, for the launcher to print."""

    help = "Load the demo desk; what is there already stays."

    def handle(self, **options: object) -> None:
        password = self._password()
        people = demo.load()
        sorting.queue_catch_up()
        for person in people:
            accounts.set_password(user=person, password=password)
        logins = [{"email": person.email, "role": person.role} for person in people]
        self.stdout.write(json.dumps({"logins": logins, "password": password}))

    def _password(self) -> str:
        """One random password for the demo people of this desk, kept beside its other secrets."""
        path = settings.DATA / "secrets" / "demo_password"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(12))
        return path.read_text().strip()
