"""The cast of every test: Alice asks, Bob is an agent, Carol must see nothing, Dan administers,
Frank is an agent of another team.
"""

import html
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.core.cache import cache
from django.forms import BaseForm
from django.http import HttpResponse
from django.test import Client
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, User
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket, TicketCategory
from tests import database

PASSWORD = "a-rock-alone-in-the-sea"
# no database: the checkout may be read-only; no deadline: other tests use the same cores
hypothesis_settings.register_profile("skerry", database=None, deadline=None, max_examples=100)
hypothesis_settings.load_profile("skerry")


@pytest.fixture(scope="session", autouse=True)
def _isolated_settings(tmp_path_factory) -> None:
    """Use plain static files, and a data folder and cache prefix of this run."""
    from django.conf import settings

    settings.DATA = tmp_path_factory.mktemp("data")

    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = plain
    settings.STATIC_ROOT = None
    # Argon2 takes 32 ms of CPU per hash; test_accounts.py tests the real hasher.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    prefix = f"test_{uuid.uuid4().hex[:8]}"
    settings.CACHES["default"]["KEY_PREFIX"] = prefix
    cache.key_prefix = prefix  # this thread's connection exists since Django's start


@pytest.fixture(autouse=True)
def _empty_cache(_isolated_settings):
    cache.delete_pattern("*")


@pytest.fixture(autouse=True)
def _errors_are_shown(monkeypatch):
    """Fail a test in which the answer to a form keeps an error of the form to itself."""
    send = Client.request

    def send_and_check(client: Client, **request: object) -> HttpResponse:
        response = send(client, **request)
        is_locked_out = response.status_code == 429  # a page that replaces the form
        # Django's client gives each thread the contexts of all pages that are rendered meanwhile
        is_alone = threading.current_thread() is threading.main_thread()
        if request.get("REQUEST_METHOD") == "POST" and is_alone and not is_locked_out:
            assert hidden_errors(response) == [], request.get("PATH_INFO")
        return response

    monkeypatch.setattr(Client, "request", send_and_check)


@pytest.fixture(autouse=True)
def _log_ins_are_recent(monkeypatch):
    """Leave in a session of ``force_login`` what a log-in leaves there: that it was just now."""
    force_login = Client.force_login

    def log_in(client: Client, user: User, backend: str | None = None) -> None:
        force_login(client, user, backend)
        session = client.session
        session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()

    monkeypatch.setattr(Client, "force_login", log_in)


def hidden_errors(response: HttpResponse) -> list[str]:
    """Return the errors of the forms a page was rendered with that the page does not show."""
    context = response.context  # of one template, or a list
    contexts = context if isinstance(context, list) else [context] if context else []
    layers = [layer for context in contexts for layer in context.dicts]
    forms = {
        id(value): value
        for layer in layers
        for value in layer.values()
        # not isinstance, which would load a lazy user from a database that may be away
        if issubclass(type(value), BaseForm) and value.is_bound and value._errors
    }
    text = " ".join(html.unescape(response.content.decode()).split()) if forms else ""
    return [
        f"{type(form).__name__}.{field}: {error}"
        for form in forms.values()
        for field, errors in form.errors.items()
        for error in errors
        if " ".join(str(error).split()) not in text
    ]


@pytest.fixture
def dead_cache(settings, tmp_path):
    """Point the cache at a socket on which no server listens."""
    location = f"unix://{tmp_path}/nobody.sock"
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location}}


@pytest.fixture
def dan_client(client, dan):
    client.force_login(dan)
    return client


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give this process a database: a copy of a template with the migrated schema."""
    with django_db_blocker.unblock():
        yield from database.copy_of_template(f"{database.COPY_PREFIX}{uuid.uuid4().hex[:8]}")


@pytest.fixture
def acting_as_owner() -> Callable[[], AbstractContextManager[None]]:
    """Return a context manager with the rights of the database role that owns the tables."""
    return database.acting_as_owner


def pytest_sessionstart(session: pytest.Session) -> None:
    """Drop the databases that a killed run left behind."""
    if not hasattr(session.config, "workerinput"):
        with database.maintenance_connection() as server:
            for name in database.databases(server, database.COPY_PREFIX):
                database.drop(server, name)


def _register(first_name: str, **fields: object) -> Customer:
    user = accounts_services.add_user(
        email=f"{first_name.lower()}@example.org",
        first_name=first_name,
        last_name="Test",
        password=PASSWORD,
    )
    names = {"first_name": first_name, "last_name": "Test"}
    return accounts_services.add_customer(email=user.email, user=user, **names, **fields)


@pytest.fixture
def alice(db) -> User:
    return _register("Alice").user


@pytest.fixture
def carol(db) -> User:
    return _register("Carol").user


@pytest.fixture
def bob(db) -> User:
    return accounts_services.add_user(
        email="bob@example.org", first_name="Bob", role=Role.AGENT, password=PASSWORD
    )


@pytest.fixture
def frank(db) -> User:
    """An agent who is in no team of Bob."""
    return accounts_services.add_user(
        email="frank@example.org", first_name="Frank", role=Role.AGENT, password=PASSWORD
    )


@pytest.fixture
def dan(db) -> User:
    return accounts_services.add_user(
        email="dan@example.org", first_name="Dan", role=Role.ADMIN, password=PASSWORD
    )


@pytest.fixture
def categories(db) -> dict[str, TicketCategory]:
    """The default categories, by slug."""
    tickets_services.load_default_categories()
    return {category.slug: category for category in TicketCategory.objects.all()}


@pytest.fixture
def ticket(alice: User) -> Ticket:
    """A ticket of Alice about a printer."""
    return tickets_services.create_ticket(
        customer=alice.customer,
        subject="Printer on ward 3 prints blank pages",
        description="Since this morning every page comes out empty. The toner is new.",
        by=alice,
    )
