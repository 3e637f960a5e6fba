"""HTTP clients of the benchmarks: signed-in users that request one page after another."""

import http.client
import threading
import time
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

CSRF_TOKEN = "b" * 32  # sent as cookie and as form field
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass
class SignedInClient:
    """A user with a session, over one persistent connection."""

    site: str
    cookies: dict[str, str]
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def get(self, path: str) -> str:
        """Return the page. Any status except 200 and 204 ends the benchmark."""
        return self._request("GET", path, None, (200, 204))

    def post(self, path: str, fields: dict[str, str], *, may_fail: bool = False) -> str:
        """Return the page, or the address of the redirect. ``may_fail``: status 400 is accepted."""
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": CSRF_TOKEN, **fields})
        return self._request("POST", path, body, (200, 302, 400) if may_fail else (200, 302))

    def _request(self, verb: str, path: str, body: str | None, expected: Sequence[int]) -> str:
        cookies = {"csrftoken": CSRF_TOKEN, **self.cookies}
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if body is not None:
            headers["Content-Type"] = FORM_TYPE
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                urllib.parse.urlsplit(self.site).netloc, timeout=120
            )
        self._connection.request(verb, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status not in expected:
            raise SystemExit(f"{verb} {path} answered {answer.status}:\n{text[:2000]}")
        return answer.headers.get("Location", "") if answer.status == 302 else text


def sign_in(site: str, user: object) -> SignedInClient:
    """Return a client with a session created in the database, without the sign-in page."""
    from django.test import Client

    test_client = Client()
    test_client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return SignedInClient(site, {"sessionid": test_client.cookies["sessionid"].value})


def measure(
    request: Callable[[int, int], object],
    times: int,
    clients: int = 1,
    on_exit: Callable[[], object] = lambda: None,
) -> list[float]:
    """Return the milliseconds of ``request(client, turn)`` by concurrent clients, ``times`` in all.

    Each client makes three requests first, which are not counted, and calls ``on_exit`` at the end.
    An exception of a client is raised here.
    """
    ready = threading.Barrier(clients)

    def work(client: int) -> list[float]:
        try:
            for turn in range(3):
                request(client, -1 - turn - 3 * client)
            ready.wait()
            turns = range(client, client + clients * max(1, times // clients), clients)
            return [milliseconds(lambda turn=turn: request(client, turn)) for turn in turns]
        except BaseException:
            ready.abort()
            raise
        finally:
            on_exit()

    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(work, client) for client in range(clients)]
    errors = [future.exception() for future in futures if future.exception()]
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return [spent for future in futures for spent in future.result()]


def milliseconds(call: Callable[[], object]) -> float:
    """Return the milliseconds of one call."""
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)
