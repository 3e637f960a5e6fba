"""One browser for all tests that need one, and the fence no test reaches beyond."""

import os
import shutil
import threading

import pytest

from appliance import egress_guard


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright leaves an event loop behind in this thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict:
    """Debian's chromium, which reaches this machine and nothing else. Skips when there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    # Django would take every query in a thread with an event loop for a mistake.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]
    return {"executable_path": chromium, "args": arguments}


@pytest.fixture
def no_way_out():
    """Sockets of this process reach this machine only; whoever tried to leave fails the test."""
    with egress_guard.recording() as attempts:
        yield
    assert attempts == []


def let_readers_finish() -> None:
    """Wait for the threads that still read a ticket, and for the last requests of a page that was
    closed (its draft is sent as it goes): they hold rows of it.
    """
    for thread in threading.enumerate():
        answers = thread.name.endswith("(process_request_thread)")
        if answers or thread.name in ("annotate", "embed"):
            thread.join(timeout=5 if answers else 20)
