from django.core.management import BaseCommand, call_command

from appliance.core.database import set_statement_timeout
from appliance.triage import services as triage_services


class Command(BaseCommand):
    help = "Do the jobs: sort what was not sorted yet, embed articles, tidy up."
    requires_system_checks = []

    def handle(self, **options: object) -> None:
        set_statement_timeout(seconds=60)
        triage_services.warm()
        # one job at a time: a job keeps both cores busy; a missed wake-up costs one second
        call_command("procrastinate", "worker", "--concurrency=1", "--fetch-job-polling-interval=1")
