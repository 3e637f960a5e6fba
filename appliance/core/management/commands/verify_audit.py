from django.core.management import BaseCommand, CommandError

from appliance.core import audit_chain


class Command(BaseCommand):
    help = "Verify the audit log; print the first broken entry and exit with 1 if there is one."

    def handle(self, **options: object) -> None:
        check = audit_chain.record_check()
        if check.problem:
            raise CommandError(f"{check.problem} {check.entries} entries before it are intact.")
        self.stdout.write(f"The audit log is intact: {check.entries} entries, {check.last_sha256}")
