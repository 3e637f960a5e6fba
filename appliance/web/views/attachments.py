"""What was sent with a ticket or a message."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from appliance.tickets import queries as tickets_queries
from appliance.web.attachments import file_response


@require_safe
@login_required
def attachment(request: HttpRequest, attachment_id: int) -> HttpResponse:
    return file_response(tickets_queries.access_attachment(request.user, attachment_id).file)
