"""Debian's slapd with its own folder, on 127.0.0.1 with LDAP and LDAPS, filled by slapadd."""

import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import ldap3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BASE = "dc=clinic,dc=example"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ROOT_DN, ROOT_PASSWORD = f"cn=admin,{BASE}", "the-root-of-slapd"
SERVICE_DN, SERVICE_PASSWORD = f"cn=skerry,{BASE}", "reads-only-what-it-must"
READY_SECONDS = 20
# Attributes of Active Directory, so that its accounts can be read from a real server.
ACTIVE_DIRECTORY_SCHEMA = """
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.2.141 NAME 'department'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.35 NAME 'employeeID'
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY
  MAY ( sAMAccountName $ userPrincipalName $ userAccountControl $ objectGUID $ department $
        employeeID ) )
"""


@dataclass(frozen=True)
class Slapd:
    """A running server; ``ca`` is the certificate of its CA in PEM."""

    folder: Path
    port: int
    tls_port: int
    ca: str

    def settings(self, **values: object) -> dict[str, object]:
        """Return the fields of a Directory that describe this server."""
        return {
            "name": "Clinic",
            "kind": "openldap",
            "servers": ["127.0.0.1"],
            "port": self.tls_port,
            "security": "ldaps",
            "ca_certificate": self.ca,
            "bind_dn": SERVICE_DN,
            "bind_password": SERVICE_PASSWORD,
            "base_dn": BASE,
            "domains": ["clinic.example"],
            "is_active": True,
        } | values

    @contextmanager
    def as_root(self) -> Iterator[ldap3.Connection]:
        server = ldap3.Server("127.0.0.1", port=self.port, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server, ROOT_DN, ROOT_PASSWORD, auto_bind=True, raise_exceptions=True
        )
        yield connection
        connection.unbind()

    def change(self, dn: str, **values: str | list[str]) -> None:
        """Replace attributes of an entry; an empty list removes one."""
        changes = {
            name: [(ldap3.MODIFY_REPLACE, value if isinstance(value, list) else [value])]
            for name, value in values.items()
        }
        with self.as_root() as connection:
            connection.modify(dn, changes)

    def delete(self, dn: str) -> None:
        with self.as_root() as connection:
            connection.delete(dn)

    def rename(self, dn: str, new_name: str, new_parent: str | None = None) -> None:
        with self.as_root() as connection:
            connection.modify_dn(dn, new_name, new_superior=new_parent)

    def load(self, ldif: str) -> None:
        """Add entries while the server runs."""
        command = ["ldapadd", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", ROOT_DN]
        command += ["-w", ROOT_PASSWORD]
        subprocess.run(command, input=ldif, text=True, check=True, capture_output=True)


@contextmanager
def run_slapd(folder: Path, ldif: str) -> Iterator[Slapd]:
    """Run a server that holds the entries of an LDIF; skip the test if there is no slapd."""
    slapd = shutil.which("slapd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if slapd is None or shutil.which("ldapadd") is None:
        pytest.skip("there is no slapd on this machine: apt-get install slapd ldap-utils")
    ca = write_certificates(folder)
    (folder / "data").mkdir()
    (folder / "ad.schema").write_text(ACTIVE_DIRECTORY_SCHEMA)
    configuration = folder / "slapd.conf"
    configuration.write_text(_configuration(folder))
    (folder / "people.ldif").write_text(base_ldif() + ldif)
    subprocess.run(
        [slapd, "-T", "add", "-q", "-f", configuration, "-l", folder / "people.ldif"],
        check=True,
        capture_output=True,
        text=True,
    )
    port, tls_port = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/"
    with (folder / "slapd.log").open("wb") as log:
        process = subprocess.Popen(
            [slapd, "-d", "0", "-f", configuration, "-h", urls], stdout=log, stderr=log
        )
        try:
            _wait_for(port, process)
            yield Slapd(folder, port, tls_port, ca)
        finally:
            process.terminate()
            process.wait(timeout=15)


def base_ldif() -> str:
    return f"""dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Clinic
dc: clinic

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: ou=left,{BASE}
objectClass: organizationalUnit
ou: left

dn: {SERVICE_DN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: skerry
userPassword: {SERVICE_PASSWORD}

"""


def person_ldif(
    uid: str, first_name: str, last_name: str, *, dn: str = "", password: str = "", **values: object
) -> str:
    """Return an inetOrgPerson; ``values`` may name more attributes, None leaves one out."""
    attributes = {
        "uid": uid,
        "cn": f"{first_name} {last_name}",
        "givenName": first_name,
        "sn": last_name,
        "mail": f"{uid}@clinic.example",
        "userPassword": password or f"{uid}-opens-the-door",
    } | values
    classes = attributes.pop("objectClass", ["inetOrgPerson"])
    lines = [f"dn: {dn or f'uid={uid},{PEOPLE}'}"]
    lines += [f"objectClass: {name}" for name in classes]
    lines += [f"{name}: {value}" for name, value in attributes.items() if value is not None]
    return "\n".join(lines) + "\n\n"


def group_ldif(name: str, members: Iterable[str]) -> str:
    lines = [f"dn: cn={name},{GROUPS}", "objectClass: groupOfNames", f"cn: {name}"]
    return "\n".join([*lines, *(f"member: {dn}" for dn in members)]) + "\n\n"


def person_dn(uid: str) -> str:
    return f"uid={uid},{PEOPLE}"


def group_dn(name: str) -> str:
    return f"cn={name},{GROUPS}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def write_certificates(folder: Path) -> str:
    """Write a CA, and a key with a certificate for 127.0.0.1 and localhost; return the CA."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Clinic Test CA")])
    ca = _sign(ca_name, ca_key, ca_name, ca_key, is_ca=True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ldap.clinic.example")])
    certificate = _sign(name, key, ca_name, ca_key, is_ca=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return ca.public_bytes(pem).decode()


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        names = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _configuration(folder: Path) -> str:
    return f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
allow bind_anon_cred bind_anon_dn
sizelimit size.soft=1000 size.hard=1000 size.prtotal=unlimited
database mdb
suffix "{BASE}"
rootdn "{ROOT_DN}"
rootpw {ROOT_PASSWORD}
directory {folder}/data
maxsize 268435456
index objectClass,uid,mail,entryUUID,member eq
overlay memberof
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{SERVICE_DN}" read by * none
"""


def _wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError("slapd did not start")
