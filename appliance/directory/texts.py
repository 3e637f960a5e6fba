"""Problems of a directory and of its entries, in plain words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.accounts.models import Role

PROBLEMS: Mapping[str, Promise] = {
    # the connection
    "name_unknown": gettext_lazy(
        "The name %(host)s is unknown. Check the spelling and this machine's DNS server."
    ),
    "refused": gettext_lazy(
        "%(host)s refuses connections on port %(port)s. Check the port and the security setting."
    ),
    "timed_out": gettext_lazy(
        "%(host)s does not answer on port %(port)s. Is it switched on? Does a firewall block it?"
    ),
    "connection_failed": gettext_lazy("The connection to %(host)s broke: %(reason)s."),
    "no_tls": gettext_lazy(
        "%(host)s does not speak TLS on port %(port)s. Port 636 needs LDAPS, port 389 StartTLS."
    ),
    "starttls_refused": gettext_lazy("%(host)s refuses StartTLS. Try LDAPS."),
    "certificate_untrusted": gettext_lazy(
        "The certificate of %(host)s is not trusted: %(reason)s. Issuer: %(issuer)s. Fingerprint "
        "(SHA-256): %(fingerprint)s. Enter the CA certificate of your directory, or the name "
        "that is in the certificate."
    ),
    "plain_text_refused": gettext_lazy(
        "%(host)s is another machine: without TLS, passwords would be readable on the network. "
        "Choose LDAPS or StartTLS."
    ),
    "no_servers": gettext_lazy("No server is entered."),
    "busy": gettext_lazy("Too many people are waiting for the directory."),
    "deadline": gettext_lazy("The directory did not answer in time."),
    # the bind and the search
    "bind_refused": gettext_lazy(
        "%(host)s refuses the bind name or its password. Check both; a bind name is a full DN or, "
        "in Active Directory, name@domain."
    ),
    "bind_password_missing": gettext_lazy(
        "The password of the bind name is missing or cannot be read any more. Enter it again."
    ),
    "bind_failed": gettext_lazy("%(host)s refuses to sign in: %(reason)s."),
    "base_not_found": gettext_lazy("The base DN %(dn)s does not exist on this server."),
    "base_elsewhere": gettext_lazy(
        "The base DN %(dn)s is on another server, to which this one refers. Enter that server."
    ),
    "filter_invalid": gettext_lazy("The user filter is not valid LDAP: %(reason)s."),
    "search_failed": gettext_lazy("The search failed: %(reason)s."),
    "nobody": gettext_lazy("The search finds nobody. Check base DN and user filter."),
    "person_not_there": gettext_lazy(
        "Nobody of this name. Try the login name or the e-mail address, then check base DN and "
        "user filter."
    ),
    # a sync
    "too_many_disabled": gettext_lazy(
        "%(count)s of %(total)s people would lose their account or role, more than %(percent)s %%. "
        "Nothing was taken away. Check base DN, user filter and groups. If this is right, apply it."
    ),
    "empty_answer": gettext_lazy(
        "The directory lists nobody, although %(total)s people come from it. Nothing was changed. "
        "Check base DN and user filter."
    ),
    "worker_stopped": gettext_lazy("The sync failed unexpectedly. The log has the details."),
    # one entry
    "group_missing": gettext_lazy(
        "The group %(dn)s does not exist. Roles and teams were left as they are."
    ),
    "email_missing": gettext_lazy("Has no e-mail address: known by name only, cannot sign in."),
    "email_invalid": gettext_lazy("%(email)s is not an e-mail address: cannot sign in."),
    "email_foreign": gettext_lazy(
        "%(email)s is in none of the directory's e-mail domains: left out."
    ),
    "email_twice": gettext_lazy("%(email)s belongs to several entries: left out."),
    "email_taken": gettext_lazy(
        "%(email)s belongs to another customer here: the old address stays. Merge the two."
    ),
    "local_account": gettext_lazy(
        "%(email)s has an account here already, which was left alone. Let the directory link "
        "existing accounts, or change its address."
    ),
    "last_local_admin": gettext_lazy(
        "%(email)s is the last administrator with a password of this help desk, who gets in when "
        "the directory is down. The account was left alone."
    ),
    "other_directory": gettext_lazy("%(email)s comes from another directory: left alone."),
    "id_missing": gettext_lazy("Has no unchangeable id (%(attribute)s): left out."),
    "last_admin": gettext_lazy(
        "Is the last administrator: role and account were left as they are."
    ),
}

FIELDS: Mapping[str, Promise] = {
    "email": gettext_lazy("E-mail"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "phone": gettext_lazy("Phone"),
    "mobile": gettext_lazy("Mobile"),
    "room": gettext_lazy("Room"),
    "department": gettext_lazy("Department"),
    "staff_number": gettext_lazy("Staff number"),
    "user": gettext_lazy("User account"),
}
# What happened to one person in a sync.
OUTCOMES: Mapping[str, Promise] = {
    "new": gettext_lazy("new"),
    "linked": gettext_lazy("linked with a record that existed"),
    "changed": gettext_lazy("changed"),
    "unchanged": gettext_lazy("unchanged"),
    "left out": gettext_lazy("left out"),
    "disabled": gettext_lazy("account deactivated"),
    "enabled": gettext_lazy("account reactivated"),
    "missing": gettext_lazy("no longer listed"),
    "role changed": gettext_lazy("role changed"),
    "teams changed": gettext_lazy("teams changed"),
    "managers": gettext_lazy("managers changed"),
    "problem": gettext_lazy("problem"),
    "problems": gettext_lazy("problems"),
}


def describe_row(row: Mapping[str, object]) -> dict[str, object]:
    """Return name, outcome and details of a row of a sync, as it is shown."""
    details = ""
    if row["outcome"] == "problem":
        details = describe(row)
    elif fields := row.get("fields"):
        labels = (FIELDS.get(name, name) for name in fields) if isinstance(fields, list) else ()
        details = ", ".join(map(str, labels))
    elif role := row.get("role"):
        details = str(Role(str(role)).label)
    outcome = OUTCOMES.get(str(row["outcome"]), "")
    return {"name": row.get("name", ""), "email": row.get("email", ""), "outcome": outcome} | {
        "details": details,
        "is_problem": row["outcome"] == "problem",
    }


def describe(problem: Mapping[str, object]) -> str:
    """Return a problem that was stored as code and details; empty for none."""
    if not problem:
        return ""
    text = PROBLEMS.get(str(problem["code"]))
    return str(text) % problem if text else _("Unknown problem.")
