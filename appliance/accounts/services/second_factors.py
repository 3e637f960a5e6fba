"""Second factors of log-ins: the use of a code, the record of changes, the reset by an admin."""

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from appliance.accounts import queries
from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.accounts.services import confirmations, people
from appliance.core import audit
from appliance.core import queries as core_queries

CHANGES = {
    "authenticator app set up": gettext_lazy("An authenticator app was set up."),
    "authenticator app removed": gettext_lazy("The authenticator app was removed."),
    "security key added": gettext_lazy("A security key or passkey was added."),
    "security key removed": gettext_lazy("A security key or passkey was removed."),
    "recovery codes created": gettext_lazy("New recovery codes were created; the old ones end."),
    "second factor reset": gettext_lazy(
        "Your second factor was reset. You sign in with your password alone now."
    ),
}


@transaction.atomic
def use_code(*, person: User, code: str) -> Authenticator | None:
    """Accept a code of the authenticator app or a recovery code, each once; None for a wrong one.

    The number of the last code is kept with the app: neither that code nor an older one counts
    again, whatever happens to the cache.
    """
    factors = Authenticator.objects.select_for_update().filter(user=person)
    for factor in factors.exclude(type=Authenticator.Type.WEBAUTHN):
        is_totp = factor.type == Authenticator.Type.TOTP
        if _use_totp(factor, code) if is_totp else factor.wrap().validate_code(code):
            return factor
    return None


def _use_totp(factor: Authenticator, code: str) -> bool:
    secret, code = decrypt(factor.data["secret"]), "".join(code.split())
    if not secret:  # SECRET_KEY was replaced
        return False
    for counter in totp.yield_hotp_counters_from_time():
        is_new = counter > factor.data.get("last_counter", 0)
        if is_new and totp.format_hotp_value(totp.hotp_value(secret, counter)) == code:
            factor.data["last_counter"] = counter
            factor.save(update_fields=["data"])
            return True
    return False


@transaction.atomic
def record_second_factor(*, person: User, change: str, by: User | None) -> None:
    """Record a change of a second factor in the audit log, and tell the user by e-mail."""
    audit.record_change(by=by, verb="changed", subject=person, data={"what": change})
    with override(person.language or core_queries.locale_defaults()[0]):
        confirmations.send_login_notice(
            email=person.email,
            subject=_("Your sign-in was changed"),
            body=_(
                "%(change)s\n\nIf this was not you, change your password and tell an administrator."
            )
            % {"change": CHANGES[change]},
        )


@transaction.atomic
def reset_second_factor(*, person: User, by: User | None) -> bool:
    """Remove every factor of a user and end their sessions; False if there was none.

    ``by=None``: somebody at the machine of the help desk.
    """
    if by is not None:
        require_admin(by)
    count, _per_model = Authenticator.objects.filter(user=person).delete()
    if not count:
        return False
    people.end_sessions(person=person)
    record_second_factor(person=person, change="second factor reset", by=by)
    return True


def may_remove(factor: Authenticator) -> bool:
    """Return whether the user may do without this factor: another remains, or none is required."""
    others = queries.list_second_factors(factor.user).exclude(pk=factor.pk)
    return others.exists() or not queries.is_second_factor_required(factor.user)
