"""The test of a mailbox, the settings of received e-mail, and e-mails that became no ticket."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts.permissions import (
    AuthenticatedRequest,
    admins_only,
    agents_only,
    reauthentication_required,
)
from appliance.core.errors import BadInputError
from appliance.core.pagination import paginate
from appliance.files.views import file_response
from appliance.mail import queries as mail_queries
from appliance.mail import services as mail_services
from appliance.mail.forms import EmailStateForm, MailboxForm, MailSettingsForm
from appliance.mail.models import InboundEmail, Mailbox
from appliance.mail.parsing import Note
from appliance.manage.sections.mail import MAILBOXES
from appliance.manage.views.crud import post_data, render_entry_form


@require_POST
@admins_only
@reauthentication_required  # the password that is stored goes to the server of the form
def try_mailbox(request: AuthenticatedRequest, pk: int | None = None) -> HttpResponse:
    """Try the mailbox as it is in the form, saved or not, and show what the server says."""
    mailbox = mail_queries.access_mailbox(request.user, pk) if pk else None
    form = MailboxForm(request.POST, mailbox=mailbox)
    findings = None
    if form.is_valid():
        findings = form.attempt(_test, mailbox=mailbox, fields={**form.values()})
    if request.htmx:
        errors = [error for errors in form.errors.values() for error in errors]
        return render(
            request, "manage/_mailbox_test.html", {"findings": findings, "errors": errors}
        )
    return render_entry_form(request, MAILBOXES, form, mailbox, findings=findings)


def _test(*, mailbox: Mailbox | None, fields: dict) -> list[str]:
    values = mail_services.with_password(mailbox, fields)
    return mail_services.try_mailbox(mailbox=Mailbox(**values))


@require_http_methods(["GET", "POST"])
@admins_only
def edit_mail_settings(request: AuthenticatedRequest) -> HttpResponse:
    form = MailSettingsForm(post_data(request), mail_settings=mail_queries.mail_settings())
    if form.is_valid():
        form.attempt(mail_services.change_mail_settings, by=request.user, **form.values())
        if not form.errors:
            messages.success(request, _("Settings saved."))
            return redirect("mail-settings")
    status = 400 if form.errors else 200
    return render(request, "manage/mail_settings.html", {"form": form}, status=status)


@require_safe
@agents_only
def received_emails(request: AuthenticatedRequest) -> HttpResponse:
    """List the e-mails that became no ticket, held ones unless ``state`` says otherwise."""
    form = EmailStateForm(request.GET or {"state": InboundEmail.State.HELD})
    emails = mail_queries.list_emails(request.user, form.value())
    cursor = request.GET.get("after", "")
    page = paginate(emails, mail_queries.EMAIL_ORDERING, after=cursor)
    return render(request, "manage/received_emails.html", {"form": form, "page": page})


@require_safe
@agents_only
def received_email(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    email = mail_queries.access_email(request.user, pk)
    context = {
        "email": email,
        "parsed": mail_queries.read_email(email),
        "notes": [Note.from_json(note).text for note in email.notes],
    }
    return render(request, "manage/received_email.html", context)


@require_safe
@agents_only
def received_email_source(request: AuthenticatedRequest, pk: int) -> HttpResponseBase:
    """Send the source of an e-mail as a download, which no browser displays."""
    email = mail_queries.access_email(request.user, pk)
    if email.source is None:
        raise Http404
    return file_response(email.source)


@require_POST
@agents_only
def accept_email(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    success = _("The e-mail becomes a ticket in a moment.")
    return _change(request, pk, mail_services.accept_email, success)


@require_POST
@agents_only
def delete_email(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    return _change(request, pk, mail_services.delete_email, _("The e-mail was deleted."))


@require_POST
@agents_only
def block_email_sender(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    success = _("The sender is blocked, and the e-mail was deleted.")
    return _change(request, pk, mail_services.block_sender, success)


@require_POST
@admins_only
def retry_received_email(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    return _change(
        request, pk, mail_services.retry_email, _("The e-mail is processed in a moment.")
    )


def _change(
    request: AuthenticatedRequest, pk: int, service: Callable[..., None], success: str
) -> HttpResponse:
    email = mail_queries.access_email(request.user, pk)
    try:
        service(email=email, by=request.user)
        messages.success(request, success)
    except BadInputError as error:  # somebody else was faster
        messages.error(request, str(error))
    return redirect("received-emails")
