"""Reads on those who log in."""

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import Invitation, Role, SetupLink, User
from appliance.accounts.tokens import hash_token


def find_user(*, email: str) -> User | None:
    return User.objects.filter(email__iexact=email.strip()).first()


def has_admin() -> bool:
    return User.objects.filter(role=Role.ADMIN, is_active=True).exists()


def is_last_admin(person: User) -> bool:
    """Whether nobody else could let an admin in again."""
    admins = User.objects.filter(role=Role.ADMIN, is_active=True)
    return admins.filter(pk=person.pk).exists() and not admins.exclude(pk=person.pk).exists()


def is_setup_token(token: str) -> bool:
    return SetupLink.objects.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now()
    ).exists()


def access_invitation(token: str, *, lock: bool = False) -> Invitation:
    """The invitation of a link that is still good. Raises Http404 for any other."""
    rows = Invitation.objects.select_for_update() if lock else Invitation.objects
    row = rows.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now(), person__is_active=True
    ).first()
    if row is None:
        raise Http404
    return row


def list_agents() -> QuerySet[User]:
    """Whoever a ticket can be given to, by name."""
    return User.objects.filter(role__in=[Role.AGENT, Role.ADMIN], is_active=True).order_by(
        "first_name", "last_name"
    )


def list_people(viewer: User, *, text: str = "", role: str = "", state: str = "") -> QuerySet[User]:
    """For admins: log-ins by name. ``role`` also takes "staff", ``state`` active or deactivated."""
    if not viewer.is_admin:
        return User.objects.none()
    people = User.objects.order_by("first_name", "last_name", "pk")
    for word in text.replace("\0", "").split()[:5]:
        people = people.filter(
            Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
        )
    if role:
        people = people.filter(role__in=[Role.AGENT, Role.ADMIN] if role == "staff" else [role])
    if state:
        people = people.filter(is_active=state == "active")
    return people


def access_person(viewer: User, person_id: int) -> User:
    """For admins; Http404 to everybody else."""
    person = list_people(viewer).filter(pk=person_id).first()
    if person is None:
        raise Http404
    return person
