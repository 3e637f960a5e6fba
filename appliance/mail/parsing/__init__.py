"""E-mails: raw bytes in, frozen dataclasses out. No database, no settings, no network."""

from appliance.mail.parsing.bodies import Attachment
from appliance.mail.parsing.bounces import BounceReport, FailedRecipient
from appliance.mail.parsing.emails import (
    DEFAULT_OPTIONS,
    ParsedEmail,
    ParsingOptions,
    UnreadableEmailError,
    parse_email,
)
from appliance.mail.parsing.headers import Address
from appliance.mail.parsing.html_text import replace_content_ids
from appliance.mail.parsing.notes import Note, NoteKind
