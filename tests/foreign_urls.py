"""Find URLs of other machines that a browser would load from a page, style sheet or script.

A URL may stand in visible text, in a comment, or as the name of an XML namespace. It may not stand
where a browser would fetch, open or submit to it: in an attribute such as src or href, in url() and
@import, in a call such as fetch(), or in a refresh. This holds for bundled libraries too.
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


def find_foreign_urls(text: str) -> list[str]:
    """Return the URLs of other machines that a browser would load from this text."""
    urls = LOADS.findall(COMMENTS.sub("", text))
    return [url for url in urls if not NAMESPACE.match(url)]
