"""The rule for addresses of other machines in what a browser is given.

A page, style sheet or script may name one where a person reads it, in a comment, or as the name of
an XML namespace. It may not stand where a browser would fetch it, go to it or send to it: in an
attribute that loads or leads somewhere, in url() and @import, in the calls that fetch, in a
refresh. Bundled libraries keep to it like our own files.
"""

import re

COMMENTS = re.compile(r"/\*.*?\*/|<!--.*?-->|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
LOADS = re.compile(
    r"""(?ix)
    (?: \b(?:src|srcset|href|action|formaction|poster|data|hx-\w+)\s*=\s*["']?
      | url\(\s*["']? | @import\s+(?:url\()?["']? | \b(?:fetch|import|open|Worker)\(\s*["'`]
      | content=["'][^"']*url= )
    \s*((?:https?:|wss?:|ftp:)?//[^"'`)\s>]+)
    """
)
NAMESPACE = re.compile(r"^https?://www\.w3\.org/")


def loaded_from_elsewhere(text: str) -> list[str]:
    """What a browser would fetch from another machine, were it given this text."""
    found = LOADS.findall(COMMENTS.sub("", text))
    return [url for url in found if not NAMESPACE.match(url)]
