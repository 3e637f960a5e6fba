import json
import secrets
from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand

from appliance.accounts import services as accounts_services
from appliance.triage import services as triage_services
from appliance.web import demo

DRIFT_DELAY_SECONDS = 60  # then the tickets are classified


class Command(BaseCommand):
    """Prints a JSON object with the demo log-ins in the last line, for the launcher."""

    help = "Load the demo data; existing data stays unchanged."

    def handle(self, **options: object) -> None:
        users = demo.load()
        triage_services.queue_catch_up()
        triage_services.queue_drift_update(delay=DRIFT_DELAY_SECONDS)
        path = settings.DATA / "secrets" / "demo_password"
        # Setting a password ends the sessions of a person, and may undo what they chose.
        if new_users := [user for user in users if not user.has_usable_password()]:
            self._ensure_password(path)
            for user in new_users:
                accounts_services.set_password(user=user, password=path.read_text().strip())
        logins = [{"email": user.email, "role": user.role} for user in users]
        password_file = str(path) if path.exists() else ""
        self.stdout.write(json.dumps({"logins": logins, "password_file": password_file}))

    def _ensure_password(self, path: Path) -> None:
        """Write a random password for all demo users, unless there is one."""
        if not path.exists() or not path.read_text().strip():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(12))
