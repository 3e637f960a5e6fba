"""What the cache calls the notices of one person."""

from appliance.core import cache


def subject_of(user_id: int) -> str:
    return f"notices:{user_id}"


def changed_for(user_ids: list[int]) -> None:
    """The bells of these people look again once the transaction commits."""
    if user_ids:
        cache.invalidate(*map(subject_of, user_ids))
