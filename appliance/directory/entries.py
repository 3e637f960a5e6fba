"""A person as a directory describes them: from attributes to values the columns here take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

from appliance.accounts.models import Customer
from appliance.core.clean_text import clean_email, clean_line
from appliance.directory.connection import SearchResult
from appliance.directory.models import Directory
from appliance.directory.presets import Attribute

ACCOUNT_DISABLED = 0x2  # in userAccountControl of Active Directory
LOCKED_FOR_GOOD = "000001010000Z"  # in pwdAccountLockedTime; other times end by themselves
NEVER_EXPIRES = (0, 0x7FFFFFFFFFFFFFFF)  # in accountExpires of Active Directory
WINDOWS_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
SECONDS_PER_DAY = 24 * 3600
# Asked for in every directory: an attribute that it does not have is left out of its answer.
STATE_ATTRIBUTES = (
    "userAccountControl",
    "accountExpires",
    "nsAccountLock",
    "loginDisabled",
    "pwdAccountLockedTime",
    "shadowExpire",
)
CONTACT_FIELDS = ("phone", "mobile", "room", "department", "staff_number")


@dataclass(frozen=True)
class Entry:
    """One person. ``problem`` is why the e-mail address cannot be used, a key of the texts."""

    id: str
    dn: str
    is_disabled: bool
    login_name: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    mobile: str = ""
    room: str = ""
    department: str = ""
    staff_number: str = ""
    manager_dn: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.dn


def taken_over_fields(directory: Directory) -> list[str]:
    """Return the details of customers that the directory decides about."""
    return [name for name in CONTACT_FIELDS if directory.attribute(name)]


def access_attributes(directory: Directory) -> list[str]:
    """Return what is asked to know who is still there."""
    names = (directory.attribute(name) for name in (Attribute.ID, Attribute.LOGIN_NAME))
    return [*names, *STATE_ATTRIBUTES]


def person_attributes(directory: Directory) -> list[str]:
    """Return what is asked to know all about a person."""
    names = [directory.attribute(name) for name in Attribute.values]
    return [*filter(None, names), "displayName", "cn", *STATE_ATTRIBUTES]


def parse_access(directory: Directory, result: SearchResult) -> Entry:
    """Return an entry without names and addresses; the id is empty if the entry has none."""
    return Entry(
        id=_parse_id(_values(directory, result, Attribute.ID)),
        dn=result.dn,
        login_name=_first_text(_values(directory, result, Attribute.LOGIN_NAME))[:254],
        is_disabled=is_disabled(result.attributes),
    )


def parse_person(directory: Directory, result: SearchResult) -> Entry:
    """Return all about a person, cleaned and no longer than the columns here."""
    texts = {
        name: _first_text(_values(directory, result, Attribute(name))) for name in CONTACT_FIELDS
    }
    first_name, last_name = _parse_name(directory, result)
    email, problem = _parse_email(directory, _values(directory, result, Attribute.EMAIL))
    return Entry(
        id=_parse_id(_values(directory, result, Attribute.ID)),
        dn=result.dn,
        is_disabled=is_disabled(result.attributes),
        login_name=_first_text(_values(directory, result, Attribute.LOGIN_NAME))[:254],
        email=email,
        problem=problem,
        first_name=first_name,
        last_name=last_name,
        manager_dn=_first_text(_values(directory, result, Attribute.MANAGER)),
        **{name: text[: _max_length(name)] for name, text in texts.items()},
    )


def is_disabled(attributes: Mapping[str, Sequence[bytes]]) -> bool:
    """Return whether the directory lets the person sign in nowhere, in any product's way."""
    control = _number(attributes, "useraccountcontrol")
    expires_at = _number(attributes, "accountexpires")
    shadow_day = _number(attributes, "shadowexpire")
    now = datetime.now(UTC)
    windows_now = int((now - WINDOWS_EPOCH).total_seconds()) * 10_000_000
    return (
        bool(control is not None and control & ACCOUNT_DISABLED)
        or (expires_at is not None and expires_at not in NEVER_EXPIRES and expires_at < windows_now)
        or _first(attributes, "nsaccountlock").lower() == "true"
        or _first(attributes, "logindisabled").lower() == "true"
        or _first(attributes, "pwdaccountlockedtime") == LOCKED_FOR_GOOD
        or (shadow_day is not None and 0 <= shadow_day <= now.timestamp() // SECONDS_PER_DAY)
    )


def normalise_dn(dn: str) -> str:
    """Return a DN as it is compared: without case, blanks and ways of escaping."""
    try:
        parts = parse_dn(dn, escape=False, strip=True)
    except (LDAPInvalidDnError, IndexError):
        return dn.lower()
    return ",".join(f"{name}={_unescape(value)}" for name, value, _separator in parts).lower()


def split_dn(dn: str) -> list[str]:
    """Return the parts of a DN, as they are written."""
    try:
        parts = parse_dn(dn, escape=False, strip=True)
    except (LDAPInvalidDnError, IndexError):
        return [dn]
    return [f"{name}={value}" for name, value, _separator in parts]


def _unescape(value: str) -> str:
    r"""Return the value of a DN without escapes: ``\,`` and ``\2c`` are the same comma."""
    if "\\" not in value:
        return value
    content, position, raw = bytearray(), 0, value.encode()
    while position < len(raw):
        if raw[position : position + 1] == b"\\":
            pair = raw[position + 1 : position + 3]
            if len(pair) == 2 and all(chr(digit) in "0123456789abcdefABCDEF" for digit in pair):
                content.append(int(pair, 16))
                position += 3
                continue
            position += 1
        content += raw[position : position + 1]
        position += 1
    return content.decode(errors="replace")


def _parse_id(values: Sequence[bytes]) -> str:
    """Return the id as text; that of Active Directory is a GUID in bytes."""
    value = values[0] if values else b""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    if len(value) == 16 and not (text.isascii() and text.isalnum()):
        return str(UUID(bytes_le=value))
    return (text.strip().lower() if text.isprintable() and text else value.hex())[:64]


def _parse_name(directory: Directory, result: SearchResult) -> tuple[str, str]:
    """Return first and last name; without them, the display name."""
    first_name = _first_text(_values(directory, result, Attribute.FIRST_NAME))
    last_name = _first_text(_values(directory, result, Attribute.LAST_NAME))
    if not first_name and not last_name:
        display_name = _first_text(result.attributes.get("displayname", ()))
        first_name = display_name or _first_text(result.attributes.get("cn", ()))
    return (first_name or last_name)[:80], (last_name if first_name else "")[:80]


def _parse_email(directory: Directory, values: Sequence[bytes]) -> tuple[str, str]:
    """Return the address and what is wrong with it; of several, one the directory decides about."""
    emails = [clean_email(value.decode(errors="replace")) for value in values if value.strip()]
    if not emails:
        return "", "email_missing"
    email = next(filter(directory.is_responsible_for, emails), emails[0])[:254]
    try:
        validate_email(email)
    except ValidationError:
        return email, "email_invalid"
    return email, "" if directory.is_responsible_for(email) else "email_foreign"


def _values(directory: Directory, result: SearchResult, name: Attribute) -> Sequence[bytes]:
    return result.attributes.get(directory.attribute(name).lower(), ())


def _first_text(values: Sequence[bytes]) -> str:
    return clean_line(values[0].decode(errors="replace")).strip() if values else ""


def _first(attributes: Mapping[str, Sequence[bytes]], name: str) -> str:
    return _first_text(attributes.get(name, ()))


def _number(attributes: Mapping[str, Sequence[bytes]], name: str) -> int | None:
    try:
        return int(_first(attributes, name))
    except ValueError:
        return None


def _max_length(name: str) -> int | None:
    """Return how long the column of a customer is."""
    return next(field.max_length for field in Customer._meta.fields if field.name == name)
