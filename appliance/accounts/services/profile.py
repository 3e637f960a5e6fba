"""What people change about themselves."""

from django.db import transaction
from django.utils.translation import gettext as _

from appliance.accounts.choices import is_language, is_time_zone
from appliance.accounts.models import User
from appliance.accounts.services.people import lock
from appliance.accounts.services.recording import change
from appliance.core import cache
from appliance.core.errors import BadInputError


@transaction.atomic
def change_profile(
    *,
    person: User,
    first_name: str,
    last_name: str,
    language: str = "",
    time_zone: str = "",
    signature: str = "",
    is_away: bool = False,
) -> None:
    """Empty language or time zone: the desk's. Signature and away mean something for agents only.

    The customer record of the same person takes the new name, too.
    """
    if language and not is_language(language):
        raise BadInputError(_("This desk does not speak that language."), field="language")
    if time_zone and not is_time_zone(time_zone):
        raise BadInputError(_("Choose a time zone of the list."), field="time_zone")
    locked = lock(person)
    own = {"signature": signature, "is_away": is_away} if locked.is_agent else {}
    name = {"first_name": first_name, "last_name": last_name}
    if change(locked, by=locked, language=language, time_zone=time_zone, **name, **own):
        cache.changed(cache.TEAMS)  # lists of people are kept with those of teams
    if hasattr(locked, "customer"):
        change(locked.customer, by=locked, **name)
    cache.changed(cache.TICKETS)
    person.refresh_from_db()
