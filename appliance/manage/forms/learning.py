"""Forms of the page on learning."""

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form
from appliance.tickets import queries as tickets_queries
from appliance.tickets.models import TicketCategory


class PassLabelsOnForm(Form):
    """The category that takes over the labels of a removed one."""

    target = forms.ModelChoiceField(
        label=_("Pass on to"), queryset=TicketCategory.objects.none(), empty_label=_("Select")
    )

    def __init__(self, data: QueryDict | None, category: TicketCategory) -> None:
        super().__init__(data)
        self.set_queryset("target", tickets_queries.list_categories().exclude(pk=category.pk))
