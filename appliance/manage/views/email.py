"""Pages of outgoing e-mail: the mail server with its test, and the texts with their preview."""

from csp.decorators import csp_replace
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from appliance.accounts import choices
from appliance.accounts.permissions import (
    AuthenticatedRequest,
    admins_only,
    reauthentication_required,
)
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError
from appliance.manage import services
from appliance.manage.forms.crud import VersionForm
from appliance.manage.forms.email import EmailSettingsForm, EmailTextForm, TestEmailForm
from appliance.manage.views.crud import post_data
from appliance.notifications import email_preview, email_texts, senders
from appliance.notifications import queries as notifications_queries
from appliance.notifications import services as notifications_services
from appliance.notifications.models import Kind

EMAIL_POLICY = {  # of the preview: what an e-mail client does
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["'self'"],
    "frame-ancestors": ["'none'"],
}


@require_http_methods(["GET", "POST"])
@admins_only
@reauthentication_required  # links to set a password go through the mail server
def edit_settings(request: AuthenticatedRequest) -> HttpResponse:
    form = _settings_form(request)
    if form.is_valid():
        form.attempt(
            services.save_if_unchanged,
            entry=senders.email_settings(),
            form=form,
            version=VersionForm(request.POST).value(),
            current_form=lambda: _settings_form(None),
            write=lambda: notifications_services.change_email_settings(
                by=request.user, **form.values()
            ),
        )
        if not form.errors:
            messages.success(request, _("Settings saved."))
            return redirect("email-settings")
    return _settings_page(request, form, TestEmailForm(initial={"to": request.user.email}))


@require_POST
@admins_only
@reauthentication_required  # the password that is stored goes to the server
def send_test_email(request: AuthenticatedRequest) -> HttpResponse:
    form = TestEmailForm(request.POST)
    if form.is_valid():
        to = form.cleaned_data["to"]
        form.attempt(notifications_services.send_test_email, by=request.user, to=to)
        if not form.errors:
            messages.success(request, _("The test e-mail was sent to %(to)s.") % {"to": to})
            return redirect("email-settings")
    return _settings_page(request, _settings_form(None), form)


def _settings_form(request: AuthenticatedRequest | None) -> EmailSettingsForm:
    return EmailSettingsForm(
        post_data(request) if request else None,
        settings=senders.email_settings(),
        server=senders.find_mail_server(),
    )


def _settings_page(
    request: AuthenticatedRequest, form: EmailSettingsForm, test_form: TestEmailForm
) -> HttpResponse:
    version = services.version_of(_settings_form(None))
    context = {
        "form": form,
        "test_form": test_form,
        "version_form": VersionForm(initial={"version": version}),
        "sender": senders.find_sender(),
        "counts": notifications_queries.count_emails(request.user),
    }
    status = 400 if form.errors or test_form.errors else 200
    return render(request, "manage/email_settings.html", context, status=status)


@require_safe
@admins_only
def list_texts(request: AuthenticatedRequest) -> HttpResponse:
    rows = [
        (kind, label, [(code, name, _find_text(kind, code)) for code, name in choices.languages()])
        for kind, label in email_texts.LABELS.items()
    ]
    return render(request, "manage/email_texts.html", {"rows": rows})


@require_http_methods(["GET", "POST"])
@admins_only
def edit_text(request: AuthenticatedRequest, kind: str, language: str) -> HttpResponse:
    """Save a text, or with ``reset`` return to the shipped one."""
    kind, text = _access(kind, language), _find_text(kind, language)
    if request.POST.get("action") == "reset":
        notifications_services.reset_email_text(by=request.user, kind=kind, language=language)
        messages.success(request, _("The shipped text is used again."))
        return redirect("edit-email-text", kind, language)
    form = EmailTextForm(post_data(request), initial={"subject": text.subject, "body": text.body})
    if form.is_valid():
        form.attempt(
            notifications_services.change_email_text,
            by=request.user,
            kind=kind,
            language=language,
            **form.cleaned_data,
        )
        if not form.errors:
            messages.success(request, _("Text saved."))
            return redirect("edit-email-text", kind, language)
    context = {
        "form": form,
        "kind": kind,
        "label": email_texts.LABELS[kind],
        "language": language,
        "language_name": dict(choices.languages())[language],
        "text": text,
        "variables": email_texts.VARIABLES.items(),
    }
    return render(request, "manage/email_text.html", context, status=400 if form.errors else 200)


@csp_replace(EMAIL_POLICY)
@require_POST
@admins_only
def preview_text(request: AuthenticatedRequest, kind: str, language: str) -> HttpResponse:
    """Show the text of the form with sample data: as HTML, or with ``action=plain`` as text."""
    kind, form = _access(kind, language), EmailTextForm(request.POST)
    if not form.is_valid():
        return HttpResponse(_("Enter a subject and a text."), status=400, content_type="text/plain")
    data = form.cleaned_data
    try:
        email_texts.check(kind, data["subject"], data["body"])
    except BadInputError as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    text = email_texts.Text(data["subject"], data["body"])
    logo_id = core_queries.site_settings().logo_id
    preview = email_preview.build(
        kind, language, text, logo_src=reverse("logo", args=[logo_id]) if logo_id else ""
    )
    if request.POST.get("action") == "plain":
        plain = f"{preview.subject}\n\n{preview.text}"
        return HttpResponse(plain, content_type="text/plain; charset=utf-8")
    return HttpResponse(preview.html)


def _access(kind: str, language: str) -> Kind:
    """Return the kind. Raises Http404 for a kind or a language without texts."""
    if kind not in email_texts.LABELS or language not in dict(choices.languages()):
        raise Http404
    return Kind(kind)


def _find_text(kind: Kind | str, language: str) -> email_texts.Text:
    return email_texts.find_text(Kind(kind), language)
