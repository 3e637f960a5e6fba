"""Browser tests against a live server in this process, with the cast of the root conftest."""

import pytest

from appliance.knowledge import services as knowledge_services
from appliance.knowledge.models import Article
from appliance.triage import engine
from appliance.triage import services as triage_services
from tests.conftest import wait_for_background_threads
from tests.windows import Windows

STUCK = "## Clear the queue\n\nOpen the printer queue, cancel the stuck print job, print again."
TONER = "## Blank pages\n\nShake the toner, print a test page, then order a new cartridge."
ORDER = "## New toner\n\nOrder a toner cartridge for your printer in the catalogue."


@pytest.fixture(scope="session")
def warm_models() -> None:
    """Load the models before the first page, as the real web process does."""
    engine.current().load()


@pytest.fixture
def window(browser, live_server, warm_models, no_egress) -> Windows:
    windows = Windows(browser, live_server.url)
    yield windows
    windows.close()
    wait_for_background_threads()
    assert windows.incidents == []


@pytest.fixture
def articles(bob, warm_models) -> list[Article]:
    """Three articles with embeddings."""
    texts = {"Printer prints blank pages": TONER, "Print job is stuck": STUCK, "Toner": ORDER}
    articles = [
        knowledge_services.write_article(by=bob, title=title, content=content, status="published")
        for title, content in texts.items()
    ]
    for article in articles:
        triage_services.refresh_article(article.pk)
    return articles
