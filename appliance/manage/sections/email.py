"""The section of sender addresses."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.manage.forms.email import SenderAddressForm
from appliance.manage.sections.section import Column, Section
from appliance.notifications import queries as notifications_queries
from appliance.notifications import services as notifications_services
from appliance.notifications.models import SenderAddress

SENDER_ADDRESSES: Section[SenderAddress] = Section(
    slug="sender-addresses",
    object_slug="sender-address",
    title=gettext_lazy("Sender addresses"),
    icon="bi-at",
    about=gettext_lazy("The addresses e-mails come from, by team, with their signatures."),
    list_entries=notifications_queries.list_sender_addresses,
    access_entry=notifications_queries.access_sender_address,
    columns=(
        Column(gettext_lazy("E-mail address"), lambda row: row.address),
        Column(gettext_lazy("Display name"), lambda row: row.display_name, True),
        Column(gettext_lazy("Team"), lambda row: row.team or ""),
        Column(gettext_lazy("Default"), lambda row: row.is_default),
    ),
    form=lambda data, viewer, entry: SenderAddressForm(data, sender_address=entry),
    add=notifications_services.add_sender_address,
    add_label=gettext_lazy("Add sender address"),
    change=notifications_services.change_sender_address,
    remove=notifications_services.remove_sender_address,
    remove_label=gettext_lazy("Remove"),
    consequences=lambda row: [
        _("Its team answers from the default address from then on."),
        _("Answers to e-mails already sent still find their ticket, if a mailbox reads them."),
    ],
)
