import resource
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import waitress
from django.conf import settings
from django.core.management import BaseCommand

from appliance import env
from appliance.core.database import set_statement_timeout
from appliance.triage import services as triage_services

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
ALIVE_PATH = "/-/alive"  # asked by the front, see appliance/launcher/front.py
MAX_CONNECTIONS = 4000  # of the front, which holds back slow clients


class Command(BaseCommand):
    # SIGINT lets the requests in flight finish; SIGTERM would drop them.
    help = "Serve HTTP on a Unix socket, as one of the web processes behind the front."
    requires_system_checks = []  # prepare has run them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--socket", required=True, metavar="PATH")

    def handle(self, *, socket: str, **options: object) -> None:
        set_statement_timeout(seconds=5)
        from appliance.wsgi import application

        triage_services.warm_up()
        _raise_file_limit()
        server = waitress.create_server(
            with_life_sign(application),
            unix_socket=socket,
            unix_socket_perms="600",
            # The only client is the front, which sets both headers itself: REMOTE_ADDR and the
            # scheme of a request are those the front has seen.
            trusted_proxy="localhost",
            trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto"},
            threads=8 if env.number("SKERRY_WEB_PROCESSES", 1) == 1 else 6,
            connection_limit=MAX_CONNECTIONS,
            asyncore_use_poll=True,  # select() fails beyond 1,024 descriptors
            max_request_header_size=64 * 1024,  # the front allows less
            max_request_body_size=settings.UPLOAD_MAX_BYTES,
            ident=None,
        )
        server.run()
        Path(socket).unlink(missing_ok=True)  # copies of the data directory need no sockets


def with_life_sign(application: WsgiApplication) -> WsgiApplication:
    """Answer the front's question whether this process works, without database and log."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == ALIVE_PATH:
            start_response("204 No Content", [])
            return []
        return application(environ, start_response)

    return answer


def _raise_file_limit() -> None:
    """Allow as many connections as the limit does; a system's default may be 1,024 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = MAX_CONNECTIONS + 96
    target = target if hard == resource.RLIM_INFINITY else min(target, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
