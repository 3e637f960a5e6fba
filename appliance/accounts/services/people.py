"""Writes to users: passwords, roles, profile, and the links that let them in."""

from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.choices import is_language, is_time_zone
from appliance.accounts.models import Customer, EmailConfirmation, Invitation, Role, SetupLink, User
from appliance.accounts.permissions import require_admin
from appliance.accounts.security import generate_token, hash_token
from appliance.accounts.services.access import publish_lost_access
from appliance.core import audit, cache
from appliance.core.audit import ANONYMOUS, update_fields
from appliance.core.clean_text import clean_email
from appliance.core.errors import BadInputError
from appliance.core.types import UNSET, Unset


def set_password(*, user: User, password: str) -> None:
    """Set a password; sessions of the old one and links to set another end.

    Raises BadInputError when it is too weak.
    """
    _refuse_password_of_directory(user)
    check_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    user.sessions.all().delete()
    Invitation.objects.filter(person=user).delete()


def check_password(password: str, user: User) -> None:
    """Raise BadInputError when the password is too weak for this user."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadInputError(" ".join(error.messages), field="password") from error


def add_user(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    role: Role = Role.CUSTOMER,
    password: str | None,
    is_confirmed: bool = True,
) -> User:
    """Create a user. With ``password=None`` they cannot log in until a password is set.

    ``is_confirmed`` is False for somebody who registers: nothing has shown that the address is
    theirs. Raises BadInputError when the address has a user already or the password is too weak.
    """
    user = User(email=clean_email(email), first_name=first_name, last_name=last_name, role=role)
    user.email_confirmed_at = timezone.now() if is_confirmed else None
    if password is None:
        user.set_unusable_password()
    else:
        check_password(password, user)
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise _email_taken_error(user.email) from error
    cache.invalidate(cache.TEAMS)  # cached lists of users depend on TEAMS
    return user


@transaction.atomic
def add_person(
    *, by: User, email: str, first_name: str, last_name: str = "", role: Role = Role.AGENT
) -> User:
    """Create a user without a password; call ``invite`` for the link to set one."""
    require_admin(by)
    person = add_user(
        email=email, first_name=first_name, last_name=last_name, role=role, password=None
    )
    audit.record_change(by=by, verb="added", subject=person, data={"role": str(role)})
    return person


@transaction.atomic
def change_person(
    *,
    person: User,
    by: User,
    email: str,
    first_name: str,
    last_name: str,
    business_hours: Model | Unset | None = UNSET,
) -> None:
    """Change name, e-mail and working hours. Raises BadInputError when the address is taken."""
    require_admin(by)
    email = clean_email(email)
    locked = _lock(person)
    refuse_directory_values(locked, email=email, first_name=first_name, last_name=last_name)
    if email != locked.email:
        _void_sent_links(locked)
    if update_fields(
        locked,
        by=by,
        duplicate_error=_email_taken_error(email),
        email=email,
        first_name=first_name,
        last_name=last_name,
        business_hours=locked.business_hours if business_hours is UNSET else business_hours,
    ):
        cache.invalidate(cache.TEAMS)
    person.refresh_from_db()


def replace_address(*, person: User, email: str) -> None:
    """Give a log-in another address, which is theirs. The user must be locked.

    Raises BadInputError when the address is taken.
    """
    _void_sent_links(person)
    taken = _email_taken_error(email)
    update_fields(person, by=person, duplicate_error=taken, email=email)
    cache.invalidate(cache.TEAMS)


def _void_sent_links(person: User) -> None:
    """Void the links that were sent to the address a log-in had until now."""
    Invitation.objects.filter(person=person, created_by=None).delete()
    EmailConfirmation.objects.filter(person=person).delete()


@transaction.atomic
def set_role(*, person: User, role: Role, by: User) -> None:
    """Change the role and end all sessions; tickets they may no longer answer are unassigned.

    Raises BadInputError for the last active admin.
    """
    require_admin(by)
    if role != Role.ADMIN:
        require_another_admin(person, field="role")
    locked = _lock(person)
    if update_fields(locked, by=by, role=Role(role)):
        end_sessions(person=locked)
        cache.invalidate(cache.TEAMS)
        publish_lost_access(by=by)
    person.refresh_from_db()


@transaction.atomic
def deactivate_person(*, person: User, by: User) -> None:
    """End all sessions and refuse log-in; what the user did stays, open tickets are unassigned."""
    require_admin(by)
    require_another_admin(person, field="")
    locked = _lock(person)
    if locked.is_active:
        locked.is_active = False
        locked.save(update_fields=["is_active"])
        end_sessions(person=locked)
        Invitation.objects.filter(person=locked).delete()
        audit.record_change(by=by, verb="deactivated", subject=locked)
        cache.invalidate(cache.TEAMS)
        publish_lost_access(by=by)
    person.refresh_from_db()


@transaction.atomic
def reactivate_person(*, person: User, by: User) -> None:
    """Allow log-in again, with the old password."""
    require_admin(by)
    locked = _lock(person)
    if locked.anonymised_at:
        raise BadInputError(_("This person has been anonymised. Create a new user instead."))
    if not locked.is_active:
        locked.is_active = True
        locked.save(update_fields=["is_active"])
        audit.record_change(by=by, verb="reactivated", subject=locked)
        cache.invalidate(cache.TEAMS)
    person.refresh_from_db()


@transaction.atomic
def erase_person(*, person: User, by: User) -> None:
    """Erase name, address and password of a user, who can no longer log in.

    ``web.services`` calls this, which records it and erases what the other rooms know.
    """
    locked = _lock(person)
    locked.email = f"anonymous-person-{locked.pk}@invalid"
    locked.first_name, locked.last_name, locked.signature = ANONYMOUS, "", ""
    locked.is_active = locked.is_away = locked.is_from_directory = False
    locked.set_unusable_password()
    locked.session_epoch += 1
    locked.sessions.all().delete()
    locked.anonymised_at = timezone.now()
    locked.save()
    cache.invalidate(cache.TEAMS)
    publish_lost_access(by=by)
    person.refresh_from_db()


def refuse_directory_values(subject: User | Customer, **values: str) -> None:
    """Raise BadInputError where a value differs that the directory decides about."""
    if not subject.is_from_directory:
        return
    for name, value in values.items():
        if getattr(subject, name) != value:
            raise BadInputError(
                _("This comes from the directory. Have it changed there."), field=name
            )


def _refuse_password_of_directory(person: User) -> None:
    if person.is_from_directory:
        raise BadInputError(
            _("%(name)s signs in with the password of the directory. Have it changed there.")
            % {"name": person},
            field="password",
        )


def end_sessions(*, person: User) -> None:
    """Log the user out everywhere: existing session cookies no longer match."""
    person.session_epoch += 1
    person.save(update_fields=["session_epoch"])
    person.sessions.all().delete()


def _lock(person: User) -> User:
    """Lock the user against other changes, not against tickets that refer to them."""
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def require_another_admin(person: User, *, field: str) -> None:
    """Raise BadInputError when the user is the last active admin.

    Locks all admins, so that two who demote each other at once do not both succeed.
    """
    admins = User.objects.select_for_update(no_key=True).filter(role=Role.ADMIN)
    list(admins.order_by("pk"))
    if queries.is_last_admin(person):
        raise BadInputError(
            _("%(name)s is the last administrator. Make another user an administrator first.")
            % {"name": person},
            field=field,
        )


def _email_taken_error(email: str) -> BadInputError:
    return BadInputError(
        _("%(email)s already has an account. Sign in with it instead.") % {"email": email},
        field="email",
    )


@transaction.atomic
def change_profile(
    *,
    person: User,
    first_name: str,
    last_name: str,
    language: str = "",
    time_zone: str = "",
    signature: str = "",
    is_away: bool = False,
) -> None:
    """Change the user's own profile, and the name of their customer record.

    Empty language or time zone: the site's. ``signature`` and ``is_away`` apply to agents only.
    """
    if language and not is_language(language):
        raise BadInputError(
            _("This language is not available. Choose another one."), field="language"
        )
    if time_zone and not is_time_zone(time_zone):
        raise BadInputError(_("Choose a time zone from the list."), field="time_zone")
    locked = _lock(person)
    refuse_directory_values(locked, first_name=first_name, last_name=last_name)
    if update_fields(
        locked,
        by=locked,
        first_name=first_name,
        last_name=last_name,
        language=language,
        time_zone=time_zone,
        signature=signature if locked.is_agent else locked.signature,
        is_away=is_away if locked.is_agent else locked.is_away,
    ):
        cache.invalidate(cache.TEAMS)  # cached lists of users depend on TEAMS
    if hasattr(locked, "customer"):
        update_fields(locked.customer, by=locked, first_name=first_name, last_name=last_name)
    cache.invalidate(cache.TICKETS)
    person.refresh_from_db()


INVITATION_DAYS = 7


@transaction.atomic
def invite(*, person: User, by: User, customer: Customer | None = None) -> str:
    """Return the token of a new link, valid once and for a week; earlier links end.

    Only the hash of the token is stored. ``customer`` is whose log-in this becomes when it is used.
    """
    require_admin(by)
    person = _lock(person)
    _refuse_password_of_directory(person)
    if not person.is_active:
        raise BadInputError(
            _("%(name)s is deactivated. Reactivate the account first.") % {"name": person}
        )
    Invitation.objects.filter(person=person).delete()
    token = generate_token()
    Invitation.objects.create(
        person=person,
        created_by=by,
        customer=customer,
        token_sha256=hash_token(token),
        expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
    )
    audit.record_change(by=by, verb="invited", subject=person)
    return token


SETUP_LINK_HOURS = 24


@transaction.atomic
def create_setup_link() -> str:
    """Return a new single-use token for the set-up page; earlier tokens stop working."""
    SetupLink.objects.all().delete()
    token = generate_token()
    SetupLink.objects.create(
        token_sha256=hash_token(token),
        expires_at=timezone.now() + timedelta(hours=SETUP_LINK_HOURS),
    )
    return token


def consume_setup_link(token: str) -> bool:
    """Delete the link; return False when it was used. Call inside the set-up transaction."""
    deleted, _ = SetupLink.objects.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now()
    ).delete()
    return deleted == 1
