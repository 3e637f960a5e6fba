import io
import json
import logging

import pytest
import structlog
from django.urls import reverse

from appliance.accounts import services as accounts_services


@pytest.fixture
def log():
    """What the process writes to its log while the test runs."""
    formatted = structlog.stdlib.ProcessorFormatter
    handler = next(h for h in logging.getLogger().handlers if isinstance(h.formatter, formatted))
    before = handler.setStream(io.StringIO())
    yield handler.stream
    handler.setStream(before)


def test_each_line_is_json_with_the_request_id(client, db, log):
    client.get(reverse("login"))
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert len({line["request_id"] for line in lines}) == 1
    assert {line["event"] for line in lines} == {"request_started", "request_finished"}


def test_set_up_token_stays_out_of_the_log(client, db, log):
    token = accounts_services.make_setup_link()
    client.get(reverse("setup", args=[token]))
    client.get(f"/nowhere/?next=/setup/{token}/")
    client.get(f"/setup/{token}/more/")
    assert log.getvalue().count("/setup/") >= 5
    assert token not in log.getvalue()


@pytest.mark.parametrize("door", ["guest", "welcome"])
def test_token_of_a_secret_link_stays_out_of_the_log(client, db, log, door):
    token = "e1" * 32
    client.get(f"/{door}/{token}/")
    client.get(f"/nowhere/?next=/{door}/{token}/")
    assert log.getvalue().count(f"/{door}/") >= 3
    assert token not in log.getvalue()
