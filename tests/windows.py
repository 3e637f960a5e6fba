"""Browser windows that record whatever a page must never do."""

from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

from appliance.accounts.models import User

WIDE, NARROW, SMALLEST = (
    {"width": 1440, "height": 900},
    {"width": 390, "height": 844},
    {"width": 360, "height": 740},
)


class Windows:
    """Opens windows on one server and records incidents.

    An incident is a dialog, a script error, a violation of the content security policy, or a
    request to another server.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self._contexts = []
        self.incidents: list[str] = []

    def __call__(self, person: User | None = None, **options: object) -> Page:
        """Open a window with a session of its own, with ``person`` logged in if given."""
        options = {"viewport": WIDE, "base_url": self._url} | options
        context = self._browser.new_context(**options)
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        if person:
            context.add_cookies([self._cookie(person)])
        page = context.new_page()
        page.on("dialog", self._on_dialog)
        page.on("pageerror", lambda error: self.incidents.append(f"script: {error}"))
        page.on("console", self._on_console)
        context.on("request", lambda request: self._on_request(request.url))
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _cookie(self, person: User) -> dict:
        client = Client()
        client.force_login(person)
        name = settings.SESSION_COOKIE_NAME
        return {"name": name, "value": client.cookies[name].value, "url": self._url}

    def _on_dialog(self, dialog: Dialog) -> None:
        self.incidents.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _on_console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.incidents.append(f"policy: {message.text}")

    def _on_request(self, url: str) -> None:
        requested, server = urlsplit(url), urlsplit(self._url)
        if requested.scheme != "data" and requested.netloc != server.netloc:
            self.incidents.append(f"request: {url}")
