"""The number of unread notifications beside the bell of every page, cached for each user."""

from django.template.context import RequestContext

from appliance.accounts.models import User
from appliance.core import cache
from appliance.notifications import queries

MAX_COUNTED = 100  # from here on the badge says 99+


def count_unread(viewer: User) -> int:
    """Return the number of unread notifications, at most MAX_COUNTED, from the cache if there."""
    return cache.get_or_compute(
        "unread_notifications",
        [viewer.pk],
        lambda: _count(viewer),
        depends_on=[_subject(viewer.pk), cache.TEAMS],
    )


def _count(viewer: User) -> int:
    unread = queries.list_notifications(viewer, only_unread=True)
    return unread.order_by()[:MAX_COUNTED].count()


def generation(viewer: User) -> int | None:
    """Return a number that changes whenever the badge may show another one. One cache read."""
    return cache.generation(_subject(viewer.pk))


def invalidate(user_ids: list[int]) -> None:
    """Let the badges of these users be counted again once the transaction commits."""
    if user_ids:
        cache.invalidate(*map(_subject, user_ids))


def badge_context(viewer: User) -> dict[str, object]:
    """Return the context of the template of the badge. No query while the cache knows."""
    # read before the number: a change in between shows at the next poll instead of never
    generation_shown = generation(viewer)
    count = count_unread(viewer)
    shown = f"{MAX_COUNTED - 1}+" if count >= MAX_COUNTED else str(count)
    return {"count": count, "shown": shown, "generation": generation_shown or 0}


def badge_of_request(context: RequestContext) -> dict[str, object]:
    """Return the context of the badge of the user who is logged in, for the template tag."""
    return badge_context(context["request"].user)


def _subject(user_id: int) -> str:
    return f"notifications:{user_id}"
