"""Skerry's side of peers.py: asked on standard input, answers with milliseconds."""

import json
import os
import sys
import time
import uuid
from pathlib import Path


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ["DJANGO_SETTINGS_MODULE"] = "appliance.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from appliance.accounts.models import User
    from appliance.core import cache
    from appliance.triage import engine

    # both sides name their style sheets without hashes; nothing was collected for either
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = plain
    engine.current().load()  # as a desk that has run for a while
    client = Client(headers={"host": "127.0.0.1"})
    agent = User.objects.filter(role="agent").order_by("pk").last()
    client.force_login(agent, backend="django.contrib.auth.backends.ModelBackend")
    for line in sys.stdin:
        what, word = json.loads(line)
        cache.invalidate(
            cache.TICKETS
        )  # as if a colleague had just written: nothing counted is kept
        started = time.perf_counter()
        answer = ask(client, what, word)
        spent = 1000 * (time.perf_counter() - started)
        if answer.status_code not in (200, 302):
            sys.exit(f"{what} answered {answer.status_code}: {answer.content[:2000]!r}")
        print(f"took {spent}", flush=True)


def ask(client, what: str, word: object) -> object:
    if what == "dashboard":
        return client.get("/")
    if what == "list":
        return client.get("/", {"status": "any"})
    if what.startswith("search"):
        return client.get("/search/", {"q": word, "kind": "tickets"})
    if what == "open a ticket":
        return client.get(f"/tickets/{word}/")
    form = {
        "customer_email": "person77@bench.example",
        "customer_name": "Person",
        "priority": "2",
        "subject": word,
        "description": f"{word}. Nobody can read the lists any more.",
        "idempotency_key": str(uuid.uuid4()),
    }
    answer = client.post("/create-ticket/", form)
    return answer


if __name__ == "__main__":
    main()
