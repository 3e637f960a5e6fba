"""Forms on tickets: they return the domain's own types."""

from appliance.tickets.forms.answers import (
    AgentReplyForm,
    DraftForm,
    RatingForm,
    ReplyForm,
)
from appliance.tickets.forms.custom import FieldsForm
from appliance.tickets.forms.linking import (
    LinkForm,
    MergeForm,
    SplitForm,
    TagsForm,
    tag_names,
)
from appliance.tickets.forms.lists import FilterForm
from appliance.tickets.forms.once import TEXT_LIMIT
from appliance.tickets.forms.properties import PropertiesForm
from appliance.tickets.forms.tickets import TicketForCustomerForm, TicketForm

__all__ = [
    "TEXT_LIMIT",
    "AgentReplyForm",
    "DraftForm",
    "FieldsForm",
    "FilterForm",
    "LinkForm",
    "MergeForm",
    "PropertiesForm",
    "RatingForm",
    "ReplyForm",
    "SplitForm",
    "TagsForm",
    "TicketForCustomerForm",
    "TicketForm",
    "tag_names",
]
