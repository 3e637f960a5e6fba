"""Tickets with their messages, events, categories, tags and saved views."""

from appliance.tickets.models.category import CustomField, Tag, TicketCategory
from appliance.tickets.models.child_update import ChildUpdate
from appliance.tickets.models.event import Event
from appliance.tickets.models.message import Attachment, Draft, Mention, Message
from appliance.tickets.models.participant import Participant
from appliance.tickets.models.ticket import (
    OPEN_STATUSES,
    Channel,
    Priority,
    Rating,
    Status,
    Ticket,
    TicketLink,
    TicketQuerySet,
)
from appliance.tickets.models.view import BulkChange, SavedView
