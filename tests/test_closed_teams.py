"""Tickets of a closed team are for its own customer, its members and the admins.

Every door is tried by Carol, whose organisation shares its tickets, and by Frank, an agent who is
not in the team. The rule itself is ``TicketQuerySet.visible_to``.
"""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Customer, Organisation, Team, User
from appliance.core.errors import BadInputError, ForbiddenError
from appliance.notifications import email_builder
from appliance.notifications import queries as notifications_queries
from appliance.notifications.models import Notification, OutgoingEmail
from appliance.search import queries as search_queries
from appliance.tickets import queries, services
from appliance.tickets.filters import TicketFilter
from appliance.tickets.models import SavedView, Ticket
from appliance.web import queries as web_queries

SECRET = "Complaint about Doctor Grim"


@pytest.fixture
def ward(alice, carol) -> Organisation:
    """The organisation of Alice and Carol, which shares its tickets."""
    ward = Organisation.objects.create(name="Ward 3", shares_tickets=True)
    Customer.objects.filter(user__in=[alice, carol]).update(organisation=ward)
    return ward


@pytest.fixture
def team(bob) -> Team:
    team = Team.objects.create(name="Complaints", is_closed=True)
    team.members.add(bob)
    return team


@pytest.fixture
def secret(alice, bob, team) -> Ticket:
    """A ticket of Alice, given to the closed team, with a tag and a file."""
    ticket = services.create_ticket(
        customer=alice.customer, subject=SECRET, description="Grim was rude.", by=alice
    )
    services.set_team(ticket=ticket, team=team, by=bob)
    services.set_tags(ticket=ticket, names=["malpractice"], by=bob)
    file = SimpleUploadedFile("statement.txt", b"rude")
    services.reply(ticket=ticket, by=bob, body="We take Grim seriously.", files=[file])
    return ticket


@pytest.fixture
def merged(ticket, secret, bob) -> Ticket:
    """A ticket of Alice that everybody may see, into which the secret one was merged."""
    services.merge_tickets(source=secret, target=ticket, by=bob)
    return ticket


@pytest.fixture(params=["carol", "frank"])
def outsider(request, ward) -> User:
    return request.getfixturevalue(request.param)


def test_colleagues_see_tickets_of_the_organisation_but_not_those_of_a_closed_team(
    ward, ticket, secret, carol
):
    assert list(Ticket.objects.visible_to(carol)) == [ticket]


def test_the_customer_the_team_and_admins_see_a_closed_teams_ticket(ward, secret, alice, bob, dan):
    for viewer in (alice, bob, dan):
        assert secret in Ticket.objects.visible_to(viewer), viewer


def test_closing_a_team_takes_its_tickets_from_colleagues(
    ward, ticket, carol, bob, dan, django_capture_on_commit_callbacks
):
    team = accounts_services.add_team(by=dan, name="Night", members=[bob])
    services.set_team(ticket=ticket, team=team, by=bob)
    assert web_queries.count_mine(carol)["all"] == 1
    with django_capture_on_commit_callbacks(execute=True):
        accounts_services.change_team(
            team=team,
            by=dan,
            name="Night",
            description="",
            members=[bob],
            rights=[],
            is_closed=True,
        )
    assert web_queries.count_mine(carol)["all"] == 0


def test_no_page_shows_a_closed_teams_ticket_to_outsiders(client, ward, secret, outsider):
    client.force_login(outsider)
    attachment = secret.attachments.get()
    for path in (
        reverse("ticket", args=[secret.pk]),
        reverse("conversation", args=[secret.pk]),
        reverse("ticket-analysis", args=[secret.pk]),
        reverse("attachment", args=[attachment.pk]),
    ):
        assert client.get(path).status_code == 404, path
    for path in (
        reverse("dashboard"),
        reverse("dashboard") + "?state=all&status=any",
        reverse("live"),
        reverse("search") + "?q=Grim",
        reverse("search-suggestions") + "?q=Grim",
        reverse("notifications"),
    ):
        content = client.get(path).content.decode()
        assert SECRET not in content and secret.number not in content, path


def test_an_outsider_cannot_write_on_a_closed_teams_ticket(client, ward, secret, carol):
    client.force_login(carol)
    assert client.post(reverse("reply", args=[secret.pk]), {"body": "x"}).status_code == 404
    assert (
        client.post(reverse("rate-ticket", args=[secret.pk]), {"is_good": "yes"}).status_code == 404
    )


def test_search_and_counts_leave_out_a_closed_teams_ticket(ward, secret, outsider):
    assert not search_queries.search(outsider, "Grim rude seriously").hits
    assert search_queries.suggest(outsider, "Grim") == []
    assert web_queries.count_mine(outsider)["all"] == 0
    assert queries.count_open(outsider)["total"] == 0


def test_exported_list_leaves_out_a_closed_teams_ticket(client, ticket, secret, frank, bob):
    for viewer, is_exported in ((frank, False), (bob, True)):
        client.force_login(viewer)
        content = client.get(reverse("export-tickets")).getvalue().decode()
        assert ticket.subject in content
        assert (SECRET in content) is is_exported, viewer


def test_completion_finds_no_closed_teams_ticket(client, ticket, secret, frank):
    client.force_login(frank)
    path = reverse("find-tickets", args=[ticket.pk])
    for text in ("Grim", secret.number, str(secret.pk)):
        assert client.get(path, {"q": text}).json() == {"items": []}, text


def test_messages_of_a_merged_closed_teams_ticket_are_hidden(ward, merged, outsider, alice):
    bodies = [message.body for message in queries.list_messages(outsider, merged)]
    assert not any("Grim" in body for body in bodies)
    assert any("Grim" in message.body for message in queries.list_messages(alice, merged))


def test_number_of_a_closed_merge_target_is_hidden(ticket, secret, ward, outsider, alice, bob):
    services.merge_tickets(source=ticket, target=secret, by=bob)
    assert queries.find_merge_target(outsider, ticket) is None
    with pytest.raises(BadInputError) as error:
        services.reply(ticket=ticket, by=outsider, body="Hello?")
    assert str(secret.pk) not in str(error.value).replace(ticket.number, "")
    with pytest.raises(BadInputError, match=secret.number):
        services.reply(ticket=ticket, by=alice, body="Hello?")


def test_history_hides_the_numbers_of_closed_teams_tickets(client, ticket, secret, bob, frank, dan):
    services.link_tickets(source=ticket, target=secret, kind="related", by=bob)
    services.merge_tickets(source=secret, target=ticket, by=bob)
    services.unmerge_ticket(ticket=secret, by=bob)
    path = reverse("ticket", args=[ticket.pk])
    for viewer, is_shown in ((frank, False), (dan, True), (bob, True)):
        client.force_login(viewer)
        content = client.get(path).content.decode()
        assert (secret.number in content) is is_shown, viewer
        assert "SKR-…" in content or is_shown


def test_tags_of_closed_teams_tickets_alone_are_hidden(client, secret, ticket, frank, bob, dan):
    services.set_tags(ticket=ticket, names=["printer"], by=bob)
    services.add_tags(ticket=secret, names=["printer"], by=bob)
    names = {
        viewer: {tag.name for tag in queries.list_tags(viewer)} for viewer in (frank, bob, dan)
    }
    assert names == {
        frank: {"printer"},
        bob: {"malpractice", "printer"},
        dan: {"malpractice", "printer"},
    }
    client.force_login(frank)
    assert client.get(reverse("find-tags"), {"q": "malp"}).json() == {"tags": []}
    assert b"malpractice" not in client.get(reverse("dashboard")).content
    assert (
        b"No ticket has this tag" in client.get(reverse("search") + "?q=x&tag=malpractice").content
    )


def test_tag_of_no_ticket_is_offered_to_everybody(secret, frank, dan):
    services.add_tag(by=dan, name="new")
    assert [tag.name for tag in queries.list_tags(frank)] == ["new"]


def test_shared_view_of_a_closed_team_is_listed_for_its_members_alone(secret, team, frank, bob):
    for filters in (TicketFilter(team=str(team.pk)), TicketFilter(tag="malpractice")):
        services.save_view(by=bob, name="Grim's cases", filters=filters, audience="all")
    services.save_view(by=bob, name="Printers", filters=TicketFilter(tag="printer"), audience="all")
    services.save_view(by=bob, name="Urgent", filters=TicketFilter(priority=4), audience="all")
    assert {view.name for view in queries.list_views(frank)} == {"Printers", "Urgent"}
    assert queries.list_views(bob).count() == SavedView.objects.count() == 4


def test_outsiders_are_notified_of_nothing(ward, secret, outsider, bob, alice):
    Notification.objects.all().delete()
    OutgoingEmail.objects.all().delete()
    services.add_note(ticket=secret, by=bob, body="@frank please look")
    services.reply(ticket=secret, by=alice, body="More.")
    services.set_status(ticket=secret, status="solved", by=bob)
    assert not Notification.objects.filter(user=outsider).exists()
    assert not OutgoingEmail.objects.filter(user=outsider).exists()


def test_earlier_notifications_and_emails_disappear_with_the_ticket(ticket, team, bob, frank):
    email = OutgoingEmail.objects.create(
        key="k", to=frank.email, user=frank, ticket=ticket, kind="team", subject="s", body="b"
    )
    services.set_team(ticket=ticket, team=team, by=bob)
    assert not notifications_queries.list_notifications(frank)
    assert "no longer has access" in email_builder.find_drop_reason(email)


def test_undoing_a_bulk_change_leaves_a_ticket_that_became_hidden(ticket, team, bob, frank):
    change = services.start_bulk_change(by=frank, tickets=[ticket.pk], changes={"priority": 4})
    services.set_team(ticket=ticket, team=team, by=bob)
    services.undo_bulk_change(change=change, by=frank)
    ticket.refresh_from_db()
    assert ticket.priority == 4


def test_part_split_from_a_closed_teams_ticket_stays_in_the_team(ward, secret, outsider, bob):
    message = secret.messages.get()
    part = services.split_ticket(message=message, subject="Part", by=bob)
    assert part not in Ticket.objects.visible_to(outsider)


def test_export_of_personal_data_names_no_linked_ticket(ticket, secret, bob, dan):
    from appliance.web import services as web_services

    services.link_tickets(source=ticket, target=secret, kind="related", by=bob)
    Ticket.objects.filter(pk=secret.pk).update(
        customer=accounts_services.add_customer(email="gil@example.org", first_name="Gil")
    )
    content = b"".join(web_services.export_customer(customer=ticket.customer, by=dan))
    assert b'"other"' not in content


# --- who decides what an organisation shares


def test_agent_cannot_let_customers_see_each_others_tickets(bob, dan):
    ward = accounts_services.add_organisation(by=bob, name="Ward 3")
    with pytest.raises(ForbiddenError):
        accounts_services.change_organisation(
            organisation=ward, by=bob, name="Ward 3", note="", shares_tickets=True
        )
    with pytest.raises(ForbiddenError):
        accounts_services.add_organisation(by=bob, name="Ward 4", shares_tickets=True)
    accounts_services.change_organisation(
        organisation=ward, by=dan, name="Ward 3", note="", shares_tickets=True
    )
    assert ward.shares_tickets


def test_the_switch_of_the_form_is_not_read_from_an_agent(client, bob):
    ward = Organisation.objects.create(name="Ward 3")
    client.force_login(bob)
    path = reverse("edit-organisation", args=[ward.pk])
    version = client.get(path).context["version_form"]["version"].value()
    data = {"name": "Ward Three", "note": "", "shares_tickets": "on", "version": version}
    assert client.post(path, data).status_code == 302
    ward.refresh_from_db()
    assert (ward.name, ward.shares_tickets) == ("Ward Three", False)


def test_agent_cannot_put_anybody_into_an_organisation_that_shares(ward, bob, dan):
    mallory = accounts_services.add_customer(email="mallory@example.org", first_name="Mallory")
    values = {"email": mallory.email, "first_name": "M", "last_name": "", "is_premium": False}
    with pytest.raises(BadInputError) as error:
        accounts_services.change_customer(customer=mallory, by=bob, organisation=ward, **values)
    assert error.value.field == "organisation"
    new = {"email": "m2@example.org", "first_name": "M", "organisation": ward}
    with pytest.raises(BadInputError):
        accounts_services.add_customer_as_agent(by=bob, **new)
    accounts_services.change_customer(customer=mallory, by=dan, organisation=ward, **values)
    assert mallory.organisation == ward


def test_agent_cannot_merge_an_organisation_into_one_that_shares(ward, bob, dan):
    other = Organisation.objects.create(name="Other")
    with pytest.raises(BadInputError):
        accounts_services.merge_organisations(source=other, target=ward, by=bob)
    accounts_services.merge_organisations(source=other, target=ward, by=dan)


def test_agent_may_still_edit_a_customer_of_an_organisation_that_shares(ward, alice, bob):
    accounts_services.change_customer(
        customer=alice.customer,
        by=bob,
        email=alice.customer.email,
        first_name="Alicia",
        last_name="",
        organisation=ward,
        is_premium=True,
    )
    assert alice.customer.first_name == "Alicia"


def test_agent_cannot_redirect_the_address_of_a_customer_with_hidden_tickets(secret, frank, bob):
    Customer.objects.filter(pk=secret.customer_id).update(user=None)
    secret.customer.refresh_from_db()
    values = {"first_name": "A", "last_name": "", "organisation": None, "is_premium": False}
    with pytest.raises(BadInputError) as error:
        accounts_services.change_customer(
            customer=secret.customer, by=frank, email="frank2@example.org", **values
        )
    assert error.value.field == "email"
    accounts_services.change_customer(
        customer=secret.customer, by=bob, email="alice2@example.org", **values
    )
