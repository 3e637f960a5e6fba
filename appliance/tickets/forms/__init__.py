"""Forms on tickets: they return the domain's own types."""

from appliance.tickets.forms.custom_fields import FieldsForm
from appliance.tickets.forms.filters import FilterForm
from appliance.tickets.forms.links import LinkForm, MergeForm, SplitForm, TagsForm, tag_names
from appliance.tickets.forms.properties import PropertiesForm
from appliance.tickets.forms.replies import AgentReplyForm, DraftForm, RatingForm, ReplyForm
from appliance.tickets.forms.tickets import TEXT_LIMIT, TicketForCustomerForm, TicketForm
