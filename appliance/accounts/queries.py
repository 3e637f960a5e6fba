"""Reads of users, teams, customers and organisations, scoped to the viewer where it matters."""

from typing import TypeVar
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from appliance.accounts.models import (
    Customer,
    EmailConfirmation,
    IdentityProvider,
    Invitation,
    LoginAttempt,
    Membership,
    Organisation,
    Right,
    Role,
    Session,
    SetupLink,
    Team,
    User,
)
from appliance.accounts.permissions import has_right
from appliance.accounts.security import fold_login_name, hash_token
from appliance.core import cache
from appliance.core import queries as core_queries
from appliance.core.clean_text import clean_email
from appliance.core.models import SecondFactorRule

T = TypeVar("T", bound=Model)
MAX_FILTER_WORDS = 5


# --- users


def find_user(*, email: str) -> User | None:
    """Return the user with this address, whatever its case."""
    email = clean_email(email)
    user = User.objects.filter(email__iexact=email).first()
    return user if user and is_same_address(user.email, email) else None


def is_same_address(address: str, other: str) -> bool:
    """Return whether two addresses differ in case alone.

    PostgreSQL compares capitals, so that to it ``mıke@`` is ``mike@``, which is another mailbox.
    """
    return address.lower() == other.lower()


def find_unconfirmed_login(*, email: str) -> User | None:
    """Return the log-in of this address, if nobody has confirmed that the address is theirs."""
    user = find_user(email=email)
    return user if user and user.email_confirmed_at is None else None


def has_admin() -> bool:
    """Return whether there is an active admin."""
    return User.objects.filter(role=Role.ADMIN, is_active=True).exists()


def is_last_admin(person: User) -> bool:
    """Return whether nobody else could let an admin in again."""
    admins = User.objects.filter(role=Role.ADMIN, is_active=True)
    return admins.filter(pk=person.pk).exists() and not admins.exclude(pk=person.pk).exists()


def list_agents() -> QuerySet[User]:
    """Return the active agents and admins, by name: a ticket can be assigned to each."""
    return User.objects.filter(role__in=[Role.AGENT, Role.ADMIN], is_active=True).order_by(
        "first_name", "last_name"
    )


def list_agents_with_access(team: int | OuterRef | None) -> QuerySet[User]:
    """Return the agents who can act on tickets of a team, given by id, or of none, by name.

    The tickets of a closed team are for its members and admins. Not cached: it holds within the
    transaction that changes a team.
    """
    # mypy_django_plugin refuses None, which matches no row
    is_closed = Exists(Team.objects.filter(pk=team, is_closed=True))  # type: ignore[misc]
    is_member = Exists(Membership.objects.filter(team=team, user=OuterRef("pk")))
    return list_agents().filter(Q(role=Role.ADMIN) | ~is_closed | is_member)


def list_people(viewer: User, *, text: str = "", role: str = "", state: str = "") -> QuerySet[User]:
    """Return users by name, for admins; to anybody else none.

    ``text`` is searched in names and address. ``role`` also takes "staff"; ``state`` is "active",
    "deactivated" or empty.
    """
    if not viewer.is_admin:
        return User.objects.none()
    people = _filter_by_name_or_email(User.objects.order_by("first_name", "last_name", "pk"), text)
    if role:
        people = people.filter(role__in=[Role.AGENT, Role.ADMIN] if role == "staff" else [role])
    if state:
        people = people.filter(is_active=state == "active")
    return people


def access_person(viewer: User, person_id: int) -> User:
    """Return the user, for admins; raises Http404 to everybody else."""
    return _get_or_404(list_people(viewer), person_id)


def list_sessions(viewer: User, person: User) -> list[Session]:
    """Return the open sessions of a user, last used first: one's own, or for admins anybody's."""
    if person != viewer and not viewer.is_admin:
        return []
    sessions = Session.objects.filter(user=person, expire_date__gt=timezone.now())
    rows = sessions.select_related("user").order_by("-active_at", "pk")
    return [session for session in rows if session.is_open]


def access_session(viewer: User, person: User, public_id: UUID) -> Session:
    """Return an open session of a user; raises Http404 when the viewer may not see it."""
    for session in list_sessions(viewer, person):
        if session.public_id == public_id:
            return session
    raise Http404


def list_login_attempts(viewer: User, *, email: str) -> QuerySet[LoginAttempt]:
    """Return when somebody signed in with an address or tried to, newest first, for admins."""
    attempts = LoginAttempt.objects.filter(name=fold_login_name(email)).order_by("-created_at")
    return attempts if viewer.is_admin else attempts.none()


def list_second_factors(person: User) -> QuerySet[Authenticator]:
    """Return the authenticator app and the keys of a user; recovery codes are no factor alone."""
    factors = Authenticator.objects.filter(user=person).order_by("pk")
    return factors.exclude(type=Authenticator.Type.RECOVERY_CODES)


def is_second_factor_required(person: User) -> bool:
    """Return whether this user must have a second factor.

    Not somebody whose address nobody has confirmed: the owner of the address could never get in.
    """
    if not person.email_confirmed_at:
        return False
    rule = core_queries.site_settings().second_factor
    return rule == SecondFactorRule.EVERYBODY or (
        rule == SecondFactorRule.AGENTS and person.is_agent
    )


def needs_second_factor(person: User) -> bool:
    """Return whether this user must have a second factor and has none."""
    return is_second_factor_required(person) and not list_second_factors(person).exists()


def list_identity_providers(viewer: User) -> QuerySet[IdentityProvider]:
    """Return the identity providers, for admins; to anybody else none."""
    providers = IdentityProvider.objects.order_by("name", "pk")
    return providers if viewer.is_admin else providers.none()


def access_identity_provider(viewer: User, provider_id: int) -> IdentityProvider:
    """Return the identity provider, for admins; raises Http404 to everybody else."""
    return _get_or_404(list_identity_providers(viewer), provider_id)


def list_offered_providers() -> QuerySet[IdentityProvider]:
    """Return the identity providers of the sign-in page."""
    return IdentityProvider.objects.filter(is_active=True).order_by("name", "pk")


def access_offered_provider(provider_id: int) -> IdentityProvider:
    """Return an identity provider of the sign-in page; raises Http404 for any other."""
    return _get_or_404(list_offered_providers(), provider_id)


def is_valid_setup_token(token: str) -> bool:
    """Return whether the set-up link of this token exists and has not expired."""
    return SetupLink.objects.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now()
    ).exists()


def access_invitation(token: str, *, lock: bool = False) -> Invitation:
    """Return the invitation of a link that is still valid; raises Http404 for any other."""
    invitations = Invitation.objects.select_for_update() if lock else Invitation.objects.all()
    invitation = invitations.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now(), person__is_active=True
    ).first()
    if invitation is None:
        raise Http404
    return invitation


def access_confirmation(viewer: User, token: str) -> EmailConfirmation:
    """Return the viewer's confirmation of a link that is still valid; raises Http404 otherwise."""
    confirmation = EmailConfirmation.objects.filter(
        token_sha256=hash_token(token), expires_at__gt=timezone.now(), person=viewer
    ).first()
    if confirmation is None:
        raise Http404
    return confirmation


# --- teams


def list_teams(*, only_active: bool = True) -> QuerySet[Team]:
    """Return the teams by name."""
    return Team.objects.filter(is_active=True) if only_active else Team.objects.all()


def access_team(viewer: User, team_id: int) -> Team:
    """Return the team, for admins; raises Http404 to everybody else."""
    return _get_or_404(Team.objects.all() if viewer.is_admin else Team.objects.none(), team_id)


def hidden_team_ids(viewer: User) -> list[int]:
    """Return the ids of the closed teams whose tickets this agent may not see, cached."""
    if viewer.is_admin:
        return []
    return cache.get_or_compute(
        "hidden_team_ids",
        [viewer.pk],
        lambda: list(
            Team.objects.filter(is_closed=True)
            .exclude(memberships__user=viewer)
            .values_list("pk", flat=True)
        ),
        depends_on=[cache.TEAMS],
    )


def closed_team_ids() -> list[int]:
    """Return the ids of the teams whose tickets only their members and admins see, cached."""
    return cache.get_or_compute(
        "closed_team_ids",
        [],
        lambda: list(Team.objects.filter(is_closed=True).values_list("pk", flat=True)),
        depends_on=[cache.TEAMS],
    )


def team_ids_of(viewer: User) -> list[int]:
    """Return the ids of the viewer's teams, cached."""
    return cache.get_or_compute(
        "team_ids_of",
        [viewer.pk],
        lambda: list(viewer.teams.values_list("pk", flat=True)),
        depends_on=[cache.TEAMS],
    )


# --- customers and organisations


def find_customer(*, email: str) -> Customer | None:
    """Return the customer with this address, whatever its case; none for an empty one."""
    email = clean_email(email)
    # the index leaves out customers without an address
    customer = Customer.objects.exclude(email="").filter(email__iexact=email).first()
    return customer if customer and is_same_address(customer.email, email) else None


def find_customer_to_choose(customer_id: int) -> Customer | None:
    """Return the customer that a form names, unless it is anonymised."""
    return Customer.objects.filter(pk=customer_id, anonymised_at=None).first()


def find_customer_of(person: User) -> Customer | None:
    """Return the customer whose user this is, with the organisation and the user."""
    return Customer.objects.select_related("organisation", "user").filter(user=person).first()


def is_in_sharing_organisation(customer: Customer) -> bool:
    """Return whether the customer's organisation shares the tickets of its members."""
    return customer.organisation is not None and customer.organisation.shares_tickets


def sees_colleagues_tickets(customer: Customer) -> bool:
    """Return whether the customer's log-in, once it is confirmed, sees those tickets."""
    return is_in_sharing_organisation(customer) and not customer.has_unconfirmed_login


def has_tickets_hidden_from(viewer: User, customer: Customer) -> bool:
    """Return whether the customer has tickets of closed teams that this agent may not see."""
    return customer.tickets.filter(team__in=hidden_team_ids(viewer)).exists()


def list_customers(
    viewer: User, *, text: str = "", organisation: Organisation | None = None
) -> QuerySet[Customer]:
    """Return customers by name, to users who may edit customers; to anybody else none."""
    if not has_right(viewer, Right.CUSTOMERS):
        return Customer.objects.none()
    customers = Customer.objects.select_related("organisation", "user")
    columns = ("user__email", "phone", "mobile", "staff_number", "room", "department")
    customers = _filter_by_name_or_email(customers, text, *columns)
    if organisation:
        customers = customers.filter(organisation=organisation)
    return customers.order_by("last_name", "first_name", "pk")


def only_unconfirmed(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """Keep the customers whose log-in nobody has confirmed."""
    return customers.filter(user__isnull=False, user__email_confirmed_at=None)


def access_customer(viewer: User, customer_id: int) -> Customer:
    """Return the customer; raises Http404 when the viewer may not edit customers."""
    return _get_or_404(list_customers(viewer), customer_id)


def list_organisations(viewer: User, *, text: str = "") -> QuerySet[Organisation]:
    """Return organisations by name, each with ``customer_count``, scoped as customers are."""
    if not has_right(viewer, Right.CUSTOMERS):
        return Organisation.objects.none()
    organisations = Organisation.objects.annotate(customer_count=Count("customers"))
    for word in _words(text):
        organisations = organisations.filter(name__icontains=word)
    return organisations.order_by("name", "pk")


def access_organisation(viewer: User, organisation_id: int) -> Organisation:
    """Return the organisation; raises Http404 when the viewer may not edit customers."""
    return _get_or_404(list_organisations(viewer), organisation_id)


def _filter_by_name_or_email(people: QuerySet[T], text: str, *columns: str) -> QuerySet[T]:
    """Keep users or customers with every word of ``text`` in a name, the address or ``columns``."""
    for word in _words(text):
        matches = Q()
        for column in ("first_name", "last_name", "email", *columns):
            matches |= Q(**{f"{column}__icontains": word})
        people = people.filter(matches)
    return people


def _words(text: str) -> list[str]:
    return text.replace("\0", "").split()[:MAX_FILTER_WORDS]


def _get_or_404(queryset: QuerySet[T], pk: int) -> T:
    instance = queryset.filter(pk=pk).first()
    if instance is None:
        raise Http404
    return instance
