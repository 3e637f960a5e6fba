"""Who somebody is that an identity provider has signed in, and what their groups let them do."""

from collections.abc import Mapping
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts import openid_connect, queries
from appliance.accounts.models import IdentityProvider, Role, User
from appliance.accounts.permissions import require_admin
from appliance.accounts.services import confirmations, customers, people
from appliance.accounts.services.directory_people import AccessChange, change_directory_access
from appliance.core import audit
from appliance.core.clean_text import clean_email
from appliance.core.errors import BadInputError

ROLE_ORDER = (Role.CUSTOMER, Role.AGENT, Role.ADMIN)
MAX_NAME = 80
Claims = Mapping[str, Any]


@transaction.atomic
def find_or_create_user(*, provider: IdentityProvider, claims: Claims) -> User:
    """Return the user of verified claims, with the role and teams of their groups.

    Raises BadInputError with the reason where nobody may be let in.
    """
    subject = str(claims["sub"])[:255]
    identities = provider.identities.select_related("user")
    identity = identities.filter(subject=subject).first()
    user = identity.user if identity else _find_or_create_by_email(provider, claims)
    if not user.is_active:
        raise BadInputError(_("This account is deactivated. Ask an administrator."))
    if identity is None:
        _remember(provider, subject, user)
    if provider.groups_claim and provider.group_rules:
        _apply_groups(provider, claims, user)
    return User.objects.get(pk=user.pk)


def _find_or_create_by_email(provider: IdentityProvider, claims: Claims) -> User:
    email = _verified_email(provider, claims)
    user = queries.find_user(email=email)
    if user is None:
        return _create_user(provider, claims, email)
    if not provider.links_accounts:
        raise BadInputError(
            _(
                "%(email)s has an account here already. Sign in with your password, or ask an "
                "administrator to allow this way for existing accounts."
            )
            % {"email": email}
        )
    if not user.email_confirmed_at:
        _take_from_stranger(user)
    return user


def _verified_email(provider: IdentityProvider, claims: Claims) -> str:
    email = clean_email(str(claims.get(provider.email_claim) or ""))
    if "@" not in email:
        raise BadInputError(
            _("%(name)s has sent no e-mail address of you. Ask whoever runs it.")
            % {"name": provider}
        )
    is_verified = claims.get("email_verified") in (True, "true")
    if not (is_verified or provider.is_trusted_for_email):
        raise BadInputError(
            _("%(name)s has not verified that %(email)s is yours. Ask whoever runs it.")
            % {"name": provider, "email": email}
        )
    return email


def _create_user(provider: IdentityProvider, claims: Claims, email: str) -> User:
    if not provider.creates_customers:
        raise BadInputError(
            _("%(email)s has no account here. Ask an administrator for one.") % {"email": email}
        )
    full_name = str(claims.get("name") or email.partition("@")[0])
    first_name = str(claims.get("given_name") or full_name)[:MAX_NAME]
    last_name = str(claims.get("family_name") or "")[:MAX_NAME]
    user = people.add_user(email=email, first_name=first_name, last_name=last_name, password=None)
    audit.record_change(by=None, verb="added", subject=user, data={"by": str(provider)})
    customers.ensure_customer_of(user)
    return user


def _take_from_stranger(user: User) -> None:
    """Give a log-in that anybody may have registered to the owner of its address alone."""
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.unlinked_at:
        raise BadInputError(
            _("An administrator has unlinked your account. Ask an agent to correct this.")
        )
    locked.set_unusable_password()
    locked.save(update_fields=["password"])
    Authenticator.objects.filter(user=locked).delete()
    people.end_sessions(person=locked)
    confirmations.confirm_person(locked, by=locked)


def _remember(provider: IdentityProvider, subject: str, user: User) -> None:
    try:
        with transaction.atomic():
            provider.identities.create(subject=subject, user=user)
    except IntegrityError:  # the same browser twice
        return
    audit.record_change(
        by=None, verb="changed", subject=user, data={"signs in with": str(provider)}
    )


def _apply_groups(provider: IdentityProvider, claims: Claims, user: User) -> None:
    groups = claims.get(provider.groups_claim)
    names = {str(name) for name in groups} if isinstance(groups, list) else {str(groups)}
    rules = provider.group_rules
    matching = [rule for rule in rules if rule["group"] in names]
    role = max(
        (Role(rule["role"]) for rule in matching), key=ROLE_ORDER.index, default=Role.CUSTOMER
    )
    governed = {rule["team"] for rule in rules} - {None}
    teams = {rule["team"] for rule in matching} - {None} if role != Role.CUSTOMER else set()
    present = set(user.memberships.values_list("team", flat=True))
    change = AccessChange(
        user=user,
        role=role if role != user.role else None,
        joins=teams - present,
        leaves=present & governed - teams,
    )
    if change.role or change.joins or change.leaves:
        change_directory_access([change])


# --- the settings of a provider


@transaction.atomic
def add_identity_provider(*, by: User, **fields: Any) -> IdentityProvider:
    require_admin(by)
    provider = IdentityProvider.objects.create(**_clean(fields))
    audit.record_change(by=by, verb="added", subject=provider, data={"issuer": provider.issuer})
    return provider


@transaction.atomic
def change_identity_provider(
    *, identity_provider: IdentityProvider, by: User, **fields: Any
) -> None:
    """Change the settings; an empty secret keeps the present one."""
    require_admin(by)
    locked = IdentityProvider.objects.select_for_update().get(pk=identity_provider.pk)
    values = _clean(fields)
    secret = values.pop("client_secret", "")
    audit.update_fields(locked, by=by, **values)
    if secret and secret != locked.client_secret:
        locked.client_secret = secret
        locked.save(update_fields=["client_secret"])
        audit.record_change(by=by, verb="changed", subject=locked, data={"what": "client secret"})
    identity_provider.refresh_from_db()


def try_identity_provider(*, provider: IdentityProvider | None, fields: dict[str, Any]) -> None:
    """Try settings that are not stored yet. Raises BadInputError with what is wrong.

    The stored secret is used where none was typed, for the server it was entered for alone.
    """
    values = _clean(fields)
    if provider and not values["client_secret"]:
        if (values["issuer"], values["client_id"]) != (provider.issuer, provider.client_id):
            raise BadInputError(
                _("Enter the secret again, because the issuer or the client ID is another."),
                field="client_secret",
            )
        values["client_secret"] = provider.client_secret
    try:
        openid_connect.check(IdentityProvider(**values))
    except openid_connect.ProviderError as error:
        raise BadInputError(str(error)) from error


@transaction.atomic
def remove_identity_provider(*, identity_provider: IdentityProvider, by: User) -> None:
    """Remove a provider; its users sign in with a password, which a link lets them choose."""
    require_admin(by)
    audit.record_change(by=by, verb="removed", subject=identity_provider)
    identity_provider.delete()


def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    issuer = fields["issuer"].strip()
    if not issuer.startswith(("https://", "http://localhost", "http://127.0.0.1")):
        raise BadInputError(_("The issuer must start with https://."), field="issuer")
    return fields | {"issuer": issuer.removesuffix("/.well-known/openid-configuration")}
