from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from appliance.accounts.models import Customer, User
from appliance.core.models import AuditEntry
from appliance.directory import services
from appliance.directory.models import Directory, SyncRun
from appliance.directory.tests.conftest import sync
from tests.slapd import BASE, SERVICE_PASSWORD, group_dn

pytestmark = pytest.mark.django_db


def form_data(server, **values: object) -> dict[str, object]:
    data = server.settings() | {
        "servers": "127.0.0.1",
        "domains": "@Clinic.example",
        "default_access": "customer",
        "max_disabled_percent": "20",
        "max_failed_logins": "4",
    }
    return data | values


def add(client, server, **values: object):
    return client.post(reverse("add-directory"), form_data(server, **values))


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def run_test(client, directory: Directory, person: str = "") -> str:
    return text_of(client.post(reverse("test-directory", args=[directory.pk]), {"person": person}))


def test_admin_adds_a_directory_and_never_sees_the_password_again(dan_client, server):
    assert add(dan_client, server).status_code == 302
    directory = Directory.objects.get()
    assert (directory.servers, directory.domains) == (["127.0.0.1"], ["clinic.example"])
    assert directory.bind_password == SERVICE_PASSWORD
    edit = dan_client.get(reverse("edit-directory", args=[directory.pk]))
    assert SERVICE_PASSWORD not in text_of(edit)
    assert SERVICE_PASSWORD not in str([*AuditEntry.objects.values_list("data", flat=True)])


def test_password_stays_when_left_empty_and_is_asked_for_when_the_server_changes(
    dan_client, server
):
    add(dan_client, server)
    directory = Directory.objects.get()
    url = reverse("edit-directory", args=[directory.pk])
    renamed = form_data(server, bind_password="", name="Ward")
    assert dan_client.post(url, renamed).status_code == 302
    moved = form_data(server, bind_password="", servers="evil.example")
    assert "Enter the password again" in text_of(dan_client.post(url, moved))
    directory.refresh_from_db()
    assert (directory.name, directory.servers) == ("Ward", ["127.0.0.1"])
    assert directory.bind_password == SERVICE_PASSWORD


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"security": "plain", "servers": "dc1.clinic.example"}, "is another machine"),
        ({"servers": "bad host!"}, "is no host name"),
        ({"base_dn": "clinic"}, "This is not a DN"),
        ({"user_filter": "(uid=*"}, "This is not an LDAP filter"),
        ({"ca_certificate": "nothing"}, "This is no certificate in PEM"),
        ({"domains": "not a domain"}, "is no domain"),
        ({"attribute_email": "-"}, "not the name of an attribute"),
    ],
)
def test_form_names_what_is_wrong_and_loses_nothing(dan_client, server, values, text):
    response = add(dan_client, server, **values)
    assert text in text_of(response) and response.status_code == 400
    assert "Clinic" in text_of(response) and not Directory.objects.exists()


def test_host_copied_as_a_url_is_understood(dan_client, server):
    add(dan_client, server, servers="ldaps://127.0.0.1:636/\nlocalhost")
    assert Directory.objects.get().servers == ["127.0.0.1", "localhost"]


def test_test_shows_a_person_as_it_would_be_taken_over(dan_client, directory):
    text = run_test(dan_client, directory, "lalice")
    assert "Everything works." in text and "CN=Clinic Test CA" in text
    assert all(word in text for word in ("B 2.14", "roomNumber", "Radiology", "role: Customer"))
    assert "role: Agent" in run_test(dan_client, directory, "Breton")  # by a part of the name
    assert "cannot sign in" in run_test(dan_client, directory, "leve")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"servers": ["nosuch.invalid"]}, "The name nosuch.invalid is unknown"),
        ({"port": 1}, "refuses connections on port 1"),
        ({"ca_certificate": ""}, "Fingerprint (SHA-256)"),
        ({"ca_certificate": ""}, "CN=Clinic Test CA"),
        ({"bind_password": "wrong"}, "refuses the bind name or its password"),
        ({"base_dn": "dc=nowhere"}, "The base DN dc=nowhere does not exist"),
        ({"base_dn": f"ou=left,{BASE}"}, "The search finds nobody"),
        ({"servers": ["localhost"]}, "Everything works."),
    ],
)
def test_test_says_in_plain_words_what_is_wrong(dan_client, directory, values, text):
    Directory.objects.update(**{k: v for k, v in values.items() if k != "bind_password"})
    directory.refresh_from_db()
    directory.bind_password = values.get("bind_password", SERVICE_PASSWORD)
    directory.save()
    assert text in run_test(dan_client, directory)


def test_test_names_a_group_and_a_person_that_do_not_exist(dan_client, directory, dan):
    services.add_mapping(
        directory=directory, by=dan, group_dn=group_dn("typo"), role="agent", teams=[]
    )
    text = run_test(dan_client, directory, "nobody-of-this-name")
    assert "does not exist. Roles and teams" in text and "Nobody of this name" in text


def test_certificate_for_another_name_is_not_trusted(dan_client, directory):
    Directory.objects.update(servers=["127.0.0.2", "127.0.0.1"])
    text = run_test(dan_client, directory)
    assert "Something does not work yet" in text


def test_preview_and_sync_are_shown_with_counts_and_rows(dan_client, directory, dan):
    start = dan_client.post(
        reverse("start-directory-run", args=[directory.pk]), {"kind": "preview"}, follow=True
    )
    assert "queued" in text_of(start)
    run = services.carry_out_run(SyncRun.objects.get())
    text = text_of(dan_client.get(reverse("directory-run", args=[run.pk])))
    assert "A preview: nothing was changed." in text and "Alice Ashdown" in text
    assert "fred@elsewhere.example is in none of" in text
    assert not User.objects.filter(email="lbob@clinic.example").exists()


def test_starting_twice_queues_one_sync(dan_client, directory):
    for _click in range(2):
        dan_client.post(reverse("start-directory-run", args=[directory.pk]), {"kind": "full"})
    assert SyncRun.objects.count() == 1


def test_groups_are_added_and_removed_with_an_audit_entry(dan_client, directory):
    url = reverse("add-group-mapping", args=[directory.pk])
    data = {"group_dn": group_dn("nested"), "role": "agent"}
    assert dan_client.post(url, data).status_code == 302
    assert "in the list already" in text_of(dan_client.post(url, data))
    assert "This is not a DN" in text_of(dan_client.post(url, data | {"group_dn": "nested"}))
    mapping = directory.mappings.get(group_dn=group_dn("nested"))
    dan_client.post(reverse("remove-group-mapping", args=[mapping.pk]))
    assert not directory.mappings.filter(pk=mapping.pk).exists()
    assert AuditEntry.objects.filter(kind="directory", verb="changed").count() >= 2


def test_removing_says_what_happens_and_does_it(dan_client, directory, dan):
    sync(directory, dan)
    url = reverse("remove-directory", args=[directory.pk])
    assert "2 users can no longer sign in" in text_of(dan_client.get(url))
    assert dan_client.post(url).status_code == 302
    assert not Directory.objects.exists()


def test_fields_of_the_directory_are_read_only_with_the_reason(dan_client, directory, dan):
    sync(directory, dan)
    bob = User.objects.get(email="lbob@clinic.example")
    person = text_of(dan_client.get(reverse("edit-person", args=[bob.pk])))
    assert "Have it changed there" in person and "Create invitation link" not in person
    alice = Customer.objects.get(email="lalice@clinic.example")
    url = reverse("edit-customer", args=[alice.pk])
    assert "Have it changed there" in text_of(dan_client.get(url))
    dan_client.post(url, {"first_name": "Mallory", "email": "m@x.example", "phone": "1"})
    alice.refresh_from_db()
    assert (alice.first_name, alice.email, alice.phone) == (
        "Alice",
        "lalice@clinic.example",
        "+44 1632 960001",
    )


def test_own_name_and_password_are_not_changed_here(client, directory):
    client.post("/login/", {"login": "lalice", "password": "lalice-opens-the-door"})
    assert "Have them changed there" in text_of(client.get("/profile/"))
    client.post("/profile/", {"first_name": "Mallory", "language": "de"})
    alice = User.objects.get(email="lalice@clinic.example")
    assert (alice.first_name, alice.language) == ("Alice", "de")
    assert client.get("/profile/password/").status_code == 403


def test_customer_of_the_directory_gets_no_second_way_in(dan_client, directory, dan):
    sync(directory, dan)
    alice = Customer.objects.get(email="lalice@clinic.example")
    answer = dan_client.post(reverse("create-login", args=[alice.pk]), follow=True)
    assert "signs in with the password of the directory" in text_of(answer)
    assert not User.objects.filter(email=alice.email).exists()


def test_admins_see_a_directory_that_does_not_answer_on_every_page(
    dan_client, client, directory, bob
):
    long_ago = timezone.now() - timedelta(minutes=20)
    Directory.objects.update(
        failing_since=long_ago, problem={"code": "refused", "host": "dc1", "port": 636}
    )
    text = "The directory Clinic does not answer: dc1 refuses connections on port 636"
    assert text in text_of(dan_client.get("/"))
    assert "does not answer since" in text_of(dan_client.get("/status/"))
    client.force_login(bob)
    assert text not in text_of(client.get("/"))
