"""An import between being looked at and being done: the uploaded file is kept, for a day."""

from datetime import timedelta

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from appliance.accounts.models import User
from appliance.files import queries as files_queries
from appliance.files import services as files_services
from appliance.knowledge.models import ArticleVote, PendingImport
from appliance.knowledge.services.importing import Report, import_articles

KEPT = timedelta(days=1)


def look_at_import(*, upload: UploadedFile, by: User) -> tuple[PendingImport, Report]:
    """What bringing the file in would do. It is kept, so that nobody has to choose it twice."""
    report = import_articles(source=upload, by=by, dry_run=True, name=upload.name)
    upload.seek(0)
    with files_services.atomic():
        _forget(by)
        file = files_services.store(upload=upload, by=by)
        pending = PendingImport.objects.create(by=by, file=file, name=upload.name[:200])
    return pending, report


def apply_import(*, pending: PendingImport, by: User) -> Report:
    """Do it, and forget the file."""
    with files_queries.open_file(pending.file) as file:
        report = import_articles(source=file, by=by, name=pending.name)
    with transaction.atomic():
        _forget(by)
    return report


@transaction.atomic
def forget_person(*, person: User) -> None:
    """Their votes stay counted, as nobody's and without a word; what they looked at goes. Versions
    name them by their row, which is made anonymous by whoever calls this.
    """
    ArticleVote.objects.filter(user=person).update(user=None, comment="")
    _forget(person)


def _forget(by: User) -> None:
    """What this person looked at before, and what anybody left lying for too long."""
    old = PendingImport.objects.filter(at__lt=timezone.now() - KEPT)
    for pending in (old | PendingImport.objects.filter(by=by)).select_related("file"):
        file = pending.file
        pending.delete()
        files_services.remove(stored=file)
