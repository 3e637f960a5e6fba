from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, path

from appliance.manage.sections import SECTIONS
from appliance.manage.sections.section import Section
from appliance.manage.views import (
    crud,
    directories,
    email,
    learning,
    mail,
    model_quality,
    model_updates,
    offboarding,
    people,
    sign_in,
    site_settings,
    sla,
)


def section_urls(section: Section[Any]) -> Iterator[URLPattern]:
    """Yield the pages that a section has."""
    list_path, entry_path = f"{section.slug}/", f"{section.slug}/<int:pk>/"
    slug, arguments = section.object_slug, {"section": section}
    yield path(list_path, crud.index, arguments, name=section.slug)
    if "add" in section.actions:
        yield path(f"{list_path}add/", crud.add, arguments, name=f"add-{slug}")
    yield path(entry_path, crud.edit, arguments, name=f"edit-{slug}")
    for action in ("remove", "restore", "move"):
        if action in section.actions:
            view = getattr(crud, action)
            yield path(f"{entry_path}{action}/", view, arguments, name=f"{action}-{slug}")


urlpatterns = [
    path("", crud.overview, name="manage"),
    *(url for section in SECTIONS for url in section_urls(section)),
    path("site-settings/", site_settings.edit_site_settings, name="site-settings"),
    path("site-settings/logo/", site_settings.change_logo, name="change-logo"),
    path("logo/<uuid:file_id>/", site_settings.logo, name="logo"),
    path("mailboxes/test/", mail.try_mailbox, name="test-new-mailbox"),
    path("mailboxes/<int:pk>/test/", mail.try_mailbox, name="test-mailbox"),
    path("mail-settings/", mail.edit_mail_settings, name="mail-settings"),
    path("received-emails/", mail.received_emails, name="received-emails"),
    path("received-emails/<int:pk>/", mail.received_email, name="received-email"),
    path("received-emails/<int:pk>/accept/", mail.accept_email, name="accept-email"),
    path("received-emails/<int:pk>/delete/", mail.delete_email, name="delete-email"),
    path("received-emails/<int:pk>/block/", mail.block_email_sender, name="block-email-sender"),
    path("received-emails/<int:pk>/retry/", mail.retry_received_email, name="retry-received-email"),
    path(
        "received-emails/<int:pk>/source/", mail.received_email_source, name="received-email-source"
    ),
    path("email/", email.edit_settings, name="email-settings"),
    path("email/test/", email.send_test_email, name="send-test-email"),
    path("email/texts/", email.list_texts, name="email-texts"),
    path("email/texts/<slug:kind>/<slug:language>/", email.edit_text, name="edit-email-text"),
    path(
        "email/texts/<slug:kind>/<slug:language>/preview/",
        email.preview_text,
        name="preview-email-text",
    ),
    path("models/", model_updates.models, name="models"),
    path("models/start-update/", model_updates.start, name="start-update"),
    path("models/trust-publisher/", model_updates.trust, name="trust-publisher"),
    path("models/roll-back/", model_updates.roll_back, name="roll-back-models"),
    path("models/<int:pk>/", model_updates.show, name="model-update"),
    path("models/<int:pk>/apply/", model_updates.apply, name="apply-update"),
    path("model-quality/", model_quality.edit_model_quality, name="model-quality"),
    path("model-quality/export/", model_quality.export, name="export-model-quality"),
    path("model-quality/update/", model_quality.update, name="update-model-quality"),
    path("learning/", learning.learning, name="learning"),
    path("learning/train/", learning.train, name="train-head"),
    path("learning/heads/<int:pk>/activate/", learning.activate, name="activate-head"),
    path("learning/roll-back/", learning.roll_back, name="roll-back-head"),
    path("learning/settings/", learning.change_settings, name="change-learning"),
    path("categories/<int:pk>/pass-labels-on/", learning.pass_labels_on, name="pass-labels-on"),
    path("audit-log/", site_settings.audit_log, name="audit-log"),
    path("audit-log/export/", site_settings.export_audit_log, name="export-audit-log"),
    path("directories/<int:pk>/test/", directories.test_directory, name="test-directory"),
    path("directories/<int:pk>/runs/", directories.start_run, name="start-directory-run"),
    path("directory-runs/<int:pk>/", directories.show_run, name="directory-run"),
    path("directory-runs/<int:pk>/approve/", directories.approve_run, name="approve-directory-run"),
    path("directories/<int:pk>/groups/add/", directories.add_mapping, name="add-group-mapping"),
    path(
        "group-mappings/<int:pk>/remove/",
        directories.remove_mapping,
        name="remove-group-mapping",
    ),
    path("tags/<int:pk>/merge/", people.merge_tag, name="merge-tag"),
    path("business-hours/<int:pk>/holidays/", sla.add_holiday, name="add-holiday"),
    path("holidays/<int:pk>/remove/", sla.remove_holiday, name="remove-holiday"),
    path("policies/<int:pk>/escalations/add/", sla.add_escalation, name="add-escalation"),
    path("escalations/<int:pk>/remove/", sla.remove_escalation, name="remove-escalation"),
    path("people/<int:pk>/invite/", people.invite, name="invite-person"),
    path("organisations/<int:pk>/merge/", people.merge_organisation, name="merge-organisation"),
    path("people/<int:pk>/deactivate/", offboarding.deactivate_person, name="deactivate-person"),
    path(
        "identity-providers/test/",
        sign_in.try_identity_provider,
        name="test-new-identity-provider",
    ),
    path(
        "identity-providers/<int:pk>/test/",
        sign_in.try_identity_provider,
        name="test-identity-provider",
    ),
    path(
        "people/<int:pk>/second-factor/reset/",
        sign_in.reset_second_factor,
        name="reset-second-factor",
    ),
    path(
        "people/<int:pk>/sessions/<uuid:public_id>/end/",
        sign_in.end_session,
        name="end-person-session",
    ),
    path("people/<int:pk>/sessions/end/", sign_in.end_all_sessions, name="end-person-sessions"),
    path("people/<int:pk>/export/", offboarding.export_person, name="export-person"),
    path("people/<int:pk>/anonymise/", offboarding.anonymise_person, name="anonymise-person"),
    path("customers/<int:pk>/merge/", offboarding.merge_customer, name="merge-customer"),
    path("customers/<int:pk>/export/", offboarding.export_customer, name="export-customer"),
    path(
        "customers/<int:pk>/anonymise/", offboarding.anonymise_customer, name="anonymise-customer"
    ),
    path("customers/<int:pk>/create-login/", people.create_login, name="create-login"),
    path("customers/<int:pk>/confirm/", people.confirm_login, name="confirm-login"),
    path(
        "customers/<int:pk>/clear-undeliverable/",
        people.clear_undeliverable,
        name="clear-undeliverable",
    ),
    path("customers/<int:pk>/unlink/", people.unlink_customer, name="unlink-customer"),
]
