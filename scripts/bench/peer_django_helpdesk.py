"""The django-helpdesk process of peers.py: fills its database, or prints milliseconds.

It runs in its own environment, without Skerry.
"""

import json
import os
import re
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

urlpatterns: list = []  # filled by set_up, because its URLs need a configured Django
STATUS = {"new": 1, "open": 1, "waiting": 1, "hold": 1, "solved": 3, "closed": 4}
BATCH = 5000
TICKETS = """
SELECT t.id, t.subject, t.description, t.status, 6 - t.priority, t.created_at, t.updated_at,
       c.email, t.assignee_id, t.category_id
FROM tickets_ticket AS t JOIN accounts_customer AS c ON c.id = t.customer_id
"""
MESSAGES = "SELECT ticket_id, created_at, author_id, kind, body FROM tickets_message"


def set_up() -> None:
    """Configure Django as the quick start of django-helpdesk says, without slower options."""
    database = urlsplit(os.environ["PEER_DATABASE"])
    settings.configure(
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": database.path.strip("/"),
                "USER": database.username,
                "HOST": database.hostname,
                "PORT": database.port,
                "PASSWORD": unquote(parse_qs(database.query)["password"][0]),
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=[
            *(
                f"django.contrib.{name}"
                for name in (
                    "admin",
                    "auth",
                    "contenttypes",
                    "sessions",
                    "sites",
                    "messages",
                    "staticfiles",
                    "humanize",
                )
            ),
            "rest_framework",
            "helpdesk",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        HELPDESK_TEAMS_MODE_ENABLED=False,  # otherwise it needs another package
        STATIC_URL="/static/",
        MEDIA_ROOT="/tmp",  # noqa: S108
        SITE_ID=1,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        LOGIN_URL="/admin/login/",
    )
    django.setup()
    from django.contrib import admin
    from django.urls import include, path

    urlpatterns.extend([path("admin/", admin.site.urls), path("", include("helpdesk.urls"))])


def fill() -> None:
    """Copy the tickets and messages of Skerry into django-helpdesk."""
    import psycopg
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from helpdesk.models import FollowUp, Queue, Ticket

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("agent", "agent@bench.example", None)
    with psycopg.connect(os.environ["FROM_DATABASE"]) as source:
        users = source.execute("SELECT id, email FROM accounts_user WHERE role <> 'customer'")
        agents = {}
        for pk, email in users:
            agents[pk] = User.objects.create(username=email, email=email, is_staff=True).pk
        queues = {None: Queue.objects.create(title="uncategorised", slug="uncategorised").pk}
        for pk, slug in source.execute("SELECT id, slug FROM tickets_ticketcategory"):
            queues[pk] = Queue.objects.create(title=slug, slug=slug[:50]).pk
        with source.cursor("tickets") as rows:
            rows.execute(TICKETS)
            while batch := rows.fetchmany(BATCH):
                Ticket.objects.bulk_create(
                    Ticket(
                        id=r[0],
                        title=r[1],
                        description=r[2],
                        status=STATUS[r[3]],
                        priority=r[4],
                        created=r[5],
                        modified=r[6],
                        submitter_email=r[7],
                        assigned_to_id=agents.get(r[8]),
                        queue_id=queues[r[9]],
                        secret_key="k",  # noqa: S106 (a key for its public page)
                    )
                    for r in batch
                )
        with source.cursor("messages") as rows:
            rows.execute(MESSAGES)
            while batch := rows.fetchmany(BATCH):
                FollowUp.objects.bulk_create(
                    FollowUp(
                        ticket_id=r[0],
                        date=r[1],
                        user_id=agents.get(r[2]),
                        title="Comment",
                        public=r[3] == "reply",
                        comment=r[4],
                    )
                    for r in batch
                )
    call_command("sqlsequencereset", "helpdesk", no_color=True, stdout=(out := _Text()))
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(out.text)
        cursor.execute("ANALYZE")
    print(f"{datetime.now(UTC):%H:%M:%S} {Ticket.objects.count()} tickets in django-helpdesk")


class _Text:
    """A minimal output stream."""

    text = ""

    def write(self, words: str) -> None:
        self.text += words


def serve() -> None:
    """Run one request for each line of standard input."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(username="agent"))
    for line in sys.stdin:
        name, word = json.loads(line)
        started = time.perf_counter()
        response = send_request(client, name, word)
        milliseconds = 1000 * (time.perf_counter() - started)
        if response.status_code not in (200, 302):
            sys.exit(f"{name} returned {response.status_code}: {response.content[:2000]!r}")
        print(f"took {milliseconds}", flush=True)


def send_request(client: "Client", name: str, word: object) -> "HttpResponse":
    """Send a request of peers.GOALS with a search term, ticket id or subject."""
    if name == "dashboard":
        return client.get("/dashboard/")
    if name == "open a ticket":
        return client.get(f"/tickets/{word}/")
    if name == "create a ticket":
        from helpdesk.models import Queue

        form = {
            "queue": Queue.objects.first().pk,
            "title": word,
            "priority": 3,
            "body": f"{word}. Nobody can read the lists any more.",
            "submitter_email": "person77@bench.example",
        }
        return client.post("/tickets/submit/", form)
    page = client.get("/tickets/", {"q": word, "search_type": "header"} if word else {})
    if page.status_code != 200:
        return page
    # the script of the page requests the rows at once
    rows = re.search(r'/datatables_ticket_list/[^"]+', page.content.decode()).group()
    return client.get(rows, {"draw": 1, "start": 0, "length": 25})


if __name__ == "__main__":
    set_up()
    {"fill": fill, "serve": serve}[sys.argv[1]]()
