from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Role, User
from appliance.core.models import AuditEntry
from appliance.directory import services
from appliance.directory.models import DirectoryLink, SyncRun
from appliance.directory.services import people, runs
from appliance.directory.tests.conftest import sync
from appliance.tickets import services as tickets_services
from tests.slapd import BASE, GROUPS, PEOPLE, group_dn, group_ldif, person_dn, person_ldif

pytestmark = pytest.mark.django_db


def codes(run: SyncRun) -> set[str]:
    return {row["code"] for row in run.rows if row["outcome"] == "problem"}


def user_of(uid: str) -> User:
    return User.objects.get(email=f"{uid}@clinic.example")


def customer_of(uid: str) -> Customer:
    return Customer.objects.get(email=f"{uid}@clinic.example")


def test_first_sync_creates_customers_with_all_details(directory, dan):
    run = sync(directory, dan)
    alice = customer_of("lalice")
    assert (alice.full_name, alice.phone, alice.mobile) == (
        "Alice Ashdown",
        "+44 1632 960001",
        "+44 7700 900001",
    )
    assert (alice.room, alice.department, alice.staff_number) == ("B 2.14", "Radiology", "4711")
    assert alice.manager.email == "lbob@clinic.example"
    assert run.state == "done" and run.counts["new"] == 4


def test_members_of_nested_groups_get_the_role_of_the_group(directory, dan):
    sync(directory, dan)
    assert user_of("lbob").role == Role.AGENT
    assert user_of("ldan").role == Role.ADMIN
    assert not User.objects.filter(email="lalice@clinic.example").exists()  # until she signs in
    assert user_of("lbob").password.startswith("!")


def test_second_sync_changes_nothing(directory, dan):
    sync(directory, dan)
    entries = AuditEntry.objects.count()
    run = sync(directory, dan)
    assert run.counts.keys() == {"unchanged", "left out", "problems"}
    assert AuditEntry.objects.count() == entries


def test_entries_with_an_odd_address_are_reported_row_by_row(directory, server, dan):
    server.load(person_ldif("ltwin", "Tim", "Twin", mail="lalice@clinic.example"))
    server.load(person_ldif("lbad", "Ben", "Bad", mail="not an address"))
    run = sync(directory, dan)
    assert codes(run) == {"email_missing", "email_foreign", "email_twice", "email_invalid"}
    assert Customer.objects.get(first_name="Nora").email == ""
    assert not Customer.objects.filter(first_name__in=["Fred", "Tim", "Alice"]).exists()


def test_twin_does_not_take_the_address_of_somebody_known(directory, server, dan):
    sync(directory, dan)
    server.load(person_ldif("ltwin", "Tim", "Twin", mail="lalice@clinic.example"))
    server.change(person_dn("lalice"), roomNumber="C 3")
    assert "email_twice" in codes(sync(directory, dan))
    assert customer_of("lalice").room == "C 3"


def test_renamed_and_moved_entry_stays_the_same_person(directory, server, dan):
    sync(directory, dan)
    before = customer_of("lalice").pk
    server.change(person_dn("lalice"), sn="Ashdown-Berg", mail="alice.berg@clinic.example")
    server.rename(person_dn("lalice"), "uid=aberg", f"ou=left,{BASE}")
    run = sync(directory, dan)
    alice = Customer.objects.get(pk=before)
    assert (alice.last_name, alice.email) == ("Ashdown-Berg", "alice.berg@clinic.example")
    assert run.counts["changed"] == 1 and "new" not in run.counts


def test_disabled_account_is_out_after_the_check_and_back_when_enabled(
    directory, server, dan, client
):
    sync(directory, dan)
    bob = user_of("lbob")
    client.force_login(bob, backend="appliance.directory.backends.DirectoryBackend")
    assert client.get("/").status_code == 200
    server.change(person_dn("lbob"), pwdAccountLockedTime="000001010000Z")
    services.check_accounts()
    assert client.get("/").status_code == 302
    assert not user_of("lbob").is_active
    server.change(person_dn("lbob"), pwdAccountLockedTime=[])
    services.check_accounts()
    assert user_of("lbob").is_active
    assert client.get("/").status_code == 302  # the old session does not come back


def test_removed_entry_is_locked_out_and_its_tickets_are_released(directory, server, dan, ticket):
    sync(directory, dan)
    bob = user_of("lbob")
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    server.delete(person_dn("lbob"))
    services.check_accounts()
    ticket.refresh_from_db()
    assert ticket.assignee is None and not user_of("lbob").is_active
    assert DirectoryLink.objects.get(user=bob).state == "missing"


def test_whom_an_admin_deactivated_here_stays_out(directory, dan):
    sync(directory, dan)
    accounts_services.deactivate_person(person=user_of("lbob"), by=dan)
    sync(directory, dan)
    services.check_accounts()
    assert not user_of("lbob").is_active


def test_leaving_the_group_takes_role_and_team(directory, server, dan, ticket):
    team = accounts_services.add_team(by=dan, name="Radiology IT")
    mapping = directory.mappings.get(group_dn=group_dn("agents"))
    mapping.teams.add(team)
    sync(directory, dan)
    bob = user_of("lbob")
    assert [*bob.teams.all()] == [team]
    tickets_services.assign(ticket=ticket, assignee=bob, by=dan)
    server.change(group_dn("nested"), member=[person_dn("lalice")])
    services.check_accounts()
    ticket.refresh_from_db()
    bob.refresh_from_db()
    assert (bob.role, [*bob.teams.all()], ticket.assignee) == (Role.CUSTOMER, [], None)


def test_teams_that_no_group_names_are_left_to_the_admin(directory, dan):
    sync(directory, dan)
    bob = user_of("lbob")
    team = accounts_services.add_team(by=dan, name="By hand", members=[bob])
    sync(directory, dan)
    assert [*bob.teams.all()] == [team]


def test_group_that_is_gone_takes_no_role_away(directory, server, dan):
    sync(directory, dan)
    server.delete(group_dn("agents"))
    run = sync(directory, dan)
    assert "group_missing" in codes(run)
    assert user_of("lbob").role == Role.AGENT


def test_last_admin_keeps_the_role(directory, server, dan):
    sync(directory, dan)
    accounts_services.deactivate_person(person=dan, by=user_of("ldan"))
    server.change(group_dn("admins"), member=[person_dn("lnomail")])
    services.check_accounts()
    assert user_of("ldan").role == Role.ADMIN
    assert "last_admin" in codes(directory.runs.first())


def test_sync_that_would_disable_many_stops_and_asks(directory, server, dan):
    server.load("".join(person_ldif(f"p{n}", f"Pat {n}", "Person") for n in range(10)))
    sync(directory, dan)
    directory.refresh_from_db()
    for n in range(5):
        server.delete(person_dn(f"p{n}"))
    held = sync(directory, dan)
    assert (held.state, held.problem["code"]) == ("held", "too_many_disabled")
    assert not DirectoryLink.objects.filter(state="missing").exists()
    approved = services.carry_out_run(services.approve_run(run=held, by=dan))
    assert approved.state == "done"
    assert DirectoryLink.objects.filter(state="missing").count() == 5


def test_wrong_group_that_would_take_all_agents_stops_and_asks(directory, server, dan):
    agents = [f"a{n}" for n in range(5)]
    server.load("".join(person_ldif(uid, "Agent", uid) for uid in agents))
    server.load("".join(person_ldif(f"p{n}", "Pat", str(n)) for n in range(60)))
    server.change(group_dn("agents"), member=[person_dn(uid) for uid in agents])
    sync(directory, dan)
    server.change(group_dn("agents"), member=[person_dn("lalice")])
    services.check_accounts()
    assert User.objects.filter(role=Role.AGENT, is_from_directory=True).count() == 5
    problem = directory.runs.first().problem
    assert (problem["code"], problem["count"]) == ("too_many_disabled", 5)


def test_wrong_base_dn_with_an_empty_answer_changes_nothing(directory, dan):
    sync(directory, dan)
    directory.base_dn = f"ou=left,{BASE}"
    directory.save()
    run = sync(directory, dan)
    assert (run.state, run.problem["code"]) == ("held", "empty_answer")
    assert user_of("lbob").is_active
    services.check_accounts()
    assert user_of("lbob").is_active
    assert not directory.runs.filter(kind="access").exists()  # the sync has reported it


def test_preview_shows_the_first_sync_and_writes_nothing(directory, dan):
    preview = sync(directory, dan, "preview")
    assert preview.counts["new"] == 4 and preview.state == "done"
    assert {row["name"] for row in preview.rows} >= {"Alice Ashdown", "Bob Breton"}
    assert not DirectoryLink.objects.exists() and not Customer.objects.exists()


def test_local_account_with_the_same_address_is_left_alone(directory, dan):
    accounts_services.add_user(
        email="lbob@clinic.example", first_name="Local", password="a-rock-alone-in-the-sea"
    )
    run = sync(directory, dan)
    local = user_of("lbob")
    assert "local_account" in codes(run)
    assert (local.first_name, local.role, local.has_usable_password()) == (
        "Local",
        Role.CUSTOMER,
        True,
    )


def test_local_account_is_linked_where_the_admin_has_said_so(directory, dan, client):
    accounts_services.register_customer(
        email="lbob@clinic.example", first_name="Local", password="a-rock-alone-in-the-sea"
    )
    client.force_login(user_of("lbob"))
    directory.links_existing_accounts = True
    directory.save()
    sync(directory, dan)
    bob = user_of("lbob")
    assert (bob.first_name, bob.role, bob.password[0]) == ("Bob", Role.AGENT, "!")
    assert customer_of("lbob").user == bob
    assert client.get("/").status_code == 302  # whoever had the old password is out


def test_last_admin_with_a_local_password_is_never_linked(directory, dan):
    dan.email = "ldan@clinic.example"
    dan.save()
    directory.links_existing_accounts = True
    directory.save()
    assert "last_local_admin" in codes(sync(directory, dan))
    assert user_of("ldan").has_usable_password()


def test_customer_known_by_address_becomes_the_entrys(directory, dan):
    known = accounts_services.add_customer(email="lalice@clinic.example", first_name="A.")
    run = sync(directory, dan)
    known.refresh_from_db()
    assert known.first_name == "Alice" and known.is_from_directory
    assert run.counts["linked"] == 1


def test_sync_killed_in_the_middle_goes_on(directory, dan, monkeypatch):
    monkeypatch.setattr(runs, "BATCH_ENTRIES", 2)
    save, calls = people.save_people, []

    def die_at_the_second_batch(*args: object, **kwargs: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt  # as the kill that no handler sees
        return save(*args, **kwargs)

    monkeypatch.setattr(people, "save_people", die_at_the_second_batch)
    run = services.start_run(directory=directory, kind=SyncRun.Kind.FULL, by=dan)
    with pytest.raises(KeyboardInterrupt):
        services.carry_out_run(run)
    run.refresh_from_db()
    assert run.state == "running" and DirectoryLink.objects.count() == 2
    SyncRun.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    services.resume_runs()
    run.refresh_from_db()
    assert run.state == "done" and DirectoryLink.objects.count() == 4
    assert Customer.objects.filter(email="lalice@clinic.example").count() == 1


def test_server_that_is_down_fails_the_sync_and_changes_nobody(directory, dan):
    sync(directory, dan)
    directory.servers, directory.port = ["127.0.0.1"], 1
    directory.save()
    run = sync(directory, dan)
    assert (run.state, run.problem["code"]) == ("failed", "refused")
    assert user_of("lbob").is_active
    directory.refresh_from_db()
    assert directory.failing_since is not None


def test_second_server_answers_when_the_first_is_down(directory, dan):
    directory.servers = ["127.0.0.2", "127.0.0.1"]  # nobody listens on the first
    directory.save()
    assert sync(directory, dan).state == "done"


def test_admins_get_one_email_when_it_does_not_answer_for_15_minutes(directory, dan):
    from appliance.notifications.models import OutgoingEmail

    directory.servers, directory.port = ["127.0.0.1"], 1
    directory.save()
    services.check_accounts()
    services.send_alarms()
    assert not OutgoingEmail.objects.exists()
    directory.refresh_from_db()
    directory.failing_since -= timedelta(minutes=16)
    directory.save()
    services.send_alarms()
    services.send_alarms()
    email = OutgoingEmail.objects.get()
    assert email.to == dan.email and "Clinic" in email.subject and "refuses" in email.body


def test_attributes_that_are_not_taken_over_stay_as_they_are_here(directory, server, dan):
    directory.attributes = {"phone": "-", "department": "employeeNumber"}
    directory.save()
    sync(directory, dan)
    alice = customer_of("lalice")
    assert (alice.phone, alice.department) == ("", "4711")
    Customer.objects.filter(pk=alice.pk).update(phone="typed by hand")
    server.change(person_dn("lalice"), sn="Changed")
    sync(directory, dan)
    alice.refresh_from_db()
    assert (alice.last_name, alice.phone) == ("Changed", "typed by hand")


def test_directory_user_can_have_no_password_of_this_desk(directory, dan):
    from django.db import IntegrityError, transaction

    from appliance.core.errors import BadInputError

    sync(directory, dan)
    bob = user_of("lbob")
    with pytest.raises(BadInputError):
        accounts_services.invite(person=bob, by=dan)
    with pytest.raises(BadInputError):
        accounts_services.set_password(user=bob, password="a-rock-alone-in-the-sea")
    bob.set_password("a-rock-alone-in-the-sea")
    with pytest.raises(IntegrityError), transaction.atomic():
        bob.save()
    assert "user_of_directory_has_no_password_check" in {
        row[0] for row in _constraints("accounts_user")
    }


def _constraints(table: str) -> list[tuple[str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass", [table])
        return cursor.fetchall()


def test_removed_directory_leaves_its_people_without_a_way_in(directory, dan, client):
    sync(directory, dan)
    client.force_login(user_of("lbob"))
    services.remove_directory(directory=directory, by=dan)
    bob = user_of("lbob")
    assert client.get("/").status_code == 302
    assert not bob.is_from_directory and bob.password.startswith("!")
    assert accounts_services.invite(person=bob, by=dan)


def test_posix_groups_name_members_by_login_name(directory, server, dan):
    server.load(
        f"dn: cn=staff,{GROUPS}\nobjectClass: posixGroup\ncn: staff\ngidNumber: 5\n"
        "memberUid: lalice\n\n"
    )
    services.add_mapping(
        directory=directory, by=dan, group_dn=group_dn("staff"), role="agent", teams=[]
    )
    sync(directory, dan)
    assert user_of("lalice").role == Role.AGENT


def test_groups_in_a_circle_end(directory, server, dan):
    server.change(group_dn("nested"), member=[group_dn("agents"), person_dn("lbob")])
    sync(directory, dan)
    assert user_of("lbob").role == Role.AGENT


def test_names_with_commas_and_umlauts_are_found_in_groups(directory, server, dan):
    dn = f"cn=Müller\\2C Jörg,{PEOPLE}"
    server.load(person_ldif("jm", "Jörg", "Müller", dn=dn, cn="Müller, Jörg"))
    server.load(group_ldif("more", [f"cn=Müller\\, Jörg,{PEOPLE}"]))
    services.add_mapping(
        directory=directory, by=dan, group_dn=group_dn("more"), role="agent", teams=[]
    )
    sync(directory, dan)
    assert user_of("jm").role == Role.AGENT


def test_anonymised_person_leaves_no_trace_of_the_entry(directory, dan):
    from appliance.web import services as web_services

    sync(directory, dan)
    alice = customer_of("lalice")
    web_services.anonymise_customer(customer=alice, by=dan, confirmation=alice.email)
    assert not DirectoryLink.objects.filter(dn__contains="lalice").exists()
    assert "Alice" not in str([*SyncRun.objects.values_list("rows", flat=True)])
