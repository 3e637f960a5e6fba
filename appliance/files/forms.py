"""A field for several files, and what a form says when they must be chosen once more."""

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.core.forms import Form
from appliance.files import queries, services
from appliance.files.models import MAX_FILES


class UploadsInput(forms.FileInput):
    allow_multiple_selected = True


class UploadsField(forms.FileField):
    """Any number of files up to MAX_FILES, each within the limit of the desk."""

    widget = UploadsInput
    default_error_messages = {
        "many": gettext_lazy("Choose at most %(most)d files; send the others separately."),
    }

    def clean(self, data: object, initial: object = None) -> list[UploadedFile]:
        uploads = [row for row in data or [] if row]
        if self.required and not uploads:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(uploads) > MAX_FILES:
            raise ValidationError(self.error_messages["many"] % {"most": MAX_FILES}, code="many")
        self._check_sizes(uploads)
        return [super(UploadsField, self).clean(row) for row in uploads]

    def _check_sizes(self, uploads: list[UploadedFile]) -> None:
        limit = queries.limit_mb() if uploads else 0
        large = [upload for upload in uploads if upload.size > limit * queries.MB]
        if large:
            raise ValidationError(
                [services.too_large(upload.name, limit) for upload in large], code="large"
            )


class FormWithFiles(Form):
    """A form with ``files``. Whatever is wrong with it, it says that they must be chosen again."""

    files_field = "files"

    def add_error(self, field: str | None, error: object) -> None:
        super().add_error(field, error)
        sent = self.files.getlist(self.files_field) if hasattr(self.files, "getlist") else []
        if field != self.files_field and sent and self.files_field not in self.errors:
            super().add_error(
                self.files_field,
                _(
                    "Choose your files again: the browser does not keep them when the "
                    "page reloads. Your text is kept."
                ),
            )
