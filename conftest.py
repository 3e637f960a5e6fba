"""The cast of every test: Alice asks, Bob is an agent, Carol must see nothing, Dan administers,
Frank is an agent of another team.
"""

import uuid
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import DjangoDbBlocker

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, User
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket, TicketCategory
from tests import database

PASSWORD = "a-rock-alone-in-the-sea"


@pytest.fixture(scope="session", autouse=True)
def _a_run_of_its_own(tmp_path_factory) -> None:
    """Static files as they lie in the tree, uploads in a folder of this run, and a corner of the
    cache no other run looks into.
    """
    from django.conf import settings

    settings.DATA = tmp_path_factory.mktemp("data")

    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES["staticfiles"]["BACKEND"] = plain
    settings.STATIC_ROOT = None
    # Argon2 costs 32 ms of CPU a hash; test_accounts.py tests the real hasher.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    corner = f"test_{uuid.uuid4().hex[:8]}"
    settings.CACHES["default"]["KEY_PREFIX"] = corner
    cache.key_prefix = corner  # of this thread's connection, which Django's start has made


@pytest.fixture(autouse=True)
def _no_leftovers_in_the_cache(_a_run_of_its_own):
    cache.delete_pattern("*")


@pytest.fixture
def dead_cache(settings, tmp_path):
    """Nobody listens where the cache should be."""
    dead = settings.CACHES["default"] | {"LOCATION": f"unix://{tmp_path}/nobody.sock"}
    settings.CACHES = {"default": dead}


@pytest.fixture
def admin_client_of_dan(client, dan):
    client.force_login(dan)
    return client


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database of this process: a copy of a template that holds the migrated schema."""
    with django_db_blocker.unblock():
        yield from database.copy_of_template(f"{database.COPY_PREFIX}{uuid.uuid4().hex[:8]}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Drop what a killed run left in the server that this one reuses."""
    if not hasattr(session.config, "workerinput"):
        with database.maintenance_connection() as server:
            for name in database.databases(server, database.COPY_PREFIX):
                database.drop(server, name)


def _customer(first_name: str, **more: object) -> Customer:
    return accounts_services.register_customer(
        email=f"{first_name.lower()}@example.org",
        first_name=first_name,
        last_name="Test",
        password=PASSWORD,
        **more,
    )


@pytest.fixture
def alice(db) -> User:
    return _customer("Alice").user


@pytest.fixture
def carol(db) -> User:
    return _customer("Carol").user


@pytest.fixture
def bob(db) -> User:
    return accounts_services.add_user(
        email="bob@example.org", first_name="Bob", role=Role.AGENT, password=PASSWORD
    )


@pytest.fixture
def frank(db) -> User:
    """An agent of no team of Bob's."""
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
    """The default taxonomy, by slug."""
    tickets_services.load_default_categories()
    return {category.slug: category for category in TicketCategory.objects.all()}


@pytest.fixture
def ticket(alice: User) -> Ticket:
    """Alice's printer."""
    return tickets_services.create_ticket(
        customer=alice.customer,
        subject="Printer on ward 3 prints blank pages",
        description="Since this morning every page comes out empty. The toner is new.",
        by=alice,
    )
