"""What differs between kinds of directories: the filter of people and the names of attributes."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

NOT_TAKEN_OVER = "-"  # entered instead of the name of an attribute


class DirectoryKind(TextChoices):
    ACTIVE_DIRECTORY = "ad", "Active Directory"
    OPENLDAP = "openldap", "OpenLDAP"
    OTHER = "other", _("Other (389, FreeIPA, eDirectory …)")


class Attribute(TextChoices):
    """What is read of a person, under its label on the form."""

    ID = "id", _("Unchangeable id")
    LOGIN_NAME = "login_name", _("Login name")
    EMAIL = "email", _("E-mail")
    FIRST_NAME = "first_name", _("First name")
    LAST_NAME = "last_name", _("Last name")
    PHONE = "phone", _("Phone")
    MOBILE = "mobile", _("Mobile")
    ROOM = "room", _("Room")
    DEPARTMENT = "department", _("Department")
    STAFF_NUMBER = "staff_number", _("Staff number")
    MANAGER = "manager", _("Manager")


NEEDED_ATTRIBUTES = (Attribute.ID, Attribute.LOGIN_NAME, Attribute.EMAIL)


@dataclass(frozen=True)
class Preset:
    user_filter: str
    attributes: Mapping[str, str]
    login_attributes: tuple[str, ...] = ()  # which people type besides login name and e-mail
    nests_by_rule: bool = False  # the server resolves nested groups itself


_COMMON: dict[str, str] = {
    Attribute.LOGIN_NAME: "uid",
    Attribute.EMAIL: "mail",
    Attribute.FIRST_NAME: "givenName",
    Attribute.LAST_NAME: "sn",
    Attribute.PHONE: "telephoneNumber",
    Attribute.MOBILE: "mobile",
    Attribute.ROOM: "roomNumber",
    Attribute.DEPARTMENT: "departmentNumber",
    Attribute.STAFF_NUMBER: "employeeNumber",
    Attribute.MANAGER: "manager",
}
PRESETS: Mapping[str, Preset] = {
    DirectoryKind.ACTIVE_DIRECTORY: Preset(
        user_filter="(&(objectCategory=person)(objectClass=user))",
        attributes=_COMMON
        | {
            Attribute.ID: "objectGUID",
            Attribute.LOGIN_NAME: "sAMAccountName",
            Attribute.ROOM: "physicalDeliveryOfficeName",
            Attribute.DEPARTMENT: "department",
            Attribute.STAFF_NUMBER: "employeeID",
        },
        login_attributes=("userPrincipalName",),
        nests_by_rule=True,
    ),
    DirectoryKind.OPENLDAP: Preset(
        user_filter="(objectClass=inetOrgPerson)",
        attributes=_COMMON | {Attribute.ID: "entryUUID"},
    ),
    DirectoryKind.OTHER: Preset(
        user_filter="(objectClass=person)",
        attributes=_COMMON | {Attribute.ID: "nsUniqueId"},
    ),
}
