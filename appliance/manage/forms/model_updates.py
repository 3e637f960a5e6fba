"""Forms of the page of models."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from appliance.core.errors import BadInputError
from appliance.core.forms import Form
from appliance.model_updates import queries as model_updates_queries

MAX_ROOT_BYTES = 512_000
ACCEPTABLE = [
    ("expired", _("The bundle has expired")),
    ("budget", _("It needs more time or memory than allowed")),
    ("undecided", _("Not enough data for a comparison")),
    ("worse", _("It performs worse than the active model")),
]


class UpdateForm(Form):
    """Where an update is, and whether to check or to install it."""

    folder = forms.ChoiceField(label=_("Removable media"), required=False)
    file = forms.FileField(
        label=_("Or upload a file"),
        required=False,
        help_text=_("A .tar file created by update_models.py."),
    )
    verb = forms.ChoiceField(
        label=_("Check or install"), choices=[("inspect", "inspect"), ("apply", "apply")]
    )
    without_error = ("verb",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        folders = [(str(path), str(path)) for path in model_updates_queries.list_sources()]
        self.set_choices("folder", [("", _("Nothing selected")), *folders])
        self.fields["file"].widget.attrs["accept"] = ".tar"

    @property
    def source_fields(self) -> list[forms.BoundField]:
        return [self["folder"], self["file"]]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if bool(data.get("folder")) == bool(data.get("file")) and "folder" not in self.errors:
            self.add_error("folder", _("Select removable media or upload a file, not both."))
        return data


class ApprovalForm(Form):
    """Which findings an admin accepts anyway, and why."""

    accepted = forms.MultipleChoiceField(
        label=_("Accepted anyway"),
        choices=ACCEPTABLE,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Recorded permanently with your name."),
    )


class RollbackForm(Form):
    role = forms.ChoiceField(choices=[(role, role) for role in model_updates_queries.ROLES])
    reason = forms.CharField(max_length=500, required=False)


class TrustForm(Form):
    """The publisher's first root file, and its fingerprint from a separate channel."""

    root = forms.FileField(label=_("The publisher's root.json"))
    fingerprint = forms.RegexField(
        r"\A\s*[0-9a-fA-F]{64}\s*\Z",
        label=_("Fingerprint"),
        help_text=_(
            "64 hexadecimal characters, received from the publisher through a separate channel."
        ),
        error_messages={"invalid": _("Enter the fingerprint as 64 characters from 0-9 and a-f.")},
    )

    def content(self) -> bytes:
        """Return the file's bytes. Raises BadInputError when they do not match the fingerprint."""
        upload = self.cleaned_data["root"]
        content = upload.read(MAX_ROOT_BYTES + 1)
        fingerprint = self.cleaned_data["fingerprint"].strip().lower()
        if (
            len(content) > MAX_ROOT_BYTES
            or model_updates_queries.fingerprint_of(content) != fingerprint
        ):
            text = _(
                "The file does not match the fingerprint. Do not trust it; ask the publisher again."
            )
            raise BadInputError(str(text), field="fingerprint")
        return content
