"""Uploaded files."""

import uuid

from django.db import models
from django.utils import timezone

from appliance.accounts.models import User

# Types a browser may show inside our pages. Anything else, SVG above all, is a download.
INLINE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
MAX_FILES = 10  # of one message
MAX_MB = (
    100  # of one file, whatever the site settings allow; settings.UPLOAD_MAX_BYTES bounds a request
)


class StoredFile(models.Model):
    """One uploaded file. Its path on disk comes from its id; its name is only displayed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    content_type = models.CharField(
        max_length=100, help_text="Read from the bytes, not taken from the browser."
    )
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    uploaded_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def is_image(self) -> bool:
        return self.content_type in INLINE_TYPES
