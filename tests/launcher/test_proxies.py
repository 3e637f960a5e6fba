"""A desk behind the site's own proxy: the examples of docs/tls.md with real programs and a browser.

The proxy connects from 127.0.0.2, which the desk trusts; browser and other clients from 127.0.0.1.
"""

import base64
import hashlib
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, BrowserType, Page, expect

from conftest import PASSWORD
from tests.launcher.conftest import CODE, Desk, free_port, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME, PROXY, CLIENT = "desk.example", "127.0.0.2", "127.0.0.1"
ADMIN = f"dan@{NAME}"
FORGED = {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Proto": "https"}
HSTS = "Strict-Transport-Security"


class Site:
    """One certificate, one URL, and a proxy in front of a desk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate, self.key = folder / "desk.pem", folder / "desk.key"
        self.spki = write_certificate(self.certificate, self.key)
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://{NAME}:{self.port}"
        self.desk: Desk | None = None

    def start(self, command: list[str]) -> subprocess.Popen:
        """Start a proxy and wait until it answers."""
        process = subprocess.Popen(command, cwd=self.folder, stderr=subprocess.DEVNULL)
        wait_for(lambda: is_listening(self.port))
        return process

    def localised(self, example: str, replacements: dict[str, str]) -> str:
        """Return an example of docs/tls.md with the ports, paths and addresses of this test."""
        text = re.search(rf"```{example}\n(.*?)```", (CODE / "docs/tls.md").read_text(), re.S)[1]
        replacements |= {
            "/etc/ssl/desk.example.pem": str(self.certificate),
            "/etc/ssl/desk.example.key": str(self.key),
            "127.0.0.1:8000": f"127.0.0.1:{self.desk.port}",
        }
        for old, new in replacements.items():
            assert old in text, old
            text = text.replace(old, new)
        return text

    def ask(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Return the answer of the proxy over TLS, with the certificate verified."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = http.client.HTTPSConnection(NAME, self.port, context=context, timeout=20)
        connection.sock = context.wrap_socket(
            socket.create_connection((CLIENT, self.port)), server_hostname=NAME
        )
        return send(connection, path, headers)

    def ask_desk(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Return the answer of the desk to somebody who is not the proxy."""
        return send(http.client.HTTPConnection(CLIENT, self.desk.port, timeout=20), path, headers)

    def logged_addresses(self, marker: str) -> set[str]:
        """Return the addresses of the clients that asked for a path with this marker."""
        entries = [json.loads(line) for line in self.log.read_text().splitlines() if marker in line]
        return {entry["ip"] for entry in entries if "ip" in entry}

    def counted_addresses(self) -> set[str]:
        """Return the addresses by which the desk counts attempts to log in."""
        url = (self.desk.data / "secrets" / "database_url").read_text()
        query = "SELECT key FROM accounts_ratecount WHERE scope = 'log-in' AND count > 0"
        with psycopg.connect(url) as connection:
            return {row[0] for row in connection.execute(query)}

    @property
    def log(self) -> Path:
        return self.desk.data / "logs" / "web.log"


def send(
    connection: http.client.HTTPConnection, path: str, headers: dict[str, str]
) -> http.client.HTTPResponse:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.text = response.read().decode()
    connection.close()
    return response


def write_certificate(certificate: Path, key: Path) -> str:
    """Write a self-signed certificate; return the hash by which chromium accepts it alone."""
    private_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, private_key.public_key(), 1, now, now + timedelta(90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(private_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate.write_bytes(built.public_bytes(pem))
    key.write_bytes(
        private_key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    spki = private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((CLIENT, port)) == 0


def start_nginx(site: Site) -> subprocess.Popen:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no nginx on this machine: apt-get install nginx-light")
    servers = site.localised(
        "nginx",
        {
            "listen 443": f"listen 127.0.0.1:{site.port}",
            "listen 80": f"listen 127.0.0.1:{site.plain_port}",
            "https://desk.example$": f"{site.url}$",
            "proxy_http_version": f"proxy_bind {PROXY};\n        proxy_http_version",
        },
    )
    folders = "".join(
        f"{name}_temp_path {site.folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = site.folder / "nginx.conf"
    config.write_text(
        f"daemon off;\nmaster_process off;\npid {site.folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{folders}{servers}}}\n"
    )
    return site.start([program, "-e", "stderr", "-p", str(site.folder), "-c", str(config)])


def start_caddy(site: Site) -> subprocess.Popen:
    site_block = site.localised("caddy", {"desk.example {": f"{site.url} {{"})
    from_proxy = f" {{\ntransport http {{\nlocal_address {PROXY}\n}}\n}}"
    site_block = re.sub(r"(reverse_proxy \S+)", rf"\1{from_proxy}", site_block)
    options = f"admin off\nhttp_port {site.plain_port}\nstorage file_system {site.folder}/caddy"
    config = site.folder / "Caddyfile"
    config.write_text(f"{{\n{options}\n}}\n{site_block}")
    program = CODE / ".venv" / "bin" / "caddy"
    return site.start([str(program), "run", "--adapter", "caddyfile", "--config", str(config)])


PROXIES: dict[str, Callable[[Site], subprocess.Popen]] = {
    "nginx": start_nginx,
    "caddy": start_caddy,
}


@pytest.fixture(scope="module")
def behind(first_start: Desk, scratch: Path) -> Iterator[Site]:
    """Yield a site with a running desk, whose proxy is not started yet."""
    folder = scratch / "site"
    folder.mkdir()
    site = Site(folder)
    shutil.copytree(first_start.data, folder / "data")
    site.desk = Desk(
        folder / "data",
        SKERRY_URL=site.url,
        SKERRY_TRUSTED_PROXIES=PROXY,
        SKERRY_ADMIN_EMAIL=ADMIN,
        SKERRY_ADMIN_PASSWORD=PASSWORD,
    )
    site.desk.start()
    yield site
    site.desk.close()


@pytest.fixture(params=PROXIES)
def site(request, behind: Site) -> Iterator[Site]:
    proxy = PROXIES[request.param](behind)
    yield behind
    proxy.terminate()
    proxy.wait(20)


@pytest.fixture(scope="module")
def https_browser(
    behind: Site, browser_type: BrowserType, browser_type_launch_args: dict
) -> Iterator[Browser]:
    """Yield a browser that knows the name of the site and accepts this one certificate."""
    own = [
        f"--host-resolver-rules=MAP {NAME} {CLIENT}, MAP * ~NOTFOUND, EXCLUDE {CLIENT}",
        f"--ignore-certificate-errors-spki-list={behind.spki}",
    ]
    arguments = [
        argument
        for argument in browser_type_launch_args["args"]
        if not argument.startswith("--host-resolver-rules")
    ]
    browser = browser_type.launch(**browser_type_launch_args | {"args": arguments + own})
    yield browser
    browser.close()


@pytest.fixture
def window(https_browser: Browser, site: Site) -> Iterator[Callable[[], Page]]:
    contexts = []

    def open_window() -> Page:
        contexts.append(https_browser.new_context(base_url=site.url))
        contexts[-1].set_default_timeout(15_000)
        return contexts[-1].new_page()

    yield open_window
    for context in contexts:
        context.close()


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.goto("/login/")
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def create_ticket(page: Page, subject: str) -> None:
    page.goto("/create-ticket/")
    page.get_by_label("Customer's e-mail").fill("alice@example.org")
    page.get_by_label("Customer's name").fill("Alice")
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Description").fill("Since this morning.")
    page.get_by_role("button", name="Submit ticket").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(subject)


def test_people_work_in_a_browser_over_https(site: Site, window: Callable[[], Page]) -> None:
    dan, colleague = window(), window()
    for page in (dan, colleague):
        log_in(page)
        expect(page.get_by_label("Account: Admin")).to_be_visible()
    cookies = {cookie["name"]: cookie["secure"] for cookie in dan.context.cookies()}
    assert cookies == {"__Host-sessionid": True, "__Host-csrftoken": True}
    create_ticket(dan, "Printer on ward 3")
    assert dan.url.startswith(f"{site.url}/tickets/")
    colleague.goto(dan.url)
    dan.get_by_label("Attachments").set_input_files(
        {"name": "where.txt", "mimeType": "text/plain", "buffer": b"under the tray"}
    )
    dan.get_by_label("Your reply").fill("Empty the queue first.")
    dan.get_by_role("button", name="Send").click()
    for page in (dan, colleague):  # the colleague's page updates itself
        conversation = page.get_by_label("Conversation")
        expect(conversation).to_contain_text("Empty the queue first.", timeout=20_000)
    with colleague.expect_download() as download:
        colleague.get_by_role("link", name="where.txt").click()
    assert download.value.path().read_bytes() == b"under the tray"
    dan.get_by_label("Account: Admin").click()
    dan.get_by_role("button", name="Sign out").click()
    expect(dan.get_by_role("heading", name="Sign in")).to_be_visible()
    assert dan.url.startswith(f"{site.url}/login/")


def test_links_and_redirects_say_https(site: Site) -> None:
    assert site.ask("/", Host=f"{NAME}:{site.port}").headers["Location"] == "/login/?next=/"
    assert site.ask("/login/", Host=f"{NAME}:{site.port}").headers[HSTS] == "max-age=31536000"
    plain = http.client.HTTPConnection(CLIENT, site.plain_port, timeout=20)
    assert send(plain, "/login/", {"Host": NAME}).headers["Location"].startswith("https://")
    redirect = site.ask_desk("/login/?next=/", Host=f"{NAME}:{site.port}")
    assert (redirect.status, redirect.headers["Location"]) == (
        301,
        f"{site.url}/login/?next=/",
    )


def test_other_host_names_are_refused(site: Site) -> None:
    response = site.ask("/login/", Host="evil.example")
    is_refused = response.status == 400 and "Unknown host name" in response.text
    assert is_refused or response.text == ""  # Caddy passes on the names it knows alone
    # Plain HTTP is answered with the URL of the desk, never with the name that was asked for.
    assert site.ask_desk("/x", Host="evil.example").headers["Location"] == f"{site.url}/x"


def test_desk_counts_by_the_address_of_the_browser(site: Site, window: Callable[[], Page]) -> None:
    page = window()
    page.context.set_extra_http_headers({"X-Forwarded-For": "203.0.113.9"})
    log_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    assert site.counted_addresses() == {CLIENT}
    marker = f"/login/{site.port}"
    site.ask(marker, Host=f"{NAME}:{site.port}", **FORGED)
    assert wait_for(lambda: site.logged_addresses(marker)) == {CLIENT}
    assert not {PROXY, "203.0.113.9"} & site.logged_addresses("POST /login/")


def test_headers_of_others_than_the_proxy_are_ignored(site: Site) -> None:
    response = site.ask_desk(f"/forged/{site.port}", Host=f"{NAME}:{site.port}", **FORGED)
    assert response.status == 301  # the scheme is not believed either
    assert wait_for(lambda: site.logged_addresses(f"/forged/{site.port}")) == {CLIENT}
