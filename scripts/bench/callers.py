"""People at a desk, as far as a bench needs them: signed in, asking one page after another."""

import http.client
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

CSRF = "b" * 32  # what the cookie says, the form must say; nothing else is asked
FORM = "application/x-www-form-urlencoded"


@dataclass
class Caller:
    """One person with a session, over one connection that is kept open."""

    site: str
    cookies: dict[str, str]
    _line: http.client.HTTPConnection | None = field(default=None, repr=False)

    def get(self, path: str) -> str:
        """The page. Whatever is not 200 or 204 ends the bench: a fast error is no result."""
        return self._ask("GET", path, None, (200, 204))

    def post(self, path: str, fields: dict[str, str], *, refused: bool = False) -> str:
        """The page, or the address a form leads to; ``refused``: 400 is an answer as well."""
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": CSRF, **fields})
        return self._ask("POST", path, body, (200, 302, 400) if refused else (200, 302))

    def _ask(self, verb: str, path: str, body: str | None, expected: Sequence[int]) -> str:
        cookies = {"csrftoken": CSRF, **self.cookies}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if body is not None:
            headers["Content-Type"] = FORM
        if self._line is None:
            self._line = http.client.HTTPConnection(
                urllib.parse.urlsplit(self.site).netloc, timeout=120
            )
        self._line.request(verb, path, body, headers)
        answer = self._line.getresponse()
        text = answer.read().decode()
        if answer.status not in expected:
            raise SystemExit(f"{verb} {path} answered {answer.status}:\n{text[:2000]}")
        return answer.headers.get("Location", "") if answer.status == 302 else text


def signed_in(site: str, user: object) -> Caller:
    """With a session of this desk, made without the page: Django is set up on its servers."""
    from django.test import Client

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return Caller(site, {"sessionid": client.cookies["sessionid"].value})


def timed(
    ask: Callable[[int, int], object],
    times: int,
    callers: int = 1,
    leave: Callable[[], object] = lambda: None,
) -> list[float]:
    """Milliseconds of ``ask(caller, turn)``, by so many callers at once, ``times`` in all.

    Each caller asks three times before, which is not counted, and calls ``leave`` at the end.
    Whatever one of them raises is raised here.
    """
    ready = threading.Barrier(callers)

    def work(caller: int) -> list[float]:
        try:
            for turn in range(3):
                ask(caller, -1 - turn - 3 * caller)
            ready.wait()
            turns = range(caller, caller + callers * max(1, times // callers), callers)
            return [milliseconds(lambda turn=turn: ask(caller, turn)) for turn in turns]
        except BaseException:
            ready.abort()
            raise
        finally:
            leave()

    with ThreadPoolExecutor(callers) as pool:
        done = [pool.submit(work, caller) for caller in range(callers)]
    failed = [one.exception() for one in done if one.exception()]
    for error in sorted(failed, key=lambda one: isinstance(one, threading.BrokenBarrierError)):
        raise error
    return [spent for one in done for spent in one.result()]


def milliseconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)
