"""The signature below an agent's reply."""

import re

NOT_A_WORD = re.compile(r"[\W_]+")  # blanks, punctuation, and the marks and escapes of Markdown


def signature_below(body: str, signature: str) -> str:
    """Return the signature for a reply, or nothing if its lines stand in the reply already.

    A canned response with {agent_signature} or the agent has put it there; quoted lines do not
    count.
    """
    signature = signature.strip()
    lines, signature_lines = _words_by_line(body), _words_by_line(signature)
    size = len(signature_lines)
    is_signed = size and any(
        lines[start : start + size] == signature_lines for start in range(len(lines) - size + 1)
    )
    return "" if is_signed else signature


def _words_by_line(text: str) -> list[str]:
    """Return the letters and digits of each line that has any and is no quotation."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith(">"))
    words = (NOT_A_WORD.sub("", line).casefold() for line in lines)
    return [line for line in words if line]
