import socket
from argparse import ArgumentParser

import waitress
from django.conf import settings
from django.core.management import BaseCommand

from appliance import env
from appliance.core.database import set_statement_timeout
from appliance.triage import services as triage_services


class Command(BaseCommand):
    # SIGINT lets the requests in flight finish; SIGTERM would drop them.
    help = "Serve HTTP, alone or as one of several processes on the same sockets."
    requires_system_checks = []  # prepare has run them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sockets", nargs="+", type=int, metavar="DESCRIPTOR")

    def handle(self, *, sockets: list[int] | None, **options: object) -> None:
        set_statement_timeout(seconds=5)
        from appliance.wsgi import application

        triage_services.warm_up()
        waitress.serve(
            application,
            **_listen_arguments(sockets),
            threads=8 if env.number("SKERRY_WEB_PROCESSES", 1) == 1 else 6,
            ident=None,
            connection_limit=200,
            channel_timeout=60,
            max_request_header_size=32 * 1024,
            max_request_body_size=settings.UPLOAD_MAX_BYTES,
        )


def _listen_arguments(sockets: list[int] | None) -> dict[str, object]:
    """Return where to listen: on the sockets of the parent (appliance/launcher/web.py), if any."""
    if sockets:
        return {"sockets": [socket.socket(fileno=descriptor) for descriptor in sockets]}
    return {"host": settings.SKERRY_BIND, "port": settings.SKERRY_PORT}
