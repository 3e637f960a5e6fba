import json
import secrets
from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand

from appliance.accounts import services as accounts_services
from appliance.triage import services as triage_services
from appliance.web import demo


class Command(BaseCommand):
    """Prints a JSON object with the demo log-ins in the last line, for the launcher."""

    help = "Load the demo data; existing data stays unchanged."

    def handle(self, **options: object) -> None:
        path = self._ensure_password()
        users = demo.load()
        triage_services.queue_catch_up()
        for user in users:
            accounts_services.set_password(user=user, password=path.read_text().strip())
        logins = [{"email": user.email, "role": user.role} for user in users]
        self.stdout.write(json.dumps({"logins": logins, "password_file": str(path)}))

    def _ensure_password(self) -> Path:
        """Return the file with the random password of all demo users; create it if missing."""
        path = settings.DATA / "secrets" / "demo_password"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(12))
        return path
