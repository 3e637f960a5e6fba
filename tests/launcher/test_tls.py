"""HTTPS with the desk's own CA and with a certificate of the site; plain HTTP on a network."""

import datetime
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.launcher import address, certificates, front, network
from appliance.launcher.layout import Installation
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE, free_port, wait_for
from tests.launcher.test_front import Front

HOST = "desk.example"


def make_certificate(folder: Path, host: str = HOST, *, days: int = 30, **name: str) -> list[Path]:
    """Write a self-signed certificate and its key; return both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name.get("name", host))])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = [folder / "desk.pem", folder / "desk.key"]
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def served_certificate(port: int, trusted: Path, host: str = HOST) -> dict:
    """Return the certificate of the desk as a browser sees it that trusts ``trusted``."""
    context = ssl.create_default_context(cafile=str(trusted))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=host) as encrypted,
    ):
        return encrypted.getpeercert()


def running(installation: Installation) -> Front:
    started = Front(installation)
    started.add_web_process(1)
    return started


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(
        code=CODE, data=tmp_path / "data", port=free_port(), url=f"https://{HOST}", web_processes=1
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.mark.parametrize("host", [HOST, "127.0.0.1"])
def test_own_ca_certifies_a_name_or_an_address(
    folder: Path, installation: Installation, host: str
) -> None:
    installation = replace(installation, url=f"https://{host}")
    started = running(installation)
    try:
        root = front.own_root(installation)
        wait_for(lambda: serial(installation, root, host))  # it is made after the start
        certificate = served_certificate(installation.port, root, host)
        assert https_get(installation.port, "/").startswith(b"HTTP/1.1 200")
        kind = "IP Address" if host == "127.0.0.1" else "DNS"
        assert certificate["subjectAltName"] == ((kind, host),)
        assert network.health(installation, "") is not None  # /healthz, by the address
        context = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(
                socket.create_connection(("127.0.0.1", installation.port)), server_hostname=host
            )
    finally:
        started.close()


def test_root_certificate_can_be_downloaded_and_its_key_cannot(
    folder: Path, installation: Installation
) -> None:
    started = running(installation)
    try:
        root = front.own_root(installation)
        wait_for(root.exists)
        answers = {
            path: https_get(installation.port, path) for path in (front.ROOT_PATH, "/root.key")
        }
    finally:
        started.close()
    assert root.read_bytes() in answers[front.ROOT_PATH]
    assert b"PRIVATE KEY" not in answers["/root.key"]


def https_get(port: int, path: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=HOST) as encrypted,
    ):
        request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
        encrypted.sendall(request.encode())
        answer = b""
        with suppress(ssl.SSLError):
            while chunk := encrypted.recv(65_536):
                answer += chunk
        return answer


def test_replaced_certificate_is_served_without_a_restart(
    folder: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_certificate(folder)
    installation = replace(installation, tls_cert=str(paths[0]), tls_key=str(paths[1]))
    address.ensure_acceptable(installation)
    started = running(installation)

    class Supervisor:
        def processes(self) -> dict:
            return {"front": {"pid": started.process.pid}}

    try:
        first = served_certificate(installation.port, paths[0])
        watch = address.CertificateWatch(installation, Supervisor())
        make_certificate(folder, days=90)
        watch.check()
        wait_for(lambda: serial(installation, paths[0]) not in ("", first["serialNumber"]), 10)
        second = serial(installation, paths[0])
        good = paths[0].read_bytes()
        make_certificate(folder, "another.example")  # an unusable one changes nothing
        monkeypatch.setattr(address, "WATCH_SECONDS", 0)
        watch._next_check = 0
        watch.check()
        paths[0].write_bytes(good)
        assert serial(installation, paths[0]) == second
    finally:
        started.close()


def serial(installation: Installation, trusted: Path, host: str = HOST) -> str:
    with suppress(OSError):
        return str(served_certificate(installation.port, trusted, host)["serialNumber"])
    return ""


def test_certificate_that_browsers_would_refuse_is_refused(folder: Path) -> None:
    certificate, key = make_certificate(folder)
    certificates.ensure_usable(certificate, key, HOST)

    def refusal(host: str = HOST) -> str:
        with pytest.raises(LauncherError) as error:
            certificates.ensure_usable(certificate, key, host)
        return str(error.value)

    assert "Hostname mismatch" in refusal("another.example")
    make_certificate(folder, days=-1)
    assert "certificate has expired" in refusal()
    other = key.read_bytes()
    make_certificate(folder)
    key.write_bytes(other)
    assert "is not the key of" in refusal()
    key.write_text("nothing")
    assert "in PEM format" in refusal()
    key.unlink()
    assert "cannot be read (No such file" in refusal()


def test_plain_http_on_a_network_must_be_accepted(tmp_path: Path) -> None:
    exposed = Installation(code=CODE, data=tmp_path, bind="0.0.0.0")
    with pytest.raises(LauncherError, match="--insecure-http"):
        address.ensure_acceptable(exposed)
    for accepted in (
        replace(exposed, insecure_http=True),
        replace(exposed, trusted_proxies=("10.0.0.5",), url="https://desk.example"),
        replace(exposed, url="https://desk.example"),
        replace(exposed, bind="127.0.0.1"),
        replace(exposed, role="worker"),
    ):
        address.ensure_acceptable(accepted)


def test_certificate_needs_its_key_and_the_url(tmp_path: Path) -> None:
    desk = Installation(code=CODE, data=tmp_path, tls_cert="/cert.pem")
    with pytest.raises(LauncherError, match="belong together"):
        address.ensure_acceptable(desk)
    with pytest.raises(LauncherError, match="needs the URL"):
        address.ensure_acceptable(replace(desk, tls_key="/key.pem"))


def test_address_is_stored_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SKERRY_URL", "SKERRY_TLS_CERT", "SKERRY_TLS_KEY", "SKERRY_INSECURE_HTTP"):
        monkeypatch.delenv(name, raising=False)
    desk = Installation(code=CODE, data=tmp_path)
    options = {"url": "https://Desk.Example/", "tls_cert": "/cert.pem", "tls_key": "/key.pem"}
    address.store(address.completed(desk, options))
    again = address.completed(desk, {})
    assert (again.url, again.tls_cert) == ("https://desk.example", "/cert.pem")
    assert (address.default_bind(again), address.default_port(again)) == ("0.0.0.0", 443)
    assert address.completed(desk, {"url": "https://other.example"}).tls_cert == ""
    assert address.completed(desk, {"url": "none"}).url == ""
    with pytest.raises(LauncherError, match="--url"):
        address.completed(desk, {"url": "desk"})


def test_desk_of_an_older_version_may_go_on_with_plain_http(tmp_path: Path) -> None:
    exposed = Installation(code=CODE, data=tmp_path, bind="0.0.0.0")
    assert not address.completed(exposed, {}).insecure_http
    (tmp_path / "version.json").write_text(json.dumps({"skerry": "0.1.0"}))
    upgraded = address.completed(exposed, {})
    address.ensure_acceptable(upgraded)
    address.store(replace(upgraded, bind="127.0.0.1"))  # once started on this machine only
    with pytest.raises(LauncherError, match="unencrypted"):
        address.ensure_acceptable(address.completed(exposed, {}))
