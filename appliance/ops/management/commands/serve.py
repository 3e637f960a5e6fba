import waitress
from django.conf import settings
from django.core.management import BaseCommand

from appliance.core.database import limit_statements
from appliance.triage import services as triage


class Command(BaseCommand):
    """SIGINT lets the requests in flight finish; SIGTERM would drop them."""

    help = "Serve the pages."
    requires_system_checks = []  # the launcher has run them, in prepare

    def handle(self, **options: object) -> None:
        limit_statements(seconds=5)
        from appliance.wsgi import application

        triage.warm()
        waitress.serve(
            application,
            host=settings.SKERRY_BIND,
            port=settings.SKERRY_PORT,
            threads=8,
            ident=None,
            connection_limit=200,
            channel_timeout=60,
            max_request_header_size=32 * 1024,
            max_request_body_size=settings.UPLOAD_MAX_BYTES,
        )
