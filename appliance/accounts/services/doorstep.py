"""How often strangers may send a form. Counted in PostgreSQL: a flushed cache opens no door."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from appliance.accounts.models import Knock
from appliance.core.errors import BadInputError

WINDOW = timedelta(hours=1)
# A ward or an office may share one address.
MOST = {"register": 20, "ask": 20, "answer": 60, "vote": 60}


def knock(*, door: str, address: str) -> None:
    """Count one form sent to ``door``; raises BadInputError beyond MOST of it an hour.

    Call it outside the transaction of the form: what is refused afterwards counts as well.
    """
    now = timezone.now()
    Knock.objects.filter(at__lt=now - WINDOW).delete()
    if Knock.objects.filter(door=door, address=address).count() >= MOST[door]:
        raise BadInputError(
            _("Too many forms came from this address within an hour. Wait a little, or call.")
        )
    Knock.objects.create(door=door, address=address, at=now)
