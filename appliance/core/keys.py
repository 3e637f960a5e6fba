"""Keys made from labels: short, ASCII, unique, and never the reason why a form is refused."""

from collections.abc import Collection

from django.db.models import Model
from django.utils.text import slugify

from appliance.core.database import lock_until_commit

MAX_SUFFIX_CHARACTERS = 6  # "-12345"


def new_key(
    model: type[Model],
    column: str,
    label: str,
    *,
    fallback: str,
    max_length: int = 40,
    reserved: Collection[str] = (),
) -> str:
    """Return a key for a new row, numbered if it is taken; ``fallback`` if no letter is Latin.

    Two requests at the same moment get different keys: the second waits until the first commits.
    """
    lock_until_commit(f"keys of {model._meta.label}")
    base = slugify(label)[: max_length - MAX_SUFFIX_CHARACTERS].strip("-_") or fallback
    taken = {*model._default_manager.values_list(column, flat=True), *reserved}
    candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(key for key in candidates if key not in taken)
