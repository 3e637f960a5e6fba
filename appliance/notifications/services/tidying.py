"""Nothing is kept for ever."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.notifications.models import Notice, OutgoingMail

State = OutgoingMail.State
KEEP_READ = timedelta(days=30)
KEEP_UNREAD = timedelta(days=180)
KEEP_MAIL = timedelta(days=30)
KEEP_WAITING = timedelta(days=3)  # older news helps nobody, and must not come as a flood


@transaction.atomic
def tidy() -> int:
    """Remove old notices and letters; what waited too long is not sent. How many rows went."""
    now = timezone.now()
    waiting = OutgoingMail.objects.filter(state=State.WAITING, created_at__lt=now - KEEP_WAITING)
    waiting.exclude(kind="", is_digest=False).update(
        state=State.DROPPED, said=_("Not sent within three days.")
    )
    old = Q(read_at__isnull=False, at__lt=now - KEEP_READ) | Q(at__lt=now - KEEP_UNREAD)
    gone, _rows = Notice.objects.filter(old).delete()
    letters = OutgoingMail.objects.filter(created_at__lt=now - KEEP_MAIL)
    gone_too, _rows = letters.exclude(state=State.WAITING).delete()
    return gone + gone_too
