"""Forms on users, teams, organisations and customers."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.db.models import Model
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from appliance.accounts import queries as accounts_queries
from appliance.accounts.models import Customer, Organisation, Right, Role, Team, User
from appliance.core.forms import Form
from appliance.sla.models import BusinessHours
from appliance.sla.queries import list_business_hours
from appliance.tickets import custom_fields
from appliance.tickets import queries as tickets_queries
from appliance.tickets.forms import CustomFieldsMixin

if TYPE_CHECKING:  # at run time the stubs are not installed
    from django_stubs_ext import StrOrPromise


class _ContactForm(Form):
    """Name and e-mail address."""

    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Last name"), max_length=80, required=False)
    email = forms.EmailField(label=_("E-mail"), max_length=254)


class PersonForm(_ContactForm):
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        help_text=_(
            "Customers create tickets, agents reply, administrators also manage "
            "settings. Changing the role signs the user out on all devices."
        ),
    )
    business_hours = forms.ModelChoiceField(
        label=_("Business hours"),
        queryset=BusinessHours.objects.none(),
        required=False,
        empty_label=_("Default calendar"),
        help_text=_("Tickets are assigned automatically within these hours only."),
    )

    def __init__(self, data: QueryDict | None, person: User | None = None) -> None:
        super().__init__(data, initial=_initial(self, person) or {"role": Role.AGENT})
        self.set_queryset("business_hours", list_business_hours())
        if person is None:
            del self.fields["business_hours"]


class TeamForm(Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    members = forms.ModelMultipleChoiceField(
        label=_("Members"),
        queryset=User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Agents and administrators. A user can belong to several teams."),
    )
    rights = forms.MultipleChoiceField(
        label=_("Additional permissions"),
        choices=Right.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("In addition to the default agent permissions."),
    )
    is_closed = forms.BooleanField(
        label=_("Restricted"),
        required=False,
        help_text=_("Only members and administrators see this team's tickets."),
    )

    def __init__(self, data: QueryDict | None, team: Team | None = None) -> None:
        initial = _initial(self, team, exclude={"members"})
        members = sorted(member.pk for member in team.members.all()) if team else []
        super().__init__(data, initial=initial | {"members": members})
        users = accounts_queries.list_agents()
        if team:  # members who were deactivated stay members until they are removed
            users = (users | team.members.all()).distinct()
        self.set_queryset("members", users)


class OrganisationForm(Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        help_text=_("For example a company, a department or a site."),
    )
    note = forms.CharField(
        label=_("Note for agents"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    shares_tickets = forms.BooleanField(
        label=_("Customers see each other's tickets"),
        required=False,
        help_text=_(
            "Tickets of restricted teams are never shared. Only administrators can set this."
        ),
    )

    def __init__(
        self, data: QueryDict | None, viewer: User, organisation: Organisation | None = None
    ) -> None:
        super().__init__(data, initial=_initial(self, organisation))
        self.fields["shares_tickets"].disabled = not viewer.is_admin


class CustomerForm(CustomFieldsMixin, _ContactForm):
    organisation = forms.ModelChoiceField(
        label=_("Organisation"),
        queryset=Organisation.objects.none(),
        required=False,
        empty_label=_("No organisation"),
    )
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    mobile = forms.CharField(label=_("Mobile"), max_length=40, required=False)
    room = forms.CharField(label=_("Room"), max_length=80, required=False)
    department = forms.CharField(label=_("Department"), max_length=120, required=False)
    staff_number = forms.CharField(label=_("Staff number"), max_length=40, required=False)
    language = forms.ChoiceField(
        label=_("Language"), required=False, help_text=_("Of e-mails to this customer.")
    )
    is_premium = forms.BooleanField(
        label=_("VIP"), required=False, help_text=_("Shown on tickets; can be used in rules.")
    )

    def __init__(
        self, data: QueryDict | None, viewer: User, customer: Customer | None = None
    ) -> None:
        super().__init__(data, initial=_initial(self, customer))
        self.fields["email"].required = False  # somebody may be known by name alone
        self.set_queryset("organisation", accounts_queries.list_organisations(viewer))
        self.set_choices("language", [("", _("Default")), *settings.LANGUAGES])
        self._stored = customer.fields if customer else {}
        self.add_custom_fields(
            tickets_queries.list_customer_fields(), stored=self._stored, is_strict=True
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.attempt(self._parse_custom_values)
        return data

    def _parse_custom_values(self) -> None:
        values = custom_fields.parse_values(self.custom_fields, self.custom_values())
        merged = self._stored | values  # values of fields that are inactive stay
        self.parsed_values = {key: value for key, value in merged.items() if value is not None}

    def values(self) -> dict[str, Any]:
        """Return the arguments of the services."""
        names = [name for name in self.fields if name in self.base_fields]
        return {name: self.cleaned_data[name] for name in names} | {"fields": self.parsed_values}


class HandoverForm(Form):
    """Who takes over the tickets of a user who leaves. Empty: they are unassigned."""

    assignee = forms.ModelChoiceField(
        label=_("Reassign open tickets to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Nobody (unassigned)"),
    )
    team = forms.ModelChoiceField(
        label=_("Team for these tickets"),
        queryset=Team.objects.none(),
        required=False,
        empty_label=_("No change"),
    )

    def __init__(self, data: QueryDict | None, person: User) -> None:
        super().__init__(data)
        self.set_queryset("assignee", accounts_queries.list_agents().exclude(pk=person.pk))
        self.set_queryset("team", accounts_queries.list_teams())


class ConfirmationForm(Form):
    """The e-mail address of a person, to confirm what cannot be undone."""

    confirmation = forms.CharField(
        label=_("Enter the e-mail address to confirm"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class CustomerEmailField(forms.ModelChoiceField):
    """A customer, typed by e-mail address instead of chosen from a list."""

    widget = forms.EmailInput
    default_error_messages = {
        "invalid_choice": _("No other customer has this e-mail address. Check the spelling.")
    }

    def __init__(self, *, label: "StrOrPromise", help_text: "StrOrPromise") -> None:
        super().__init__(
            queryset=Customer.objects.none(),
            to_field_name="email",
            label=label,
            help_text=help_text,
        )

    def to_python(self, value: Any) -> Customer | None:
        return super().to_python(value.strip().lower() if value else value)


class MergeCustomerForm(Form):
    target = CustomerEmailField(
        label=_("E-mail of the customer to keep"),
        help_text=_("All tickets move to that customer; this one is removed."),
    )

    def __init__(self, data: QueryDict | None, viewer: User, customer: Customer) -> None:
        super().__init__(data)
        customers = accounts_queries.list_customers(viewer)
        self.set_queryset("target", customers.exclude(pk=customer.pk))


class MergeOrganisationForm(Form):
    target = forms.ModelChoiceField(
        label=_("Merge into"), queryset=Organisation.objects.none(), empty_label=_("Select")
    )

    def __init__(self, data: QueryDict | None, viewer: User, organisation: Organisation) -> None:
        super().__init__(data)
        organisations = accounts_queries.list_organisations(viewer)
        self.set_queryset("target", organisations.exclude(pk=organisation.pk))


def _initial(
    form: Form, entry: Model | None, exclude: Collection[str] = frozenset()
) -> dict[str, Any]:
    """Return the values of an entry under the names of the fields; a related entry by its key."""
    if entry is None:
        return {}
    names = [name for name in form.base_fields if name not in exclude]
    return {name: getattr(entry, f"{name}_id", getattr(entry, name)) for name in names}
