"""Who works here, and who asks."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Organisation, Right, Role, Team, User
from appliance.accounts.permissions import has_right
from appliance.manage.forms import people as forms
from appliance.manage.sections import section
from appliance.manage.sections.section import Column, Section


def keeps_customers(person: User) -> bool:
    return has_right(person, Right.CUSTOMERS)


@transaction.atomic
def _change_person(*, person: User, by: User, role: str, **names: object) -> None:
    accounts_services.change_person(person=person, by=by, **names)
    accounts_services.set_role(person=person, role=Role(role), by=by)


def _team_affects(team: Team) -> list[str]:
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


def _organisation_affects(organisation: Organisation) -> list[str]:
    return [_("Only an organisation without customers can be removed. Merge it instead.")]


PEOPLE = Section(
    slug="people",
    object_slug="person",
    title=gettext_lazy("Users"),
    icon="bi-person-badge",
    about=gettext_lazy("Agents, administrators and customers who sign in."),
    rows=lambda viewer, text: accounts_queries.list_people(viewer, text=text),
    access=accounts_queries.access_person,
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
    form=lambda data, viewer, row: forms.PersonForm(data, person=row),
    add=accounts_services.add_person,
    add_words=gettext_lazy("Add user"),
    change=_change_person,
    restore=accounts_services.reactivate_person,
    more="manage/_person.html",
    more_of=lambda request, row: {"is_self": row == request.user},
)

TEAMS = Section(
    slug="teams",
    object_slug="team",
    title=gettext_lazy("Teams"),
    icon="bi-people",
    about=gettext_lazy(
        "Groups of agents. A team can have its own permissions, and tickets only its members see."
    ),
    rows=section.teams,
    access=accounts_queries.access_team,
    columns=(
        Column(gettext_lazy("Name"), lambda team: team.name),
        Column(gettext_lazy("Members"), lambda team: team.member_count),
        Column(
            gettext_lazy("Restricted"), lambda team: _("restricted") if team.is_closed else "", True
        ),
    ),
    form=lambda data, viewer, row: forms.TeamForm(data, team=row),
    add=accounts_services.add_team,
    add_words=gettext_lazy("Add team"),
    change=accounts_services.change_team,
    remove=accounts_services.deactivate_team,
    remove_words=gettext_lazy("Deactivate"),
    affects=_team_affects,
    restore=accounts_services.reactivate_team,
)

ORGANISATIONS = Section(
    slug="organisations",
    object_slug="organisation",
    title=gettext_lazy("Organisations"),
    icon="bi-building",
    about=gettext_lazy("Companies, departments or sites that customers belong to."),
    rows=lambda viewer, text: accounts_queries.list_organisations(viewer, text=text),
    access=accounts_queries.access_organisation,
    columns=(
        Column(gettext_lazy("Name"), lambda organisation: organisation.name),
        Column(gettext_lazy("Customers"), lambda organisation: organisation.customer_count),
        Column(gettext_lazy("Shared tickets"), lambda organisation: organisation.shares_tickets),
    ),
    form=lambda data, viewer, row: forms.OrganisationForm(data, organisation=row),
    add=accounts_services.add_organisation,
    add_words=gettext_lazy("Add organisation"),
    change=accounts_services.change_organisation,
    remove=accounts_services.remove_organisation,
    remove_words=gettext_lazy("Remove"),
    affects=_organisation_affects,
    admits=keeps_customers,
    more="manage/_organisation.html",
)

CUSTOMERS = Section(
    slug="customers",
    object_slug="customer",
    title=gettext_lazy("Customers"),
    icon="bi-person",
    about=gettext_lazy("Contacts who submit tickets, with or without a user account."),
    rows=lambda viewer, text: accounts_queries.list_customers(viewer, text=text),
    access=accounts_queries.access_customer,
    columns=(
        Column(gettext_lazy("Name"), lambda customer: customer.full_name or customer.email),
        Column(gettext_lazy("E-mail"), lambda customer: customer.email),
        Column(gettext_lazy("Organisation"), lambda customer: _organisation_of(customer)),
        Column(gettext_lazy("User account"), lambda customer: customer.user_id is not None),
    ),
    form=lambda data, viewer, row: forms.CustomerForm(data, viewer=viewer, customer=row),
    add=accounts_services.add_customer_as_agent,
    add_words=gettext_lazy("Add customer"),
    change=accounts_services.change_customer,
    admits=keeps_customers,
    more="manage/_customer.html",
)


def _organisation_of(customer: Customer) -> str:
    """The one they are in, or the one they named, for an agent to decide."""
    if customer.organisation:
        return customer.organisation.name
    if customer.claimed_organisation:
        return _("self-reported: %(name)s") % {"name": customer.claimed_organisation}
    return ""
