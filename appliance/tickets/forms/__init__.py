"""Forms on tickets; their cleaned data are objects, enumeration members and dates."""

from appliance.tickets.forms.filters import FilterForm
from appliance.tickets.forms.participants import ParticipantsForm
from appliance.tickets.forms.properties import (
    LinkForm,
    MergeForm,
    PropertiesForm,
    SplitForm,
    TagsForm,
    split_tag_names,
)
from appliance.tickets.forms.replies import (
    AgentReplyForm,
    DiscardDraftForm,
    DraftForm,
    RatingForm,
    ReplyForm,
    SeenMessageField,
)
from appliance.tickets.forms.tickets import (
    CorrectionForm,
    CustomFieldsMixin,
    FieldsForm,
    TicketForCustomerForm,
    TicketForm,
)
