"""Caddy, the front of the desk: it binds the address, serves static files and balances pages.

Web processes listen on Unix sockets behind it. Its configuration is written at every start
(docs/decisions/0025-serve-pages-through-caddy.md). It makes no connections of its own.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance import UPLOAD_MAX_BYTES
from appliance.launcher import certificates, front_pages, network
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
ROOT_PATH = "/root-certificate.crt"  # of the desk's own CA
LEAF_DAYS, INTERMEDIATE_DAYS = 90, 5 * 365  # Caddy makes a root of ten years
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
                "servers": _servers(installation),
            },
            "tls": {"disable_ocsp_stapling": True, **_tls(installation)},
            "pki": {"certificate_authorities": {"local": _own_ca(installation)}},
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


def own_root(installation: Installation) -> Path | None:
    """Return the file of the desk's own root certificate, unless it has no use for one."""
    if not installation.serves_tls or installation.tls_cert:
        return None
    return installation.data / "caddy" / "pki" / "authorities" / "local" / "root.crt"


def certificate_digest(installation: Installation) -> str:
    return certificates.digest(Path(installation.tls_cert), Path(installation.tls_key))


def _tls(installation: Installation) -> dict[str, Any]:
    """Serve the certificate of the operator, or one of the desk's own CA, renewed by Caddy."""
    if not installation.serves_tls or not installation.site:
        return {}
    if installation.tls_cert:
        files = {"certificate": installation.tls_cert, "key": installation.tls_key}
        # The digest makes another configuration of a replaced file, which Caddy then reads.
        tag = certificate_digest(installation)
        return {"certificates": {"load_files": [{**files, "tags": [tag]}]}}
    issuer = {"module": "internal", "lifetime": f"{LEAF_DAYS}d"}
    hosts = [word.strip() for word in os.environ.get("SKERRY_HOSTS", "").split(",")]
    names = [installation.site.host, *filter(None, hosts)]
    return {
        "certificates": {"automate": list(dict.fromkeys(names))},
        "automation": {"policies": [{"issuers": [issuer]}]},
    }


def _own_ca(installation: Installation) -> dict[str, Any]:
    """Describe the desk's own CA; nothing is installed into trust stores."""
    host = installation.site.host if installation.site else "desk"
    return {
        "name": "Skerry",
        "root_common_name": f"Skerry {host} root CA",
        "intermediate_common_name": f"Skerry {host} CA",
        "intermediate_lifetime": f"{INTERMEDIATE_DAYS}d",
        "install_trust": False,
    }


def _servers(installation: Installation) -> dict[str, Any]:
    """Return the server of the pages and, beside port 443, one that redirects from port 80."""
    servers = {"desk": _server(installation)}
    plain = replace(installation, port=80)
    if installation.serves_tls and installation.port == 443 and not network.port_error(plain):
        location = f"{installation.public_address}{{http.request.uri}}"
        redirect = {
            "handler": "static_response",
            "status_code": 308,
            "headers": {"Location": [location]},
        }
        servers["redirect"] = {
            "listen": network.listen_addresses(plain),
            "protocols": ["h1"],
            "automatic_https": {"disable": True},
            "read_header_timeout": f"{HEADER_SECONDS}s",
            "idle_timeout": f"{IDLE_SECONDS}s",
            "routes": [{"handle": [redirect]}],
        }
    return servers


def _server(installation: Installation) -> dict[str, Any]:
    server: dict[str, Any] = {
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
    if installation.serves_tls and installation.site:
        server["protocols"] = ["h1", "h2"]
        # Clients that name no host, or one of SKERRY_HOSTS, get the certificate as well.
        host = installation.site.host
        server["tls_connection_policies"] = [{"default_sni": host, "fallback_sni": host}]
    if root := own_root(installation):
        handlers = [
            {"handler": "rewrite", "uri": f"/{root.name}"},
            {"handler": "file_server", "root": str(root.parent), "index_names": []},
        ]
        server["routes"].insert(1, {"match": [{"path": [ROOT_PATH]}], "handle": handlers})
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
    immutable = {"Cache-Control": ["public, max-age=31536000, immutable"]}
    revalidated = {"Cache-Control": ["public, no-cache"]}
    success = {"status_code": [2, 304]}
    routes = [
        {"handle": [_response_headers({"set": always})]},
        {
            "group": "cache",
            "match": [{"path_regexp": {"pattern": HASHED_NAME}}],
            "handle": [_response_headers({"set": immutable, "require": success})],
        },
        {"group": "cache", "handle": [_response_headers({"set": revalidated, "require": success})]},
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
