"""Whoever registers an address is not its customer until a link or an agent has confirmed it."""

import re
from importlib import import_module

import pytest
from django.apps import apps
from django.http import Http404
from django.urls import reverse

from appliance.accounts import queries, services
from appliance.accounts.models import Customer, EmailConfirmation, Organisation, Team, User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry, SiteSettings
from appliance.notifications.models import OutgoingEmail
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Ticket
from appliance.web import services as web_services
from conftest import PASSWORD

ADDRESS = "grace@example.org"


@pytest.fixture
def mallory(db) -> User:
    """Somebody who has registered with the address of Grace."""
    customer = services.register_customer(
        email=ADDRESS, first_name="Mallory", password=PASSWORD, claimed_organisation="Ward 3"
    )
    return customer.user


@pytest.fixture
def grace(db) -> Customer:
    """A customer whom the desk knows by her address."""
    return services.ensure_customer(email=ADDRESS, first_name="Grace")


def open_ticket(customer: Customer, by: User | None = None, **more: object) -> Ticket:
    return tickets_services.create_ticket(
        customer=customer, subject="Pay slip", description="It is wrong.", by=by, **more
    )


def visible(person: User) -> list[Ticket]:
    return list(Ticket.objects.visible_to(User.objects.get(pk=person.pk)))


def read_link() -> str:
    """Return the token of the newest link in the outbox."""
    body = OutgoingEmail.objects.filter(key__startswith="confirmation:").latest("pk").body
    return re.search(r"/confirm/([^/]+)/", body)[1]


# --- an unconfirmed log-in


def test_tickets_opened_for_the_address_later_do_not_reach_whoever_registered_it(mallory, bob):
    ticket = open_ticket(services.ensure_customer(email=ADDRESS, first_name="Grace"), by=bob)
    assert ticket.customer.user is None
    assert visible(mallory) == []


@pytest.mark.parametrize(
    "variant", ["GRACE@Example.ORG", " grace@example.org ", "grace+desk@example.org"]
)
def test_no_spelling_of_the_address_reaches_whoever_registered_it(variant, mallory, bob):
    open_ticket(services.ensure_customer(email=variant, first_name="Grace"), by=bob)
    assert visible(mallory) == []


def test_guests_ticket_does_not_reach_whoever_registered_the_address(mallory):
    SiteSettings.objects.update_or_create(pk=1, defaults={"is_guest_form_open": True})
    web_services.create_guest_ticket(
        ip_address="::1", name="Grace", email=ADDRESS, subject="s", description="d"
    )
    assert Ticket.objects.count() == 1
    assert visible(mallory) == []


def test_registering_a_known_address_shows_nothing_of_its_customer(client, grace, bob):
    open_ticket(grace, by=bob)
    data = {"first_name": "M", "email": ADDRESS, "password": PASSWORD, "password_again": PASSWORD}
    assert client.post(reverse("register"), data).status_code == 302
    assert b"Pay slip" not in client.get(reverse("dashboard")).content
    assert b"Nobody has confirmed yet" in client.get(reverse("dashboard")).content


def test_unconfirmed_log_in_sees_its_own_tickets(mallory):
    ticket = open_ticket(services.ensure_customer_of(mallory), by=mallory)
    assert visible(mallory) == [ticket]
    assert ticket.customer.email == ""
    assert ticket.customer.contact_email == ADDRESS


def test_unconfirmed_log_in_sees_nothing_of_an_organisation_that_shares(mallory, ticket):
    ward = Organisation.objects.create(name="Ward 3", shares_tickets=True)
    Customer.objects.update(organisation=ward)
    assert visible(mallory) == []


def test_people_an_admin_adds_are_confirmed(dan):
    person = services.add_person(by=dan, email="new@example.org", first_name="New")
    assert person.email_confirmed_at


# --- the link


def test_link_links_the_customer_and_keeps_the_tickets_of_both(client, mail, mallory, grace, bob):
    earlier = open_ticket(grace, by=bob)
    own = open_ticket(services.ensure_customer_of(mallory), by=mallory)
    client.force_login(mallory)
    client.post(reverse("send-confirmation"))
    path = reverse("confirm-email", args=[read_link()])
    assert client.get(path).status_code == 200
    assert visible(mallory) == [own]
    assert client.post(path).status_code == 302
    assert set(visible(mallory)) == {own, earlier}
    assert Customer.objects.get(user=mallory) == grace
    assert client.get(path).status_code == 404  # it works once
    assert AuditEntry.objects.filter(verb="confirmed", subject_id=str(mallory.pk)).exists()


def test_confirmed_log_in_gets_tickets_opened_for_its_address(mail, mallory, bob):
    services.send_confirmation(person=mallory)
    services.confirm_email(token=read_link(), by=mallory)
    ticket = open_ticket(services.ensure_customer(email=ADDRESS.upper(), first_name="G"), by=bob)
    assert visible(mallory) == [ticket]


def test_link_does_nothing_for_anybody_but_the_log_in_it_was_sent_for(mail, mallory, alice):
    services.send_confirmation(person=mallory)
    with pytest.raises(Http404):
        services.confirm_email(token=read_link(), by=alice)
    mallory.refresh_from_db()
    assert mallory.email_confirmed_at is None


def test_link_asks_for_the_password(client, mail, mallory):
    services.send_confirmation(person=mallory)
    response = client.get(reverse("confirm-email", args=[read_link()]))
    assert response.url.startswith(reverse("account_login"))


def test_link_to_an_earlier_address_is_void(mail, mallory, dan):
    services.send_confirmation(person=mallory)
    token = read_link()
    services.change_person(
        person=mallory, by=dan, email="m2@example.org", first_name="M", last_name=""
    )
    with pytest.raises(Http404):
        services.confirm_email(token=token, by=mallory)


def test_expired_link_and_earlier_link_are_void(mail, mallory):
    services.send_confirmation(person=mallory)
    first = read_link()
    services.send_confirmation(person=mallory)
    EmailConfirmation.objects.update(expires_at="2020-01-01T00:00Z")
    for token in (first, read_link()):
        with pytest.raises(Http404):
            services.confirm_email(token=token, by=mallory)


def test_without_mail_the_page_names_the_agent_as_remedy(client, mallory):
    client.force_login(mallory)
    response = client.post(reverse("send-confirmation"), follow=True)
    assert b"Ask an agent to confirm your account" in response.content
    assert not OutgoingEmail.objects.exists()


def test_address_that_looks_the_same_is_another_address(mail, grace, bob):
    """PostgreSQL compares capitals: to it, a dotless i is an i."""
    open_ticket(services.ensure_customer(email="mike@example.org", first_name="Mike"), by=bob)
    services.register_customer(email="mıke@example.org", first_name="M", password=PASSWORD)
    person = User.objects.get(first_name="M")
    services.send_confirmation(person=person)
    services.confirm_email(token=read_link(), by=person)
    assert visible(person) == []


# --- an agent confirms


def test_agent_confirms_a_log_in(client, mallory, grace, bob):
    ticket = open_ticket(grace, by=bob)
    client.force_login(bob)
    response = client.post(reverse("confirm-login", args=[mallory.customer.pk]))
    assert response.url == reverse("edit-customer", args=[grace.pk])
    assert visible(mallory) == [ticket]


def test_unconfirmed_log_ins_are_listed(client, mallory, alice, bob):
    client.force_login(bob)
    content = client.get(reverse("customers"), {"only": "unconfirmed"}).content
    assert b"Mallory" in content and b"Alice" not in content
    assert b"not confirmed" in client.get(reverse("customers"), {"q": ADDRESS}).content


def test_agent_does_not_confirm_where_tickets_are_hidden_or_shared(mallory, grace, frank, bob, dan):
    team = Team.objects.create(name="Complaints", is_closed=True)
    team.members.add(bob)
    open_ticket(grace, by=bob, team=team)
    with pytest.raises(BadInputError, match="Only an administrator"):
        services.confirm_login(customer=mallory.customer, by=frank)
    grace.organisation = Organisation.objects.create(name="Ward", shares_tickets=True)
    grace.save()
    with pytest.raises(BadInputError, match="Only an administrator"):
        services.confirm_login(customer=mallory.customer, by=bob)
    assert services.confirm_login(customer=mallory.customer, by=dan) == grace


def test_customer_cannot_confirm_anybody(mallory):
    with pytest.raises(ForbiddenError):
        services.confirm_login(customer=mallory.customer, by=mallory)


def test_agent_cannot_give_an_unconfirmed_log_in_the_address_by_editing(mallory, bob, dan):
    values = {"first_name": "M", "last_name": "", "organisation": None, "is_premium": False}
    for by in (bob, dan):
        with pytest.raises(BadInputError, match="not confirmed"):
            services.change_customer(customer=mallory.customer, by=by, email=ADDRESS, **values)


def test_agent_cannot_give_a_log_in_the_address_of_somebody_else(alice, bob):
    values = {"first_name": "A", "last_name": "", "organisation": None, "is_premium": False}
    with pytest.raises(BadInputError, match="has a user account"):
        services.change_customer(customer=alice.customer, by=bob, email=ADDRESS, **values)


# --- an admin creates a log-in for an address that somebody has registered


def test_invitation_links_a_registered_log_in_only_when_it_is_used(mallory, grace, bob, dan):
    ticket = open_ticket(grace, by=bob)
    epoch = mallory.session_epoch
    token = services.create_login(customer=grace, by=dan)
    assert visible(mallory) == []
    person = services.set_password_with_token(token=token, password="another-rock-in-the-sea")
    assert person == mallory
    assert visible(mallory) == [ticket]
    mallory.refresh_from_db()
    assert mallory.session_epoch > epoch  # whoever registered is logged out
    assert not mallory.check_password(PASSWORD)


def test_new_password_for_an_unconfirmed_log_in_confirms_nothing(mallory, dan):
    token = services.invite(person=mallory, by=dan)
    services.set_password_with_token(token=token, password="another-rock-in-the-sea")
    mallory.refresh_from_db()
    assert mallory.email_confirmed_at is None


def test_customers_are_not_merged_with_an_unconfirmed_log_in(mallory, grace, dan):
    for source, target in ((mallory.customer, grace), (grace, mallory.customer)):
        with pytest.raises(BadInputError, match="Nobody has confirmed"):
            web_services.merge_customers(source=source, target=target, by=dan)


def test_merge_keeps_the_address_of_the_source(grace, dan):
    caller = services.add_customer(first_name="Grace on the phone")
    web_services.merge_customers(source=grace, target=caller, by=dan)
    assert caller.email == ADDRESS


# --- a log-in that an admin has unlinked


@pytest.fixture
def unlinked(alice, ticket, dan) -> User:
    services.unlink_customer(customer=alice.customer, by=dan)
    return User.objects.get(pk=alice.pk)


def test_unlinked_log_in_stays_unlinked_when_it_opens_a_ticket(unlinked, ticket):
    own = services.ensure_customer_of(unlinked)
    new = open_ticket(own, by=unlinked)
    assert own != ticket.customer
    assert visible(unlinked) == [new]
    assert AuditEntry.objects.filter(verb="added", subject_id=str(own.pk)).exists()


def test_unlinking_is_recorded(unlinked, ticket, dan):
    entry = AuditEntry.objects.filter(subject_id=str(ticket.customer_id), verb="changed").latest(
        "pk"
    )
    assert entry.actor_id == dan.pk
    assert entry.data["user"]["from"] == "Alice Test"


def test_unlinked_log_in_cannot_link_itself_again(client, mail, unlinked, bob):
    with pytest.raises(BadInputError, match="unlinked"):
        services.send_confirmation(person=unlinked)
    own = services.ensure_customer_of(unlinked)
    with pytest.raises(BadInputError, match="Only an administrator can link it"):
        services.confirm_login(customer=own, by=bob)


def test_links_sent_before_unlinking_are_void(mail, mallory, grace, dan, bob):
    services.send_confirmation(person=mallory)
    token = read_link()
    invitation = services.create_login(customer=grace, by=dan)
    services.confirm_login(customer=mallory.customer, by=bob)
    grace.refresh_from_db()
    services.unlink_customer(customer=grace, by=dan)
    with pytest.raises(Http404):
        services.confirm_email(token=token, by=mallory)
    with pytest.raises(Http404):
        services.set_password_with_token(token=invitation, password="another-rock-in-the-sea")


def test_new_tickets_for_the_address_do_not_reach_an_unlinked_log_in(unlinked, bob):
    services.ensure_customer_of(unlinked)
    open_ticket(services.ensure_customer(email=unlinked.email, first_name="Alice"), by=bob)
    assert visible(unlinked) == []


def test_admin_links_an_unlinked_log_in_again(unlinked, ticket, dan):
    services.link_customer(customer=ticket.customer, person=unlinked, by=dan)
    assert visible(unlinked) == [ticket]


def test_agent_who_opens_a_ticket_is_linked_with_the_customer_of_the_address(bob):
    known = services.ensure_customer(email=bob.email, first_name="Bob")
    assert services.ensure_customer_of(bob) == known
    assert AuditEntry.objects.filter(kind="customer", subject_id=str(known.pk)).exists()


def test_log_in_whose_address_another_log_in_holds_gets_a_record_of_its_own(alice, bob):
    Customer.objects.filter(user=alice).update(email=bob.email)
    assert services.ensure_customer_of(bob).email == ""
    assert queries.find_customer(email=bob.email).user == alice


# --- log-ins from before


def doubt() -> None:
    path = "appliance.accounts.migrations.0004_doubt_registered_log_ins"
    import_module(path).doubt_registered_log_ins(apps, None)


def test_migration_confirms_whom_an_admin_has_made_and_nobody_else(alice, carol, bob, dan):
    invited = services.add_person(by=dan, email="i@example.org", first_name="I", role="customer")
    Customer.objects.filter(user=carol).update(email="chosen-by-an-agent@example.org")
    User.objects.update(email_confirmed_at=None)
    doubt()
    confirmed = User.objects.exclude(email_confirmed_at=None)
    assert set(confirmed) == {bob, dan, invited, carol}


def test_migration_takes_the_address_and_keeps_the_tickets(alice, ticket, bob):
    User.objects.update(email_confirmed_at=None)
    doubt()
    later = open_ticket(services.ensure_customer(email=alice.email, first_name="A"), by=bob)
    assert visible(alice) == [ticket]
    services.confirm_login(customer=Customer.objects.get(user=alice), by=bob)
    assert set(visible(alice)) == {ticket, later}
