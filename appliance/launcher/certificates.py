"""The certificate of --tls-cert: checked before it is served, and again when its file changes."""

import contextlib
import hashlib
import ssl
from pathlib import Path

from appliance.launcher.terminal import LauncherError


def ensure_usable(certificate: Path, key: Path, host: str) -> None:
    """Refuse files that cannot be read, do not belong together, or are not valid for the host."""
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise LauncherError(
                f"{path} cannot be read ({error.strerror}): the user that runs the desk needs to "
                "read certificate and key."
            ) from error
    server = _load(certificate, key)
    if reason := _refusal(server, certificate, host):
        raise LauncherError(f"{certificate} cannot be used for https://{host}: {reason}.")


def digest(certificate: Path, key: Path) -> str:
    """Return a digest of both files; empty while one cannot be read."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(certificate.read_bytes() + key.read_bytes()).hexdigest()
    return ""


def _load(certificate: Path, key: Path) -> ssl.SSLContext:
    def refuse_password() -> str:
        raise LauncherError(
            f"{key} is protected by a passphrase, which nobody could type at a start: store the "
            "key without one (openssl pkey -in KEY -out NEW)."
        )

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(certificate, key, password=refuse_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise LauncherError(
                f"{key} is not the key of {certificate}: name the key it was made with."
            ) from error
        raise LauncherError(
            f"{certificate} and {key} are not a certificate and its key in PEM format."
        ) from error
    return server


def _refusal(server: ssl.SSLContext, certificate: Path, host: str) -> str:
    """Return why a browser that trusts the issuer would refuse it, or "": by a handshake."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is trusted
    client.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    browser = client.wrap_bio(to_client, to_server, server_hostname=host)
    desk = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (browser, desk):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message.rstrip(".")
            except ssl.SSLError as error:
                return str(error.reason or error)
    return ""
