"""Text with ``format=flowed`` (RFC 3676): lines that end in a blank continue on the next."""


def join_lines(text: str, *, drops_blank: bool) -> str:
    """Return the text with its paragraphs in one line each; quotations keep their marks."""
    paragraphs: list[list[str]] = []
    is_open, open_depth = False, 0
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        is_flowed = content.endswith(" ") and content != "-- "
        if is_flowed and drops_blank:
            content = content[:-1]
        if is_open and depth == open_depth and content != "-- ":
            paragraphs[-1].append(content)
        else:
            mark = f"{'>' * depth} " if depth else ""
            paragraphs.append([mark, content])
        is_open, open_depth = is_flowed, depth
    return "\n".join("".join(parts) for parts in paragraphs)
