"""Sections of users, teams, organisations and customers."""

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Count, Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Organisation, Right, Role, Team, User
from appliance.accounts.permissions import AuthenticatedRequest, has_right
from appliance.core.forms import Form
from appliance.directory import queries as directory_queries
from appliance.manage.forms import people as forms
from appliance.manage.sections.section import Column, Section, filter_by_name


def may_edit_customers(user: User) -> bool:
    return has_right(user, Right.CUSTOMERS)


FormT = TypeVar("FormT", bound=Form)


def _without_decided(form: FormT, entry: User | Customer | None) -> FormT:
    """Return the form with the fields read-only that a directory decides about."""
    names = directory_queries.list_decided_fields(entry) if entry else set()
    for name in names & form.fields.keys():
        form.fields[name].disabled = True
        form.fields[name].help_text = _("This comes from the directory. Have it changed there.")
    return form


@transaction.atomic
def _change_person(
    *,
    person: User,
    by: User,
    role: str,
    email: str,
    first_name: str,
    last_name: str,
    business_hours: Model | None,
) -> None:
    accounts_services.change_person(
        person=person,
        by=by,
        email=email,
        first_name=first_name,
        last_name=last_name,
        business_hours=business_hours,
    )
    accounts_services.set_role(person=person, role=Role(role), by=by)


def _list_teams(viewer: User, text: str) -> QuerySet[Team]:
    teams = accounts_queries.list_teams(only_active=False)
    return filter_by_name(teams, text).annotate(member_count=Count("memberships"))


def _team_consequences(team: Team) -> list[str]:
    members = team.memberships.count()
    return [
        ngettext(
            "%(n)d member loses the team's permissions.",
            "%(n)d members lose the team's permissions.",
            members,
        )
        % {"n": members},
        _("Its tickets stay with it; no new tickets can be assigned to it."),
    ]


def _organisation_consequences(organisation: Organisation) -> list[str]:
    return [_("Only an organisation without customers can be removed. Merge it instead.")]


def _person_context(request: AuthenticatedRequest, person: User | None) -> dict[str, Any]:
    if person is None:
        return {}
    return {
        "sessions": accounts_queries.list_sessions(request.user, person),
        "directory_link": directory_queries.find_link_of(person),
        "factors": accounts_queries.list_second_factors(person),
    }


PEOPLE: Section[User] = Section(
    slug="people",
    object_slug="person",
    title=gettext_lazy("Users"),
    icon="bi-person-badge",
    about=gettext_lazy("Agents, administrators and customers who sign in."),
    list_entries=lambda viewer, text: accounts_queries.list_people(viewer, text=text),
    access_entry=accounts_queries.access_person,
    columns=(
        Column(gettext_lazy("Name"), lambda person: str(person)),
        Column(gettext_lazy("E-mail"), lambda person: person.email),
        Column(gettext_lazy("Role"), lambda person: person.get_role_display()),
        Column(
            gettext_lazy("Out of office"),
            lambda person: _("out of office") if person.is_away else "",
            True,
        ),
    ),
    form=lambda data, viewer, entry: _without_decided(forms.PersonForm(data, person=entry), entry),
    add=accounts_services.add_person,
    add_label=gettext_lazy("Add user"),
    change=_change_person,
    restore=accounts_services.reactivate_person,
    is_grave=True,
    aside_template="manage/_person.html",
    aside_context=_person_context,
)

TEAMS: Section[Team] = Section(
    slug="teams",
    object_slug="team",
    title=gettext_lazy("Teams"),
    icon="bi-people",
    about=gettext_lazy(
        "Groups of agents. A team can have its own permissions, and tickets only its members see."
    ),
    list_entries=_list_teams,
    access_entry=accounts_queries.access_team,
    columns=(
        Column(gettext_lazy("Name"), lambda team: team.name),
        Column(gettext_lazy("Members"), lambda team: team.member_count),
        Column(
            gettext_lazy("Restricted"), lambda team: _("restricted") if team.is_closed else "", True
        ),
    ),
    form=lambda data, viewer, entry: forms.TeamForm(data, team=entry),
    add=accounts_services.add_team,
    add_label=gettext_lazy("Add team"),
    change=accounts_services.change_team,
    remove=accounts_services.deactivate_team,
    remove_label=gettext_lazy("Deactivate"),
    consequences=_team_consequences,
    restore=accounts_services.reactivate_team,
)

ORGANISATIONS: Section[Organisation] = Section(
    slug="organisations",
    object_slug="organisation",
    title=gettext_lazy("Organisations"),
    icon="bi-building",
    about=gettext_lazy("Companies, departments or sites that customers belong to."),
    list_entries=lambda viewer, text: accounts_queries.list_organisations(viewer, text=text),
    access_entry=accounts_queries.access_organisation,
    columns=(
        Column(gettext_lazy("Name"), lambda organisation: organisation.name),
        Column(gettext_lazy("Customers"), lambda organisation: organisation.customer_count),
        Column(gettext_lazy("Shared tickets"), lambda organisation: organisation.shares_tickets),
    ),
    form=lambda data, viewer, entry: forms.OrganisationForm(
        data, viewer=viewer, organisation=entry
    ),
    add=accounts_services.add_organisation,
    add_label=gettext_lazy("Add organisation"),
    change=accounts_services.change_organisation,
    remove=accounts_services.remove_organisation,
    remove_label=gettext_lazy("Remove"),
    consequences=_organisation_consequences,
    is_open_to=may_edit_customers,
    aside_template="manage/_organisation.html",
)


def _describe_login(customer: Customer) -> object:
    """Return whether the customer has a user account, or that nobody has confirmed it."""
    return _("not confirmed") if customer.has_unconfirmed_login else customer.user_id is not None


CUSTOMERS: Section[Customer] = Section(
    slug="customers",
    object_slug="customer",
    title=gettext_lazy("Customers"),
    icon="bi-person",
    about=gettext_lazy("Contacts who submit tickets, with or without a user account."),
    list_entries=lambda viewer, text: accounts_queries.list_customers(viewer, text=text),
    access_entry=accounts_queries.access_customer,
    columns=(
        Column(gettext_lazy("Name"), lambda customer: customer.full_name or customer.contact_email),
        Column(gettext_lazy("E-mail"), lambda customer: customer.contact_email),
        Column(gettext_lazy("Organisation"), lambda customer: _describe_organisation(customer)),
        Column(gettext_lazy("User account"), _describe_login),
    ),
    form=lambda data, viewer, entry: _without_decided(
        forms.CustomerForm(data, viewer=viewer, customer=entry), entry
    ),
    add=accounts_services.add_customer_as_agent,
    add_label=gettext_lazy("Add customer"),
    change=accounts_services.change_customer,
    is_open_to=may_edit_customers,
    narrowings={
        "unconfirmed": (
            gettext_lazy("Show user accounts that are not confirmed"),
            accounts_queries.only_unconfirmed,
        )
    },
    aside_template="manage/_customer.html",
)


def _describe_organisation(customer: Customer) -> str:
    """Return the organisation, or the one the customer stated, marked as such."""
    if customer.organisation:
        return customer.organisation.name
    if customer.claimed_organisation:
        return _("self-reported: %(name)s") % {"name": customer.claimed_organisation}
    return ""
