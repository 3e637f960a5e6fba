"""Responses with an uploaded file."""

from django.http import FileResponse

from appliance.files import queries
from appliance.files.models import StoredFile

# Whatever the bytes turn out to be, they run nothing and load nothing.
CONTENT_SECURITY_POLICY = "default-src 'none'; sandbox"


def file_response(stored: StoredFile) -> FileResponse:
    """Stream a file from the disk: images inline, everything else as a download.

    The caller authorises. Raises Http404 when the bytes are gone.
    """
    is_image = stored.is_image
    response = FileResponse(
        queries.open_file(stored),
        as_attachment=not is_image,
        filename=stored.name,
        content_type=stored.content_type if is_image else "application/octet-stream",
    )
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response
