"""A scripted browser session: logs in, opens pages, submits forms."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

TIMEOUT_SECONDS = 60


class HttpSession:
    """The session of one user, with cookies and without JavaScript."""

    def __init__(self, address: str) -> None:
        self._address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        no_proxy = urllib.request.ProxyHandler({})
        self._opener = urllib.request.build_opener(cookies, no_proxy)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        return self._open(urllib.request.Request(self._address + path))  # noqa: S310 - own URL

    def submit(self, path: str, fields: dict[str, str]) -> tuple[int, str]:
        """Submit the form of a page to its own path, with its hidden fields."""
        _, text = self.get(path)
        body = urllib.parse.urlencode({**_hidden_fields(text), **fields}).encode()
        headers = {"Referer": self._address + path}
        request = urllib.request.Request(self._address + path, body, headers)  # noqa: S310
        return self._open(request)

    def log_in(self, email: str, password: str) -> bool:
        """Log in and return whether that was successful."""
        self.submit("/login/", {"login": email, "password": password})
        return self.get("/profile/")[1].count(email) > 0

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return response.status, response.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")


class _HiddenFieldParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name = attributes.get("name")
        if tag == "input" and attributes.get("type") == "hidden" and name:
            self.fields[name] = attributes.get("value") or ""


def _hidden_fields(text: str) -> dict[str, str]:
    parser = _HiddenFieldParser()
    parser.feed(text)
    return parser.fields
