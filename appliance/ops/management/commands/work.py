from django.core.management import BaseCommand, call_command

from appliance.core.database import set_statement_timeout
from appliance.mail import receiver
from appliance.ops import heartbeat
from appliance.triage import services as triage_services


class Command(BaseCommand):
    help = (
        "Run the background jobs: classify tickets, embed articles, send e-mail, clean up. "
        "Receive e-mail."
    )
    requires_system_checks = []

    def handle(self, **options: object) -> None:
        set_statement_timeout(seconds=60)
        heartbeat.start()
        receiver.start()
        triage_services.warm_up()
        # One job at a time, because one keeps two cores busy; a missed notification costs a second.
        call_command("procrastinate", "worker", "--concurrency=1", "--fetch-job-polling-interval=1")
