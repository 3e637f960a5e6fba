"""Numbers that arrive as text, from an address or a form: they may be anything at all."""

BIGINT_DIGITS = 18  # a bigint surely holds a number of so many


def read_number(text: str, *, digits: int = BIGINT_DIGITS) -> int | None:
    """The number a text is, when it is 1 to ``digits`` ASCII digits and nothing else."""
    is_number = text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if is_number else None
