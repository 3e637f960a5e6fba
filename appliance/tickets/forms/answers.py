"""Forms for what is said on a ticket."""

from django import forms

from appliance.tickets.forms.once import TEXT_LIMIT, OnceForm
from appliance.tickets.models import Status


class ReplyForm(OnceForm):
    body = forms.CharField(
        label="Your answer",
        max_length=TEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 5, "placeholder": "Write an answer …"}),
        error_messages={"required": "The answer is empty. Write something first."},
    )


class AgentReplyForm(ReplyForm):
    kind = forms.ChoiceField(
        choices=[("reply", "Reply to customer"), ("note", "Internal note")],
        initial="reply",
        widget=forms.RadioSelect(attrs={"class": "btn-check"}),
    )
    leave = forms.TypedChoiceField(
        label="Leave ticket",
        choices=[("", "as it is"), *((s.value, s.label.lower()) for s in Status if s != "new")],
        coerce=Status,
        empty_value=None,
        required=False,
    )
