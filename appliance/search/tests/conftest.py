import pytest

from appliance.triage import engine


@pytest.fixture
def bundles() -> None:
    """The three bundles in models/, for tests of what they say."""
    if len(engine.refs()) < 3:
        pytest.skip("models/ does not hold the three bundles")
