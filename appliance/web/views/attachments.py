"""How an uploaded file leaves the desk: shown when it is a plain image, else only downloaded."""

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpResponse
from django.views.decorators.http import require_safe

from appliance.accounts.permissions import AuthenticatedRequest
from appliance.files import queries as files_queries
from appliance.files.models import StoredFile
from appliance.tickets import queries as tickets_queries

# Whatever the bytes turn out to be, they run nothing and load nothing.
POLICY = "default-src 'none'; sandbox"


def file_response(stored: StoredFile) -> FileResponse:
    """Streamed from the disk. Raises Http404 when the bytes are gone. Authorise before."""
    is_image = stored.is_image
    response = FileResponse(
        files_queries.open_file(stored),
        as_attachment=not is_image,
        filename=stored.name,
        content_type=stored.content_type if is_image else "application/octet-stream",
    )
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@login_required
def attachment(request: AuthenticatedRequest, attachment_id: int) -> HttpResponse:
    return file_response(tickets_queries.access_attachment(request.user, attachment_id).file)
