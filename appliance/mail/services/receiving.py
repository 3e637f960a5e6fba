"""The first of two transactions: an e-mail is committed with its source.

Only after that is the mail server told that we have it. Whatever is killed in between, the e-mail
comes again and is recognised by its location or its digest.
"""

import contextlib
from collections.abc import Iterable

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued

from appliance.files import services as files_services
from appliance.files.models import StoredFile
from appliance.mail.identity import identify
from appliance.mail.models import MAX_MESSAGE_MB, InboundEmail, Mailbox

MAX_SOURCE_BYTES = (MAX_MESSAGE_MB + 1) * 1024 * 1024
PROCESSING_JOB = "mail.process_received"
SOURCE_TYPE = "message/rfc822"


def receive(
    *,
    mailbox: Mailbox,
    source: bytes,
    size: int | None = None,
    location: str = "",
    envelope_recipients: Iterable[str] = (),
) -> InboundEmail:
    """Store an e-mail with its source and return it; the same one again returns the first.

    ``size`` is that of the whole e-mail if the source is only its beginning. The caller must not
    be in a transaction: it relies on the commit.
    """
    identity = identify(source)
    if earlier := _find_earlier(identity.digest, location):
        return earlier
    try:
        with files_services.atomic():
            email = InboundEmail.objects.create(
                mailbox=mailbox,
                source=_store_source(identity.digest, source),
                digest=identity.digest,
                location=location,
                header_message_id=identity.message_id,
                envelope_recipients=[*envelope_recipients],
                size=size or len(source),
                is_cut=size is not None and size > len(source),
            )
            wake_worker()
    except IntegrityError:
        if earlier := _find_earlier(identity.digest, location):
            return earlier  # another process received it at the same moment
        raise
    return email


def wake_worker() -> None:
    """Let the worker look for received e-mails when this transaction commits."""
    job = jobs.configure_task(PROCESSING_JOB, queueing_lock=PROCESSING_JOB)
    with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
        job.defer()


def _store_source(digest: str, source: bytes) -> StoredFile:
    upload = SimpleUploadedFile(f"{digest[:16]}.eml", source, SOURCE_TYPE)
    return files_services.store(
        upload=upload, by=None, limit_bytes=MAX_SOURCE_BYTES, content_type=SOURCE_TYPE
    )


def _find_earlier(digest: str, location: str) -> InboundEmail | None:
    same = Q(digest=digest) | Q(location=location) if location else Q(digest=digest)
    return InboundEmail.objects.filter(same).order_by("pk").first()
