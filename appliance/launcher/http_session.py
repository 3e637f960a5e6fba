"""A person at a browser without scripts: logs in, opens pages, sends forms."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

PATIENCE_SECONDS = 60


class Visitor:
    """One person's session at the desk."""

    def __init__(self, address: str) -> None:
        self._address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        straight = urllib.request.ProxyHandler({})
        self._opener = urllib.request.build_opener(cookies, straight)

    def get(self, path: str) -> tuple[int, str]:
        """The status and the text of a page."""
        return self._ask(urllib.request.Request(self._address + path))  # noqa: S310 - our own

    def send(self, path: str, fields: dict[str, str]) -> tuple[int, str]:
        """Fill in the form of this page, keep what it hides, and send it back to it."""
        _, text = self.get(path)
        body = urllib.parse.urlencode({**_hidden(text), **fields}).encode()
        headers = {"Referer": self._address + path}
        request = urllib.request.Request(self._address + path, body, headers)  # noqa: S310
        return self._ask(request)

    def log_in(self, email: str, password: str) -> bool:
        self.send("/login/", {"username": email, "password": password})
        return self.get("/profile/")[1].count(email) > 0

    def _ask(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")


class _Hidden(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attributes: list) -> None:
        values = dict(attributes)
        if tag == "input" and values.get("type") == "hidden" and values.get("name"):
            self.fields[values["name"]] = values.get("value") or ""


def _hidden(text: str) -> dict[str, str]:
    parser = _Hidden()
    parser.feed(text)
    return parser.fields
