"""The e-mail with the link that confirms a log-in."""

from django.utils import translation
from django.utils.translation import gettext as _

from appliance.accounts.models import User
from appliance.accounts.security import hash_token
from appliance.core import queries as core_queries
from appliance.notifications import queries, texts
from appliance.notifications.services.outbox import queue_email


def send_confirmation_link(person: User, token: str) -> bool:
    """Queue the e-mail; return False where none can be sent or no link can be built."""
    site = core_queries.site_settings()
    with translation.override(person.language or site.language):
        link = texts.absolute_url("confirm-email", token)
        if not (link and queries.has_smtp()):
            return False
        queue_email(
            key=f"confirmation:{hash_token(token)}",
            to=person.email,
            user=person,
            subject=_("Confirm your e-mail address"),
            body=_(
                "Somebody has registered with this address at %(site)s. If it was you, open this "
                "link within three days and sign in with the password you chose:\n\n%(link)s\n\n"
                "If it was not you, do nothing: nobody can read your tickets."
            )
            % {"site": site.name, "link": link},
        )
    return True
