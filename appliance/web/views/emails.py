"""A received e-mail: its HTML in a frame, its text, its headers and its source."""

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from appliance.accounts.permissions import AuthenticatedRequest, agents_only
from appliance.files import queries as files_queries
from appliance.files.views import CONTENT_SECURITY_POLICY
from appliance.mail.models import InboundEmail
from appliance.mail.ticket_emails import EmailPage, access_email, list_notes
from appliance.tickets.words import Words, words_of_message, words_of_ticket

# The HTML of a stranger: no script, no form, nothing of another server. The sandbox of the frame
# has the same limits; with allow-same-origin the pictures are sent to whoever has logged in.
HTML_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


@require_safe
@login_required
def show(request: AuthenticatedRequest, email_id: int) -> HttpResponse:
    """Show an e-mail with its recipients: as HTML or, with ``?as=text``, as plain text."""
    email = access_email(request.user, email_id)
    page = EmailPage(email)
    is_html = bool(email.html) and request.GET.get("as") != "text"
    context = {
        "email": email,
        "ticket": email.ticket,
        "to": page.to,
        "cc": page.cc,
        "notes": list_notes(email) if request.user.is_agent else [],
        "is_html": is_html,
        "words": None if is_html else _words_of(email),
        "headers": page.headers if request.user.is_agent else "",
    }
    return render(request, "web/email.html", context)


@require_safe
@login_required
@xframe_options_sameorigin
def html(request: AuthenticatedRequest, email_id: int) -> HttpResponse:
    """Return the HTML of an e-mail as a document of its own, for the frame."""
    email = access_email(request.user, email_id)
    if not email.html:
        raise Http404
    response = render(
        request, "web/email_html.html", {"email": email, "html": EmailPage(email).html}
    )
    response["Content-Security-Policy"] = HTML_POLICY
    return response


@require_safe
@agents_only
def source(request: AuthenticatedRequest, email_id: int) -> FileResponse:
    """Download an e-mail as it was received."""
    email = access_email(request.user, email_id)
    if email.source is None:
        raise Http404
    response = FileResponse(
        files_queries.open_file(email.source),
        as_attachment=True,
        filename=f"SKR-{email.ticket_id}-{email.pk}.eml",
        content_type="application/octet-stream",
    )
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def _words_of(email: InboundEmail) -> Words:
    """Return the text of the message, or of the ticket, that the e-mail became."""
    if email.message:
        return words_of_message(email.message, is_whole=True)
    assert email.ticket
    return words_of_ticket(email.ticket, is_whole=True)
