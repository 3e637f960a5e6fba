"""What admins see of the web address: plain HTTP on a network, and the certificate."""

import hashlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.urls import reverse

from appliance import site_url
from appliance.ops import certificate, prepare, web_address

URL = site_url.parse("https://desk.example")
CA = "Harbour CA"


def make_certificate(
    *names: str, days: float, lifetime: float = 365, name: str = "desk"
) -> tuple[bytes, bytes]:
    """Return certificate and key as PEM, issued by "Harbour CA"."""
    key = ec.generate_private_key(ec.SECP256R1())
    ends_at = datetime.now(UTC) + timedelta(days=days)
    issuer, subject = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (CA, name)
    )
    built = (
        x509.CertificateBuilder(issuer, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends_at - timedelta(days=lifetime))
        .not_valid_after(ends_at)
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return built.public_bytes(pem), key.private_bytes(pem, pkcs8, serialization.NoEncryption())


@pytest.fixture
def serve(settings, tmp_path):
    """Return a function that serves a certificate on the port of the desk."""
    listening = socket.create_server(("127.0.0.1", 0))
    settings.SKERRY_BIND, settings.SKERRY_PORT = listening.getsockname()
    settings.SITE_URL = URL

    def start(*names: str, **validity: float) -> None:
        paths = tmp_path / "cert.pem", tmp_path / "key.pem"
        for path, content in zip(paths, make_certificate(*names, **validity), strict=True):
            path.write_bytes(content)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*paths)
        threading.Thread(target=answer, args=[context], daemon=True).start()

    def answer(context: ssl.SSLContext) -> None:
        with context.wrap_socket(listening, server_side=True) as server:
            server.accept()[0].close()

    yield start
    listening.close()


@pytest.mark.parametrize(
    ("url", "bind", "is_exposed"),
    [
        ("", "127.0.0.1", False),
        ("", "::1", False),
        ("", "localhost", False),
        ("http://localhost:8000", "127.0.0.1", False),
        ("", "0.0.0.0", True),
        ("", "10.0.0.5", True),
        ("http://desk.example", "127.0.0.1", True),  # a proxy without TLS
        ("https://desk.example", "0.0.0.0", False),
    ],
)
def test_plain_http_matters_beyond_this_machine(settings, url, bind, is_exposed):
    settings.SITE_URL = site_url.parse(url) if url else None
    settings.SKERRY_BIND = bind
    assert web_address.is_exposed() is is_exposed


def test_admins_alone_are_told_about_plain_http(client, settings, dan, bob):
    settings.SKERRY_BIND = "10.0.0.5"
    for person, is_told in ((dan, True), (bob, False)):
        client.force_login(person)
        assert ("plain HTTP" in client.get(reverse("profile")).content.decode()) is is_told
    client.force_login(dan)
    assert "plain HTTP on a network" in client.get(reverse("status")).content.decode()
    assert "plain HTTP" in client.get("/admin/").content.decode()
    assert "plain HTTP" in prepare.list_warnings()[-1]


def test_served_certificate_is_shown_with_its_days(dan_client, serve):
    serve("desk.example", days=90.5)
    page = dan_client.get(reverse("status")).content.decode()
    assert "issued by Harbour CA, 90 days left" in page and "https://desk.example" in page
    assert "Install a new one" not in page


@pytest.mark.parametrize(
    ("name", "days", "text"),
    [
        ("desk.example", 20.5, "expires in 20 days"),
        ("*.example", 1.5, "expires in 1 day,"),
        ("desk.example", -1, "expired on"),
        ("other.example", 90, "is not for the web address"),
    ],
)
def test_admins_are_warned_on_every_page(dan_client, serve, name, days, text):
    serve(name, days=days)
    assert text in dan_client.get(reverse("profile")).content.decode()
    assert text in dan_client.get(reverse("status")).content.decode()  # from the cache


@pytest.mark.parametrize(("share_left", "is_expiring"), [(0.3, False), (0.2, True)])
def test_short_certificate_counts_as_expiring_once_it_should_be_renewed(share_left, is_expiring):
    pem, _key = make_certificate("desk.example", days=7 * share_left, lifetime=7)
    content = ssl.PEM_cert_to_DER_cert(pem.decode())
    assert certificate.parse(content, URL).is_expiring is is_expiring


def test_front_without_tls_has_no_certificate_to_warn_of(dan_client, settings):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.SITE_URL, settings.SKERRY_PORT = URL, port
    page = dan_client.get(reverse("status")).content.decode()
    assert "https://desk.example" in page and "issued by" not in page


def test_admin_downloads_the_root_of_the_desks_own_ca(dan_client, serve, settings, tmp_path):
    settings.DATA, folder = tmp_path, tmp_path / certificate.CA_FOLDER
    folder.mkdir(parents=True)
    root = make_certificate("root", days=3000)[0]
    (folder / "root.crt").write_bytes(root)
    (folder / "intermediate.crt").write_bytes(make_certificate("ca", days=900, name="Other")[0])
    serve("desk.example", days=90)
    assert dan_client.get(reverse("root-certificate")).status_code == 404  # another CA issued it
    (folder / "intermediate.crt").write_bytes(make_certificate("ca", days=900, name=CA)[0])
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(root.decode())).hexdigest().upper()
    page = dan_client.get(reverse("status")).content.decode()
    assert f"SHA-256 {digest[:2]}:{digest[2:4]}:" in page
    response = dan_client.get(reverse("root-certificate"))
    assert response.content == root
    assert "skerry-root.crt" in response["Content-Disposition"]
