"""Caddy, the front of the desk: it binds the address, serves static files and balances pages.

Web processes listen on Unix sockets behind it. Its configuration is written at every start
(docs/decisions/0025-serve-pages-through-caddy.md). It makes no connections of its own.
"""

import json
from pathlib import Path
from typing import Any

from appliance import UPLOAD_MAX_BYTES
from appliance.launcher import front_pages, network
from appliance.launcher.files import ensure_content
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError

CONFIG_FILE = "front.json"
HIDDEN_STATIC_FILES = ["staticfiles.json", "collected-from"]
HASHED_NAME = r"\.[0-9a-f]{12}\."
COMPRESSED_TYPES = ["text/*", "application/json*", "application/javascript*", "image/svg+xml*"]
MAX_HEADER_BYTES = 32 * 1024
HEADER_SECONDS = 10
BUFFERED_BYTES = 64 * 1024  # of a body; a form reaches a web process only when it is complete
UPLOAD_SECONDS = 15 * 60  # for a whole request
WRITE_IDLE_SECONDS = 30  # in which a client reads nothing of an answer
IDLE_SECONDS = 60
STOP_SECONDS = 12  # for the requests in flight, less than supervisord waits
RETRY_SECONDS = 15  # longer than a killed web process needs to start again

_LENGTH = "{http.request.header.Content-Length}"
TOO_LARGE = f'{_LENGTH} != "" && int({_LENGTH}) > {UPLOAD_MAX_BYTES}'

Handler = dict[str, Any]


def command(installation: Installation) -> list[str]:
    """Return the command that the supervisor runs."""
    program = installation.venv / "bin" / "caddy"
    if not program.exists():
        raise LauncherError(
            f"{installation.venv} holds no Caddy: remove that directory, then start again."
        )
    return [str(program), "run", "--config", str(installation.run / CONFIG_FILE)]


def ensure_config(installation: Installation) -> None:
    """Write the configuration for the current address, sockets and number of web processes."""
    if installation.runs_web:
        text = json.dumps(config(installation), indent=1) + "\n"
        ensure_content(installation.run / CONFIG_FILE, text)


def web_sockets(installation: Installation) -> dict[str, Path]:
    """Return name and socket of each web process."""
    names = [f"web-{number}" for number in range(1, installation.web_processes + 1)]
    return {name: installation.sockets / f"{name}.sock" for name in names}


def config(installation: Installation) -> dict[str, Any]:
    """Return Caddy's configuration."""
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": _log()}},
        "apps": {
            "http": {
                "grace_period": f"{STOP_SECONDS}s",
                "servers": {"desk": _server(installation)},
            },
            "tls": {"disable_ocsp_stapling": True},
        },
    }


def _log() -> dict[str, Any]:
    """Return a log of warnings without requests: paths such as /welcome/… are secret."""
    fields = {name: {"filter": "delete"} for name in ("request", "uri", "resp_headers")}
    return {
        "level": "WARN",
        "writer": {"output": "stderr"},
        "encoder": {"format": "filter", "wrap": {"format": "json"}, "fields": fields},
    }


def _server(installation: Installation) -> dict[str, Any]:
    server = {
        "listen": network.listen_addresses(installation),
        "protocols": ["h1"],
        "automatic_https": {"disable": True},
        "max_header_bytes": MAX_HEADER_BYTES,
        "read_header_timeout": f"{HEADER_SECONDS}s",
        # The web process is free after this time; the connection itself stays open until the client
        # closes it (seen with Caddy 2.11.7, with read_idle_timeout as well).
        "read_timeout": f"{UPLOAD_SECONDS}s",
        "write_idle_timeout": f"{WRITE_IDLE_SECONDS}s",
        "idle_timeout": f"{IDLE_SECONDS}s",
        "routes": [
            {"handle": [_response_headers({"delete": ["Server", "Via"]})]},
            {"match": [{"path": ["/static/*"]}], "handle": _static_files(installation)},
            {
                "match": [{"path": ["/healthz"]}],
                "handle": [_proxy(installation, retry_seconds=2)],
            },
            {"match": [{"expression": TOO_LARGE}], "handle": [_error(413)]},
            _compression(),
            {
                "handle": [
                    {"handler": "request_body", "max_size": UPLOAD_MAX_BYTES},
                    _proxy(installation, retry_seconds=RETRY_SECONDS),
                ]
            },
        ],
        "errors": {"routes": front_pages.routes(network.DESK_ID)},
    }
    if installation.trusted_proxies:
        server["trusted_proxies"] = {"source": "static", "ranges": installation.trusted_proxies}
        server["trusted_proxies_strict"] = 1  # the last address that is not of a trusted proxy
        server["client_ip_headers"] = ["X-Forwarded-For"]
    return server


def _error(status: int) -> Handler:
    return {"handler": "error", "status_code": status}


def _response_headers(operations: dict[str, Any]) -> Handler:
    return {"handler": "headers", "response": {"deferred": True, **operations}}


def _static_files(installation: Installation) -> list[Handler]:
    """Serve collected files; names with a hash may be kept for good."""
    always = {"X-Content-Type-Options": ["nosniff"]}
    kept = {"Cache-Control": ["public, max-age=31536000, immutable"]}
    checked = {"Cache-Control": ["public, no-cache"]}
    found = {"status_code": [2, 304]}
    routes = [
        {"handle": [_response_headers({"set": always})]},
        {
            "group": "cache",
            "match": [{"path_regexp": {"pattern": HASHED_NAME}}],
            "handle": [_response_headers({"set": kept, "require": found})],
        },
        {"group": "cache", "handle": [_response_headers({"set": checked, "require": found})]},
        {"handle": [_encoder()]},
        {
            "handle": [
                {"handler": "rewrite", "strip_path_prefix": "/static"},
                {
                    "handler": "file_server",
                    "root": str(installation.data / "static"),
                    "hide": HIDDEN_STATIC_FILES,
                    "index_names": [],
                },
            ]
        },
    ]
    return [{"handler": "subroute", "routes": routes}]


def _encoder() -> Handler:
    return {
        "handler": "encode",
        "encodings": {"zstd": {}, "gzip": {}},
        "prefer": ["zstd", "gzip"],
        "minimum_length": 512,
        "match": {"headers": {"Content-Type": COMPRESSED_TYPES}},
    }


def _compression() -> dict[str, Any]:
    """Compress pages, but no answer to a request that another site may have caused.

    The length of a compressed page may tell what is in it to somebody who can choose a part of it
    (BREACH).
    """
    other_site = {"header": {"Sec-Fetch-Site": ["cross-site", "same-site"]}}
    return {"match": [{"not": [other_site]}], "handle": [_encoder()]}


def _proxy(installation: Installation, *, retry_seconds: int) -> Handler:
    """Pass a request to the web process that answers the fewest.

    A request that no process has received is tried again, any other only if it changes nothing.
    Connections are not kept: a request on one whose process has just ended could not be repeated.
    """
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"unix/{socket}"} for socket in web_sockets(installation).values()],
        "request_buffers": BUFFERED_BYTES,
        "transport": {
            "protocol": "http",
            "dial_timeout": "3s",
            "response_header_timeout": "120s",
            "keep_alive": {"enabled": False},
            "compression": False,
        },
        "load_balancing": {
            "selection_policy": {"policy": "least_conn"},
            "try_duration": f"{retry_seconds}s",
            "try_interval": "100ms",
            "retry_match": [{"method": ["GET", "HEAD", "OPTIONS"]}],
        },
        # Only active ones: a passive check blames the process for a client that sends too slowly.
        # A process that has ended is found within a second, one that hangs within ten more.
        "health_checks": {
            "active": {
                "uri": "/-/alive",
                "interval": "1s",
                "timeout": "10s",
                "fails": 1,
                "expect_status": 204,
            },
        },
        # What the web process believes (appliance/ops/management/commands/serve.py): the address
        # of the client and the scheme, each one value that no client can choose.
        "headers": {
            "request": {
                "set": {"X-Forwarded-For": ["{http.vars.client_ip}"]},
                "delete": ["X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-By", "Forwarded"],
            }
        },
    }
