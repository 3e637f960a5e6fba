"""The URL under which browsers open the desk, such as https://desk.example (SKERRY_URL).

Standard library only, because the launcher checks it too.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_MAX_NAME_CHARACTERS = 253


@dataclass(frozen=True)
class SiteUrl:
    """Scheme, host and port as browsers send them; an IPv6 host has no brackets here."""

    scheme: str
    host: str
    port: int

    @property
    def is_https(self) -> bool:
        return self.scheme == "https"

    @property
    def is_address(self) -> bool:
        """Return whether the host is an IP address."""
        return _parse_address(self.host) is not None

    @property
    def is_loopback(self) -> bool:
        """Return whether only browsers of this machine can open it."""
        return is_loopback(self.host)

    @property
    def is_localhost(self) -> bool:
        return is_localhost(self.host)

    @property
    def http_host(self) -> str:
        """Return the host as in the header Host, without the port."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def netloc(self) -> str:
        is_default = self.port == DEFAULT_PORTS[self.scheme]
        return self.http_host if is_default else f"{self.http_host}:{self.port}"

    @property
    def origin(self) -> str:
        """Return the URL without a slash at its end."""
        return f"{self.scheme}://{self.netloc}"


def is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def is_loopback(host: str) -> bool:
    """Return whether this address or name leads to the loopback device of this machine."""
    address = _parse_address(host)
    return is_localhost(host) or (address is not None and address.is_loopback)


def parse(text: str) -> SiteUrl:
    """Parse a URL that has nothing but a scheme, a host and perhaps a port.

    Raises ValueError with a sentence that names the remedy.
    """
    example = "Write it like https://desk.example or https://desk.example:8443."
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL ({error}). {example}") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{text!r} is not an http:// or https:// URL. {example}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} has more than a scheme, a host and a port. {example}")
    if port == 0:
        raise ValueError(f"{text!r} has no port a browser could open. {example}")
    host = _parse_host(parts.hostname)
    if not host:
        raise ValueError(f"{text!r} does not name one host. {example}")
    return SiteUrl(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme])


def _parse_host(host: str) -> str:
    """Return an address or a name in lower case, international names encoded; "" if neither."""
    if address := _parse_address(host):
        return str(address)
    try:
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    labels = name.split(".")
    is_valid = all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    return name if is_valid and len(name) <= _MAX_NAME_CHARACTERS else ""


def _parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address
