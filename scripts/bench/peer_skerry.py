"""Skerry's process of peers.py: reads requests from standard input, prints milliseconds."""

import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client


def main() -> None:
    """Run one request for each line of standard input."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "appliance.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from appliance.accounts.models import User
    from appliance.core import cache
    from appliance.triage import engine

    # neither peer has collected static files, so both use names without hashes
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = plain
    engine.current().load()  # as in an installation that has run for a while
    client = Client(headers={"host": "127.0.0.1"})
    agent = User.objects.filter(role="agent").order_by("pk").last()
    client.force_login(agent, backend="django.contrib.auth.backends.ModelBackend")
    for line in sys.stdin:
        name, word = json.loads(line)
        cache.invalidate(cache.TICKETS)  # as if a ticket had changed: counts are computed again
        started = time.perf_counter()
        response = send_request(client, name, word)
        milliseconds = 1000 * (time.perf_counter() - started)
        if response.status_code not in (200, 302):
            sys.exit(f"{name} returned {response.status_code}: {response.content[:2000]!r}")
        print(f"took {milliseconds}", flush=True)


def send_request(client: "Client", name: str, word: object) -> "HttpResponse":
    """Send a request of peers.GOALS with a search term, ticket id or subject."""
    if name == "dashboard":
        return client.get("/")
    if name == "list":
        return client.get("/", {"status": "any"})
    if name.startswith("search"):
        return client.get("/search/", {"q": word, "kind": "tickets"})
    if name == "open a ticket":
        return client.get(f"/tickets/{word}/")
    form = {
        "customer_email": "person77@bench.example",
        "customer_name": "Person",
        "priority": "2",
        "channel": "phone",
        "subject": word,
        "description": f"{word}. Nobody can read the lists any more.",
        "idempotency_key": str(uuid.uuid4()),
    }
    return client.post("/create-ticket/", form)


if __name__ == "__main__":
    main()
