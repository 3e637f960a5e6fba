"""What the forms on tickets share."""

import uuid

from django import forms

from appliance.core.forms import Form

TEXT_LIMIT = 1_000_000  # characters; a pasted log is welcome, a film is not


class OnceForm(Form):
    """Carries a key, so that sending the same page twice does the thing once."""

    submission_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
