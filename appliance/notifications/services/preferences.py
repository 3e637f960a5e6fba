"""What people choose about being told."""

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.core.errors import BadInputError
from appliance.notifications.defaults import kinds_of
from appliance.notifications.models import Mail, Preference


@transaction.atomic
def set_preferences(
    *, user: User, in_window: dict[str, bool], by_mail: dict[str, str], is_quiet_when_away: bool
) -> None:
    """Their own choice for each kind that can happen to them; other keys are refused."""
    kinds = set(kinds_of(user))
    if not {*in_window, *by_mail} <= kinds or not set(by_mail.values()) <= set(Mail.values):
        raise BadInputError(_("This page is out of date. Reload it and choose again."))
    Preference.objects.update_or_create(
        user=user,
        defaults={
            "in_window": in_window,
            "by_mail": by_mail,
            "is_quiet_when_away": is_quiet_when_away,
        },
    )
