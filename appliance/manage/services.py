"""Saving what the forms of the settings say, without losing what another admin saved meanwhile."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Unpack
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.accounts.permissions import require_admin
from appliance.core import audit
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError
from appliance.core.forms import Form
from appliance.files import services as files_services
from appliance.files.models import StoredFile
from appliance.manage import audit_export, queries
from appliance.manage.forms.crud import AuditLogFilters
from appliance.manage.models import IdempotencyKey

KEY_LIFETIME = timedelta(days=1)
LOGO_TYPES = ("image/png", "image/jpeg", "image/webp")
MAX_LOGO_BYTES = 500 * 1024
MAX_VALUE_CHARACTERS = 80  # of a current value, where a conflict is described


@transaction.atomic
def add_once(*, key: UUID, section_slug: str, add: Callable[[], Model]) -> int:
    """Return the id of the object that ``add`` creates; with the same key again, of the first."""
    IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEY_LIFETIME).delete()
    # waits while another transaction holds this key
    entry, is_new = IdempotencyKey.objects.get_or_create(
        key=key, defaults={"section_slug": section_slug}
    )
    if is_new:
        entry.object_id = add().pk
        entry.save(update_fields=["object_id"])
    assert entry.object_id is not None  # written in the transaction that created the key
    return entry.object_id


@transaction.atomic
def save_if_unchanged(
    *,
    entry: Model,
    form: Form,
    version: str,
    current_form: Callable[[], Form],
    write: Callable[[], object],
) -> None:
    """Call ``write`` unless the entry has changed since ``version``, which may be empty.

    ``version`` is the ``version_of`` the form that the user was shown, ``current_form`` builds the
    form of the entry as it is now. Raises BadInputError that tells who changed it and the current
    values; with the version of these, the user may overwrite them.
    """
    type(entry)._default_manager.select_for_update().filter(pk=entry.pk).first()
    current = current_form()
    if version and version != version_of(current):
        raise BadInputError(_describe_conflict(entry, form, current))
    write()


def change_logo(*, by: User, upload: UploadedFile | None) -> None:
    """Show this image beside the name of the help desk; None removes the logo."""
    if upload is not None and (upload.size or 0) > MAX_LOGO_BYTES:
        raise BadInputError(
            _("The logo is larger than 500 KB. Choose a smaller file."), field="logo"
        )
    with files_services.atomic():
        old_id = core_queries.site_settings().logo_id
        stored_file = files_services.store(upload=upload, by=by) if upload else None
        if stored_file and stored_file.content_type not in LOGO_TYPES:
            raise BadInputError(
                _("The file is not a PNG, JPEG or WebP image. Save it in one of these formats."),
                field="logo",
            )
        accounts_services.update_site_settings(
            by=by, logo_id=stored_file.pk if stored_file else None
        )
        old = StoredFile.objects.filter(pk=old_id).first() if old_id else None
        if old:
            files_services.remove(stored_file=old)


def export_audit_log(*, by: User, suffix: str, **filters: Unpack[AuditLogFilters]) -> Iterator[str]:
    """Record the export and return its lines; ``suffix`` is "csv" or "jsonl"."""
    require_admin(by)
    entries = queries.list_audit_log(by, **filters).order_by("pk")
    audit.record_export(by=by, kind="audit log", name=suffix)
    return audit_export.FORMATS[suffix](entries)


def version_of(form: Form) -> str:
    """Return a digest of everything an unbound form shows."""
    values = {name: form[name].initial for name in form.fields}
    return hashlib.sha256(json.dumps(values, default=str, sort_keys=True).encode()).hexdigest()


def _describe_conflict(entry: Model, form: Form, current: Form) -> str:
    differences = [
        f"{field.label}: {_describe_value(current, name)}"
        for name, field in current.fields.items()
        if name in form.fields
        and form.fields[name].has_changed(current[name].initial, form[name].data)
    ]
    return _(
        "%(who)s changed this while you were editing. Current values: %(what)s. Save "
        "again to overwrite them."
    ) % {
        "who": queries.find_last_actor(entry) or _("Someone"),
        "what": "; ".join(differences) or _("identical to yours"),
    }


def _describe_value(form: Form, name: str) -> str:
    """Return a value as the form would show it."""
    field, value = form.fields[name], form[name].initial
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    values = value if isinstance(value, list | tuple) else [value]
    if isinstance(field, forms.ChoiceField):
        labels = {str(option.data["value"]): option.choice_label for option in form[name]}
        values = [labels.get(str(item), item) for item in values]
    text = ", ".join(str(item) for item in values if item not in (None, ""))
    return f"“{text[:MAX_VALUE_CHARACTERS]}”" if text else _("empty")
