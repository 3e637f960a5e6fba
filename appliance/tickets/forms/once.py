"""What the forms on tickets share."""

import uuid

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.files.forms import FormWithFiles, UploadsField

TEXT_LIMIT = 1_000_000  # characters; a pasted log is welcome, a film is not


class OnceForm(FormWithFiles):
    """Carries a key, so that sending the same page twice does the thing once; takes files."""

    submission_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, required=False)
    files = UploadsField(label=_("Attachments"), required=False)
