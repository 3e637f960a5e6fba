"""A small OpenID Connect server on this machine. It signs in whoever ``person`` is, at once."""

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "skerry", "s3cret/with:signs"
PERSON = {"sub": "4711", "email": "alice@example.org", "email_verified": True, "name": "Alice Test"}


class IdentityServer:
    """``person`` are the claims of whoever signs in; ``changes`` replace claims of the ID token."""

    def __init__(self, certificate: tuple[Path, Path] | None = None) -> None:
        self.person: dict[str, Any] = dict(PERSON)
        self.changes: dict[str, Any] = {}
        self.userinfo: dict[str, Any] | None = None
        self.configuration: dict[str, Any] = {}
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.signing_key: Any = self.key
        self.codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        scheme, host = "http", "127.0.0.1"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme, host = "https", "localhost"
        self.url = f"{scheme}://{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def describe(self) -> dict[str, Any]:
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "keys",
            "end_session_endpoint": "end",
        }
        urls = {name: f"{self.url}/{path}" for name, path in names.items()}
        return {"issuer": self.url} | urls | self.configuration

    def publish_keys(self) -> dict[str, Any]:
        algorithm = jwt.algorithms.RSAAlgorithm
        public = json.loads(algorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}

    def authorize(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        answer = urlencode({"code": code, "state": query["state"]})
        return f"{query['redirect_uri']}?{answer}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if pair != urlencode({CLIENT_ID: CLIENT_SECRET}).replace("=", ":", 1):
            return 401, {"error": "invalid_client"}
        query = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if query is None or query["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        claims = self.person | {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
            "nonce": query["nonce"],
        }
        token = jwt.encode(
            claims | self.changes, self.signing_key, algorithm="RS256", headers={"kid": "one"}
        )
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}


def _handler(server: IdentityServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                location = server.authorize(dict(parse_qsl(parts.query)))
                self.send_header("Location", location)
                self.end_headers()
            elif parts.path == "/end":
                self._send(200, {"signed": "out"})
            else:
                answers = {
                    "/.well-known/openid-configuration": server.describe,
                    "/keys": server.publish_keys,
                    "/userinfo": lambda: server.userinfo or server.person,
                }
                answer = answers.get(parts.path)
                self._send(200, answer()) if answer else self._send(404, {"error": "no"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*server.exchange(form, self.headers.get("Authorization", "")))

        def _send(self, status: int, data: dict[str, Any]) -> None:
            content = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler
