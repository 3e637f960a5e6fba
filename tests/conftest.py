"""One browser for all tests that need one, and the check that no test reaches other machines."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from appliance import egress_guard

LAUNCHER_TESTS = Path(__file__).parent / "launcher"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: Playwright leaves an event loop behind in this thread."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    for item in items:  # these run the code in other processes and threads, where it is not counted
        if item.get_closest_marker("browser") or LAUNCHER_TESTS in item.path.parents:
            item.add_marker("no_cover")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict:
    """Use Debian's chromium without access to other machines; skip if it is not installed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    # Django refuses queries in a thread with an event loop.
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
def no_egress():
    """Block connections of this process to other machines; an attempt fails the test."""
    with egress_guard.recording() as attempts:
        yield
    assert attempts == []


def wait_for_background_threads() -> None:
    """Wait for threads that still hold rows of a ticket.

    They classify it, or answer the last request of a closed page, which saves its draft on leaving.
    """
    for thread in threading.enumerate():
        is_request = thread.name.endswith("(process_request_thread)")
        if is_request or thread.name in ("annotate", "embed"):
            thread.join(timeout=5 if is_request else 20)
