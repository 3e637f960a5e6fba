"""Forms of the site settings and the logo."""

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from appliance.accounts import choices
from appliance.accounts.models import Right
from appliance.core.forms import Form
from appliance.core.languages import Language
from appliance.core.models import SecondFactorRule, SiteSettings


class SiteSettingsForm(Form):
    name = forms.CharField(label=_("Name of the help desk"), max_length=80)
    language = forms.ChoiceField(label=_("Language"), choices=choices.languages)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=choices.time_zones)
    languages = forms.MultipleChoiceField(
        label=_("Languages of tickets"),
        choices=Language.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "The languages your help desk works in. A ticket is more readily recognised as one of "
            "them."
        ),
        error_messages={"required": _("Choose at least one language from the list.")},
    )
    agent_rights = forms.MultipleChoiceField(
        label=_("Default agent permissions"),
        choices=Right.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Teams can grant their members permissions removed here."),
    )
    is_registration_open = forms.BooleanField(
        label=_("Allow customers to register"), required=False
    )
    is_guest_form_open = forms.BooleanField(
        label=_("Allow guests to create tickets"),
        required=False,
        help_text=_("Without an account; guests get a private link to their ticket."),
    )
    is_knowledge_public = forms.BooleanField(
        label=_("Public help centre"),
        required=False,
        help_text=_("Published public articles are visible without signing in."),
    )
    is_rating_enabled = forms.BooleanField(
        label=_("Ask customers to rate the solution"), required=False
    )
    close_solved_after_days = forms.IntegerField(
        label=_("Close solved tickets after (days)"),
        min_value=1,
        max_value=365,
        required=False,
        help_text=_("Until then, a customer reply reopens them. Leave empty to never close them."),
    )
    is_assigned_on_reply = forms.BooleanField(
        label=_("Assign unassigned tickets to the agent who replies"),
        required=False,
        help_text=_("Internal notes assign nothing."),
    )
    max_attachment_mb = forms.IntegerField(
        label=_("Maximum attachment size (MB)"), min_value=1, max_value=100
    )

    second_factor = forms.ChoiceField(
        label=_("Second factor"),
        choices=SecondFactorRule.choices,
        help_text=_("Who has none yet sets one up after the next sign-in."),
    )
    agent_idle_minutes = forms.IntegerField(
        label=_("Sign out agents after inactivity (minutes)"),
        min_value=0,
        max_value=720,
        help_text=_("For shared computers. 0: only at the end of the day, after 12 hours."),
    )
    customer_idle_minutes = forms.IntegerField(
        label=_("Sign out customers after inactivity (minutes)"), min_value=0, max_value=720
    )

    GROUPS = (
        (_("Help desk"), ("name", "language", "time_zone", "languages")),
        (
            _("Customers and guests"),
            (
                "is_registration_open",
                "is_guest_form_open",
                "is_knowledge_public",
                "is_rating_enabled",
            ),
        ),
        (
            _("Tickets"),
            ("close_solved_after_days", "is_assigned_on_reply", "max_attachment_mb"),
        ),
        (_("Agents"), ("agent_rights",)),
        (
            _("Security"),
            ("second_factor", "agent_idle_minutes", "customer_idle_minutes"),
        ),
    )

    def __init__(self, data: QueryDict | None, settings: SiteSettings) -> None:
        initial = {name: getattr(settings, name) for name in self.base_fields}
        super().__init__(data, initial=initial | {"languages": settings.desk_languages})

    def groups(self) -> list[tuple[str | Promise, list[forms.BoundField]]]:
        """Return the title and the fields of each group of the page."""
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]


class LogoForm(Form):
    logo = forms.FileField(
        label=_("Image file"),
        required=False,
        help_text=_("PNG, JPEG or WebP, up to 500 KB. Displayed 28 pixels high."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
