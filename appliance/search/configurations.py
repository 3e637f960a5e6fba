"""In which language the words of this desk stand."""

from appliance.core.fields import WORDS
from appliance.search.models import Rewording

LANGUAGES = {"en": "english", "de": "german"}  # of the desk, and as PostgreSQL calls them
FIRST = "english"  # what the migration made


def in_use() -> tuple[str, ...]:
    """How to stem what somebody types: the desk's way, and the way before while rows have it."""
    running = find_running()
    return (WORDS, f"{WORDS}_{running.previous}") if running else (WORDS,)


def find_running() -> Rewording | None:
    """The rewording that has not come to its end, for its progress."""
    return Rewording.objects.filter(finished_at=None).first()


def current() -> str:
    """The language words are written in since the last change."""
    last = Rewording.objects.order_by("-pk").first()
    return last.language if last else FIRST
