import io
import json
import logging

import pytest
import structlog
from django.urls import reverse

from appliance.accounts import services as accounts_services


@pytest.fixture
def log():
    """The log stream of this process during the test."""
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
    token = accounts_services.create_setup_link()
    client.get(reverse("setup", args=[token]))
    client.get(f"/nowhere/?next=/setup/{token}/")
    client.get(f"/setup/{token}/more/")
    assert log.getvalue().count("/setup/") >= 5
    assert token not in log.getvalue()


@pytest.mark.parametrize("prefix", ["guest", "welcome"])
def test_secret_link_token_stays_out_of_the_log(client, db, log, prefix):
    token = "e1" * 32
    client.get(f"/{prefix}/{token}/")
    client.get(f"/nowhere/?next=/{prefix}/{token}/")
    assert log.getvalue().count(f"/{prefix}/") >= 3
    assert token not in log.getvalue()
