"""Forms for replies, notes, drafts and ratings."""

from datetime import datetime
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.core.forms import Form, IdempotencyKeyField
from appliance.tickets.forms.participants import PeopleField
from appliance.tickets.forms.tickets import MAX_TEXT_CHARACTERS, SubmissionForm
from appliance.tickets.models import Message, Status

REPLY_STATUSES = [status for status in Status if status not in (Status.NEW, Status.HOLD)]


class DraftKeyField(IdempotencyKeyField):
    """The key of the draft that a page writes."""

    def __init__(self) -> None:
        widget = forms.HiddenInput(attrs={"autocomplete": "off"})
        super().__init__(initial=uuid4, required=False, widget=widget)


class SeenMessageField(forms.IntegerField):
    """The newest message on the page, so that nobody answers past an unseen one."""

    widget = forms.HiddenInput
    default_error_messages = {
        "invalid": _("This page was out of date. Read the messages above, then send again.")
    }

    def __init__(self) -> None:
        super().__init__(label=_("Newest message you saw"), min_value=0, required=False)


class RestoredAtField(forms.DateTimeField):
    """When the draft that a page restored was written; another time means another text.

    A damaged one counts as none: nobody could correct it.
    """

    def __init__(self) -> None:
        widget = forms.HiddenInput(attrs={"autocomplete": "off"})
        super().__init__(required=False, widget=widget)

    def clean(self, value: object) -> datetime | None:
        try:
            return super().clean(value)
        except forms.ValidationError:
            return None


class ReplyForm(SubmissionForm):
    body = forms.CharField(
        label=_("Your reply"),
        max_length=MAX_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": _("Write a reply …")}),
        error_messages={"required": _("The reply is empty. Write some text first.")},
    )
    seen_message = SeenMessageField()
    draft_key = DraftKeyField()
    restored_at = RestoredAtField()
    field_order = ["body", "files"]

    def show_newest(self, message_id: int) -> None:
        """After a refusal, send the newest message the page shows now, which confirms the reply."""
        self.replace_data(seen_message=str(message_id))


class AgentReplyForm(ReplyForm):
    without_error = ("kind", "new_status")
    kind = forms.ChoiceField(
        label=_("Type"),
        choices=[("reply", _("Reply to customer")), ("note", _("Internal note"))],
        initial="reply",
        widget=forms.RadioSelect(attrs={"class": "btn-check"}),
    )
    new_status = forms.TypedChoiceField(
        label=_("Set status on send"),
        choices=[
            ("", _("No change")),
            *((status.value, status.label) for status in REPLY_STATUSES),
        ],
        coerce=Status,
        empty_value=None,
        required=False,
    )
    cc = PeopleField(label=_("CC"), required=False)
    is_for_children = forms.BooleanField(required=False)


class DraftForm(Form):
    """The text of a reply that is being written."""

    kind = forms.ChoiceField(choices=Message.Kind.choices, required=False)
    body = forms.CharField(
        max_length=MAX_TEXT_CHARACTERS, required=False, strip=False, widget=forms.Textarea
    )
    draft_key = DraftKeyField()
    restored_at = RestoredAtField()

    def clean_kind(self) -> Message.Kind:
        return Message.Kind(self.cleaned_data["kind"] or Message.Kind.REPLY)


class DiscardDraftForm(Form):
    draft_key = DraftKeyField()
    restored_at = RestoredAtField()


class RatingForm(Form):
    is_good = forms.TypedChoiceField(  # sent by a button
        label=_("Rating"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda value: value == "yes",
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(["required", "invalid_choice"], _("Choose good or bad.")),
    )
    comment = forms.CharField(
        label=_("Comment"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
