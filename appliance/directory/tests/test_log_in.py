import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, User
from appliance.directory import services
from appliance.directory.connection import Session, connect
from appliance.directory.errors import DirectoryError
from appliance.directory.models import BindAttempt, DefaultAccess
from appliance.directory.tests.conftest import sync
from tests.slapd import group_dn, person_dn, person_ldif

pytestmark = pytest.mark.django_db
ALICE, ALICES = "lalice@clinic.example", "lalice-opens-the-door"
BOBS = "lbob-opens-the-door"


def log_in(name: str, password: str) -> User | None:
    """Authenticate as the log-in page does: through every backend."""
    request = RequestFactory().post("/login/")
    return authenticate(request, email=name, password=password)


def test_first_log_in_creates_user_and_customer_from_the_entry(directory):
    alice = log_in(ALICE, ALICES)
    assert (alice.full_name, alice.role) == ("Alice Ashdown", Role.CUSTOMER)
    assert alice.customer.room == "B 2.14"
    assert alice.password.startswith("!") and alice.email_confirmed_at


@pytest.mark.parametrize("name", ["lalice", "LAlice", "LALICE@Clinic.Example", r"CLINIC\lalice"])
def test_login_name_and_address_both_lead_to_the_entry(directory, name):
    assert log_in(name, ALICES).email == ALICE


def test_groups_decide_at_log_in(directory, server):
    bob = log_in("lbob", BOBS)
    assert bob.role == Role.AGENT
    server.change(group_dn("nested"), member=[person_dn("lalice")])
    assert log_in("lbob", BOBS).role == Role.CUSTOMER


def test_wrong_password_lets_nobody_in(directory):
    assert log_in(ALICE, "not-it") is None
    assert not User.objects.filter(email=ALICE).exists()


def test_empty_password_is_refused_before_any_connection(directory, monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise DirectoryError("refused", host="it", port=1)

    monkeypatch.setattr("appliance.directory.services.login.open_session", fail)
    assert log_in(ALICE, "") is None
    assert log_in(ALICE, None) is None
    with pytest.raises(ValidationError):
        log_in(ALICE, "something")  # the trap works


def test_session_itself_refuses_an_empty_password(directory, server):
    """Like a domain controller, our slapd accepts a name without a password."""
    url = f"ldap://127.0.0.1:{server.port}"
    subprocess.run(["ldapwhoami", "-x", "-H", url, "-D", person_dn("lalice"), "-w", ""], check=True)
    with connect(directory) as session:
        assert not session.is_password_of(person_dn("lalice"), "")


@pytest.mark.parametrize(
    "name",
    ["*", "lal*", "lalice)(uid=*", "*)(objectClass=*", "\0", "(|(uid=lalice))", "\\2a"],
)
def test_nothing_typed_becomes_part_of_the_filter(directory, name):
    assert services.log_in(name=name, password=ALICES) is None


@pytest.mark.parametrize(
    "password", ["\x07bell", "\u200b", "\u00ad", "\ud800", "\ue000", "x" * 5000, "ü€😀", " "]
)
def test_odd_passwords_are_wrong_passwords(directory, password):
    assert services.log_in(name="lalice", password=password) is None


def test_passwords_with_letters_of_other_scripts_are_right(directory, server):
    server.change(person_dn("lalice"), userPassword="Grüße an 東京 €")
    assert services.log_in(name="lalice", password="Grüße an 東京 €")


def test_local_user_is_never_taken_over(directory):
    local = accounts_services.add_user(
        email=ALICE, first_name="Local", password="a-rock-alone-in-the-sea"
    )
    assert log_in(ALICE, ALICES) is None
    assert log_in("lalice", ALICES) is None
    assert log_in(ALICE, "a-rock-alone-in-the-sea") == local
    local.refresh_from_db()
    assert local.first_name == "Local" and local.has_usable_password()


def test_only_a_sync_links_an_account_that_exists(directory):
    accounts_services.add_user(email=ALICE, first_name="Local", password="a-rock-alone-in-the-sea")
    directory.links_existing_accounts = True
    directory.save()
    assert log_in("lalice", ALICES) is None
    assert User.objects.get(email=ALICE).has_usable_password()


def test_disabled_entry_is_refused_with_the_right_password(directory):
    assert log_in("leve", "leve-opens-the-door") is None


def test_attempts_are_counted_before_the_directory_is_asked(directory, monkeypatch):
    """However many try from however many places: the directory sees no more than the limit."""
    binds = []
    check = Session.is_password_of

    def count(session: Session, dn: str, password: str) -> bool:
        binds.append(dn)
        return check(session, dn, password)

    monkeypatch.setattr(Session, "is_password_of", count)
    for number in range(8):
        assert services.log_in(name="lalice", password=f"guess {number}") is None
    assert len(binds) == directory.max_failed_logins == 4
    assert services.log_in(name="lalice", password=ALICES) is None  # so that it is not locked there
    BindAttempt.objects.update(at=timezone.now() - timedelta(minutes=31))
    assert services.log_in(name="lalice", password=ALICES)


def test_right_password_forgets_the_wrong_ones(directory):
    for _round in range(3):
        for number in range(3):
            assert services.log_in(name="lalice", password=f"guess {number}") is None
        assert services.log_in(name="lalice", password=ALICES)


def test_only_members_of_groups_sign_in_where_the_admin_says_so(directory):
    directory.default_access = DefaultAccess.NONE
    directory.save()
    assert log_in("lalice", ALICES) is None
    assert log_in("lbob", BOBS)


def test_name_known_in_two_directories_needs_the_domain(directory, server, dan):
    services.add_directory(by=dan, **server.settings(name="Plant", domains=["plant.example"]))
    assert log_in("lalice", ALICES) is None
    assert log_in("Clinic\\lalice", ALICES).email == ALICE
    assert log_in(ALICE, ALICES)


def test_person_without_an_address_cannot_sign_in(directory):
    assert log_in("lnomail", "lnomail-opens-the-door") is None


def test_directory_that_is_down_is_said_plainly_and_local_admins_get_in(directory, dan):
    directory.port = 1
    directory.save()
    with pytest.raises(ValidationError, match="Clinic does not answer"):
        log_in(ALICE, ALICES)
    assert log_in(dan.email, "a-rock-alone-in-the-sea") == dan
    assert log_in(dan.email, "wrong") is None
    assert not BindAttempt.objects.exists()


@contextmanager
def silent_server():
    """Accept connections and never say anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stopped = threading.Event()
        connections = []

        def accept() -> None:
            server.settimeout(0.1)
            while not stopped.is_set():
                try:
                    connections.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        stopped.set()
        thread.join()
        for connection in connections:
            connection.close()


def test_server_that_hangs_costs_five_seconds_at_most(directory):
    with silent_server() as port:
        directory.port = port
        directory.save()
        started_at = time.monotonic()
        with pytest.raises(ValidationError):
            log_in(ALICE, ALICES)
        assert time.monotonic() - started_at < 5.5


def test_login_page_takes_a_login_name_and_names_what_is_wrong(directory, client):
    page = client.get("/login/").content.decode()
    assert "E-mail or login name" in page
    wrong = client.post("/login/", {"login": "lalice", "password": "not-it"})
    assert "Incorrect e-mail or password" in wrong.content.decode()
    assert client.post("/login/", {"login": "lalice", "password": ALICES}).status_code == 302
    assert client.get("/").status_code == 200


def test_login_page_asks_for_an_address_while_no_directory_is_on(directory, client):
    directory.is_active = False
    directory.save()
    assert "E-mail or login name" not in client.get("/login/").content.decode()
    refused = client.post("/login/", {"login": ALICE, "password": ALICES})
    assert "Incorrect e-mail or password" in refused.content.decode()


def test_login_page_says_when_the_directory_is_down_and_counts_nothing(directory, client):
    directory.port = 1
    directory.save()
    for _attempt in range(7):  # more than wrong passwords would be allowed
        page = client.post("/login/", {"login": "lalice", "password": ALICES})
        assert "Clinic does not answer" in page.content.decode()


def test_directory_password_confirms_who_one_is_before_something_grave(directory, client):
    client.post("/login/", {"login": "lbob", "password": BOBS})
    page = client.post("/reauthenticate/", {"password": "not-it"})
    assert "Incorrect password" in page.content.decode()
    assert client.post("/reauthenticate/", {"password": BOBS}).status_code == 302


def test_changed_entry_is_brought_up_to_date_at_log_in(directory, server):
    log_in(ALICE, ALICES)
    server.change(person_dn("lalice"), roomNumber="C 3")
    log_in(ALICE, ALICES)
    assert Customer.objects.get(email=ALICE).room == "C 3"


def test_deactivated_user_stays_out_with_the_right_password(directory, dan):
    alice = log_in(ALICE, ALICES)
    accounts_services.deactivate_person(person=alice, by=dan)
    assert log_in(ALICE, ALICES) is None


def test_certificate_that_is_not_trusted_lets_nobody_in(directory, server):
    directory.ca_certificate = ""
    directory.save()
    with pytest.raises(ValidationError):
        log_in(ALICE, ALICES)


def test_person_who_joined_after_the_sync_gets_in(directory, server, dan):
    sync(directory, dan)
    server.load(person_ldif("lnew", "New", "Person"))
    assert log_in("lnew", "lnew-opens-the-door")
    assert log_in("lnew", "lnew-opens-the-door")
    assert User.objects.filter(email="lnew@clinic.example").count() == 1
