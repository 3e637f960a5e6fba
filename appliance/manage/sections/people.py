"""Who works here, and who asks."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from appliance.accounts import queries as accounts_queries
from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Organisation, Right, Role, Team, User
from appliance.manage.forms import people as forms
from appliance.manage.sections import lists
from appliance.manage.sections.section import Column, Section


def keeps_customers(person: User) -> bool:
    return accounts_queries.has_right(person, Right.CUSTOMERS)


@transaction.atomic
def _change_person(*, person: User, by: User, role: str, **names: object) -> None:
    accounts_services.change_person(person=person, by=by, **names)
    accounts_services.set_role(person=person, role=Role(role), by=by)


def _team_affects(team: Team) -> list[str]:
    members = team.memberships.count()
    return [
        ngettext(
            "%(n)d member loses the rights the team gives.",
            "%(n)d members lose the rights the team gives.",
            members,
        )
        % {"n": members},
        _("Its tickets stay with it; no new ones can be given to it."),
    ]


def _organisation_affects(organisation: Organisation) -> list[str]:
    return [_("Only an organisation without customers can be removed. Merge it otherwise.")]


PEOPLE = Section(
    slug="people",
    one="person",
    title=gettext_lazy("People"),
    icon="bi-person-badge",
    about=gettext_lazy("Whoever logs in: agents, admins, and customers with a log-in."),
    rows=lambda viewer, text: accounts_queries.list_people(viewer, text=text),
    access=accounts_queries.access_person,
    columns=(
        Column(gettext_lazy("Name"), lambda person: str(person)),
        Column(gettext_lazy("E-mail"), lambda person: person.email),
        Column(gettext_lazy("Role"), lambda person: person.get_role_display()),
        Column(gettext_lazy("Away"), lambda person: _("away") if person.is_away else "", True),
    ),
    form=lambda data, viewer, row: forms.PersonForm(data, person=row),
    add=accounts_services.add_person,
    add_words=gettext_lazy("Add a person"),
    change=_change_person,
    restore=accounts_services.reactivate,
    more="manage/_person.html",
    more_of=lambda request, row: {"is_self": row == request.user},
)

TEAMS = Section(
    slug="teams",
    one="team",
    title=gettext_lazy("Teams"),
    icon="bi-people",
    about=gettext_lazy(
        "Agents who share work. A team can have rights of its own, and tickets only it sees."
    ),
    rows=lists.teams,
    access=accounts_queries.access_team,
    columns=(
        Column(gettext_lazy("Name"), lambda team: team.name),
        Column(gettext_lazy("Members"), lambda team: team.member_count),
        Column(gettext_lazy("Closed"), lambda team: _("closed") if team.is_closed else "", True),
    ),
    form=lambda data, viewer, row: forms.TeamForm(data, team=row),
    add=accounts_services.add_team,
    add_words=gettext_lazy("Add a team"),
    change=accounts_services.change_team,
    remove=accounts_services.deactivate_team,
    remove_words=gettext_lazy("Deactivate"),
    affects=_team_affects,
    restore=accounts_services.reactivate_team,
)

ORGANISATIONS = Section(
    slug="organisations",
    one="organisation",
    title=gettext_lazy("Organisations"),
    icon="bi-building",
    about=gettext_lazy("A ward, a ship, a firm: customers who belong together."),
    rows=lambda viewer, text: accounts_queries.list_organisations(viewer, text=text),
    access=accounts_queries.access_organisation,
    columns=(
        Column(gettext_lazy("Name"), lambda organisation: organisation.name),
        Column(gettext_lazy("Customers"), lambda organisation: organisation.customer_count),
        Column(gettext_lazy("Shares tickets"), lambda organisation: organisation.shares_tickets),
    ),
    form=lambda data, viewer, row: forms.OrganisationForm(data, organisation=row),
    add=accounts_services.add_organisation,
    add_words=gettext_lazy("Add an organisation"),
    change=accounts_services.change_organisation,
    remove=accounts_services.remove_organisation,
    remove_words=gettext_lazy("Remove"),
    affects=_organisation_affects,
    admits=keeps_customers,
    more="manage/_organisation.html",
)

CUSTOMERS = Section(
    slug="customers",
    one="customer",
    title=gettext_lazy("Customers"),
    icon="bi-person",
    about=gettext_lazy("Whoever asks, with or without a log-in."),
    rows=lambda viewer, text: accounts_queries.list_customers(viewer, text=text),
    access=accounts_queries.access_customer,
    columns=(
        Column(gettext_lazy("Name"), lambda customer: customer.full_name or customer.email),
        Column(gettext_lazy("E-mail"), lambda customer: customer.email),
        Column(gettext_lazy("Organisation"), lambda customer: _organisation_of(customer)),
        Column(gettext_lazy("Log-in"), lambda customer: customer.user_id is not None),
    ),
    form=lambda data, viewer, row: forms.CustomerForm(data, viewer=viewer, customer=row),
    add=accounts_services.add_known_customer,
    add_words=gettext_lazy("Add a customer"),
    change=accounts_services.change_customer,
    admits=keeps_customers,
    more="manage/_customer.html",
)


def _organisation_of(customer: Customer) -> str:
    """The one they are in, or the one they named, for an agent to decide."""
    if customer.organisation:
        return customer.organisation.name
    if customer.organisation_said:
        return _("says: %(name)s") % {"name": customer.organisation_said}
    return ""
