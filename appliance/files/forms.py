"""A field for several files, and the error of a form whose files must be chosen again."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from appliance.core import disk_space
from appliance.core.forms import Form
from appliance.disks import ATTACHMENTS
from appliance.files import queries, services
from appliance.files.models import MAX_FILES


class UploadsInput(forms.FileInput):
    allow_multiple_selected = True


class UploadsField(forms.FileField):
    """Up to MAX_FILES files, each within the limit of the site."""

    widget = UploadsInput
    default_error_messages = {
        "empty": gettext_lazy("“%(name)s” is empty. Choose it again, or send the rest without it."),
        "many": gettext_lazy("Choose at most %(most)d files; send the others separately."),
    }

    def clean(
        self, data: Sequence[UploadedFile] | None, initial: object = None
    ) -> list[UploadedFile]:
        uploads = [upload for upload in data or [] if upload]
        if self.required and not uploads:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(uploads) > MAX_FILES:
            raise ValidationError(self.error_messages["many"] % {"most": MAX_FILES}, code="many")
        self._check_disk(uploads)
        self._check_sizes(uploads)
        empty = [upload for upload in uploads if not upload.size]
        if empty:
            raise ValidationError(
                [self.error_messages["empty"] % {"name": upload.name} for upload in empty],
                code="empty",
            )
        return [super(UploadsField, self).clean(upload) for upload in uploads]

    def _check_disk(self, uploads: list[UploadedFile]) -> None:
        if uploads and disk_space.find_unwritable(ATTACHMENTS):
            raise ValidationError(disk_space.attachment_refusal(), code="disk_full")

    def _check_sizes(self, uploads: list[UploadedFile]) -> None:
        limit = queries.limit_mb() if uploads else 0
        large = [upload for upload in uploads if services.size_of(upload) > limit * queries.MB]
        if large:
            raise ValidationError(
                [services.too_large(upload.name, limit) for upload in large], code="large"
            )


class FormWithFiles(Form):
    """A form with ``files``. With any other error it also asks for the files again."""

    files_field = "files"

    def add_error(self, field: str | None, error: Any) -> None:
        # ``error`` is whatever Django's method takes; it is only passed on.
        super().add_error(field, error)
        has_files = isinstance(self.files, MultiValueDict) and self.files.getlist(self.files_field)
        if field != self.files_field and has_files and self.files_field not in self.errors:
            super().add_error(
                self.files_field,
                _(
                    "Choose your files again: the browser does not keep them when the "
                    "page reloads. Your text is kept."
                ),
            )
