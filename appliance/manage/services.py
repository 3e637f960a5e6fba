"""Writing what an admin's form says, without losing what another wrote meanwhile."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts import services as accounts_services
from appliance.accounts.models import User
from appliance.core import queries as core_queries
from appliance.core.errors import BadInputError
from appliance.core.forms import Form
from appliance.files import services as files_services
from appliance.files.models import StoredFile
from appliance.manage import queries
from appliance.manage.models import Addition

KEPT = timedelta(days=1)
LOGO_TYPES = ("image/png", "image/jpeg", "image/webp")
MAX_LOGO_BYTES = 500 * 1024
MAX_CHARACTERS = 80  # of what stands there now, when it is told


@transaction.atomic
def add_once(*, key: UUID, slug: str, add: Callable[[], Model]) -> int:
    """The number of what ``add`` made; of what it made before when the same form comes again."""
    Addition.objects.filter(at__lt=timezone.now() - KEPT).delete()
    # while another transaction holds this key, it is waited for
    addition, is_new = Addition.objects.get_or_create(key=key, defaults={"slug": slug})
    if is_new:
        addition.object_id = add().pk
        addition.save(update_fields=["object_id"])
    return addition.object_id


@transaction.atomic
def save(
    *,
    row: Model,
    form: Form,
    seen: str,
    fresh: Callable[[], Form],
    write: Callable[[], object],
) -> None:
    """Call ``write`` if the row still is what the person had before them.

    ``seen`` is the ``stamp`` of the form they were shown, ``fresh`` gives the form of what stands
    there now. Where these differ, BadInputError tells who changed it and what it says now; with
    the stamp of that they may send theirs again.
    """
    type(row).objects.select_for_update().filter(pk=row.pk).first()
    now = fresh()
    if seen and seen != stamp(now):
        raise BadInputError(_describe_conflict(row, form, now))
    write()


def change_logo(*, by: User, upload: UploadedFile | None) -> None:
    """Show this image beside the name of the desk; None takes it away."""
    if upload is not None and upload.size > MAX_LOGO_BYTES:
        raise BadInputError(
            _("The logo is larger than 500 KB. Choose a smaller file."), field="logo"
        )
    with files_services.atomic():
        before = core_queries.site_settings().logo_id
        stored = files_services.store(upload=upload, by=by) if upload else None
        if stored and stored.content_type not in LOGO_TYPES:
            raise BadInputError(
                _("The file is not a PNG, JPEG or WebP image. Save it in one of these formats."),
                field="logo",
            )
        accounts_services.update_site_settings(by=by, logo_id=stored.pk if stored else None)
        for old in StoredFile.objects.filter(pk=before):
            files_services.remove(stored_file=old)


def stamp(form: Form) -> str:
    """One value for everything a form shows before anybody types."""
    shown = {name: _initial(form, name) for name in form.fields}
    return hashlib.sha256(json.dumps(shown, default=str, sort_keys=True).encode()).hexdigest()


def _initial(form: Form, name: str) -> object:
    return form[name].initial


def _describe_conflict(row: Model, form: Form, now: Form) -> str:
    who = queries.find_last_changer(row) or _("Someone")
    differs = [name for name in now.fields if name in form.fields and _differs(form, now, name)]
    what = "; ".join(f"{now.fields[name].label}: {_words(now, name)}" for name in differs)
    return _(
        "%(who)s changed this while you were editing. Current values: %(what)s. Save "
        "again to overwrite them."
    ) % {"who": who, "what": what or _("identical to yours")}


def _differs(form: Form, now: Form, name: str) -> bool:
    field = form.fields[name]
    return field.has_changed(_initial(now, name), form[name].data)


def _words(form: Form, name: str) -> str:
    """A value as the form would show it."""
    field, value = form.fields[name], _initial(form, name)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    values = value if isinstance(value, list | tuple) else [value]
    if isinstance(field, forms.ChoiceField):
        labels = {str(key): str(label) for key, label in field.choices}
        values = [labels.get(str(row), row) for row in values]
    text = ", ".join(str(row) for row in values if row not in (None, ""))
    return f"“{text[:MAX_CHARACTERS]}”" if text else _("empty")
