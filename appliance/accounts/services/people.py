"""Verbs on those who log in: added, changed, given a role, shut out and let in again."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from appliance.accounts import queries
from appliance.accounts.models import Invitation, Role, User
from appliance.accounts.services.passwords import check_password
from appliance.accounts.services.recording import change
from appliance.accounts.services.rights import refuse_unless_admin
from appliance.accounts.services.unchanged import UNCHANGED
from appliance.core import audit, cache
from appliance.core.errors import BadInputError


def add_user(
    *,
    email: str,
    first_name: str,
    last_name: str = "",
    role: Role = Role.CUSTOMER,
    password: str | None,
) -> User:
    """A new log-in. ``password=None`` makes one that cannot log in until a password is set.

    Raises BadInputError when the address has a log-in already or the password is too weak.
    """
    user = User(email=email.strip().lower(), first_name=first_name, last_name=last_name, role=role)
    if password is None:
        user.set_unusable_password()
    else:
        check_password(password, user)
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(user.email) from error
    cache.changed(cache.TEAMS)  # lists of people are kept with those of teams
    return user


@transaction.atomic
def add_person(
    *, by: User, email: str, first_name: str, last_name: str = "", role: Role = Role.AGENT
) -> User:
    """Somebody who logs in once they have set a password: call ``invite`` for the link."""
    refuse_unless_admin(by)
    person = add_user(
        email=email, first_name=first_name, last_name=last_name, role=role, password=None
    )
    audit.record(by=by, verb="added", subject=person, data={"role": str(role)})
    return person


@transaction.atomic
def change_person(
    *,
    person: User,
    by: User,
    email: str,
    first_name: str,
    last_name: str,
    business_hours: object = UNCHANGED,
) -> None:
    """Name, e-mail and working hours. Raises BadInputError when the address is somebody else's."""
    refuse_unless_admin(by)
    email = email.strip().lower()
    values: dict = {"email": email, "first_name": first_name, "last_name": last_name}
    if business_hours is not UNCHANGED:
        values["business_hours"] = business_hours
    if change(lock(person), by=by, taken=_taken(email), **values):
        cache.changed(cache.TEAMS)
    person.refresh_from_db()


@transaction.atomic
def set_role(*, person: User, role: Role, by: User) -> None:
    """Raises BadInputError for the last active admin. Whoever is logged in must do so again."""
    refuse_unless_admin(by)
    if role != Role.ADMIN:
        refuse_last_admin(person, field="role")
    locked = lock(person)
    if change(locked, by=by, role=Role(role)):
        end_sessions(person=locked)
        cache.changed(cache.TEAMS)
    person.refresh_from_db()


@transaction.atomic
def deactivate(*, person: User, by: User) -> None:
    """Nobody logs in as them from this moment on; what they did stays.

    Their open tickets are handed over one floor up, by ``desk.services.deactivate_person``.
    """
    refuse_unless_admin(by)
    refuse_last_admin(person, field="")
    locked = lock(person)
    if locked.is_active:
        locked.is_active = False
        locked.save(update_fields=["is_active"])
        end_sessions(person=locked)
        Invitation.objects.filter(person=locked).delete()
        audit.record(by=by, verb="deactivated", subject=locked)
        cache.changed(cache.TEAMS)
    person.refresh_from_db()


@transaction.atomic
def reactivate(*, person: User, by: User) -> None:
    """They log in again with the password they had."""
    refuse_unless_admin(by)
    locked = lock(person)
    if locked.anonymised_at:
        raise BadInputError(_("This person was made anonymous. Add them anew."))
    if not locked.is_active:
        locked.is_active = True
        locked.save(update_fields=["is_active"])
        audit.record(by=by, verb="reactivated", subject=locked)
        cache.changed(cache.TEAMS)
    person.refresh_from_db()


def end_sessions(*, person: User) -> None:
    """Log the person out everywhere: no cookie made before fits the new number."""
    person.session_epoch += 1
    person.save(update_fields=["session_epoch"])


def lock(person: User) -> User:
    return User.objects.select_for_update().get(pk=person.pk)


def refuse_last_admin(person: User, *, field: str) -> None:
    """Raises BadInputError when the desk would be left without an admin.

    All admins are locked, so that two who demote each other at once do not both succeed.
    """
    list(User.objects.select_for_update().filter(role=Role.ADMIN).order_by("pk"))
    if queries.is_last_admin(person):
        raise BadInputError(
            _("%(name)s is the last admin of this desk. Make somebody else an admin first.")
            % {"name": person},
            field=field,
        )


def _taken(email: str) -> BadInputError:
    return BadInputError(
        _("%(email)s has an account already. Log in with it instead.") % {"email": email},
        field="email",
    )
