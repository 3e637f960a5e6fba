"""What outgoing e-mails about tickets carry beside the reply token, for the intake to recognise."""

from django.conf import settings
from django.utils import translation
from django.utils.crypto import salted_hmac

# Stands above the e-mail an answer is written to. Whatever follows it is quoted text.
REPLY_MARKERS = {
    "en": "Please write your reply above this line",
    "de": "Bitte schreiben Sie Ihre Antwort oberhalb dieser Zeile",
}
DESK_HEADER = "X-Skerry-Desk"  # its value names the installation that sent the e-mail


def reply_marker() -> str:
    """Return the line for an e-mail in the active language, such as ``--- Please … ---``."""
    language = (translation.get_language() or "en").partition("-")[0]
    return f"--- {REPLY_MARKERS.get(language, REPLY_MARKERS['en'])} ---"


def desk_id() -> str:
    """Return the value of ``DESK_HEADER`` in the e-mails of this installation."""
    return salted_hmac("desk", "", secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()[:32]
