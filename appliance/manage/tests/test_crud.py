"""The set-up of the desk, as an admin meets it."""

import uuid

import pytest
from django.urls import reverse

from appliance.accounts import services as accounts_services
from appliance.accounts.models import Team
from appliance.core.models import AuditEntry
from appliance.core.pagination import PAGE_SIZE
from appliance.macros.models import CannedResponse
from appliance.manage.sections import SECTIONS
from appliance.tickets import services as tickets_services
from appliance.tickets.models import CustomField, Tag, TicketCategory


@pytest.fixture
def as_dan(client, dan):
    client.force_login(dan)
    return client


@pytest.fixture
def as_bob(client, bob):
    client.force_login(bob)
    return client


def send(client, name: str, /, *args: object, **fields: object):
    return client.post(reverse(name, args=args), fields, follow=True)


def version_on(page) -> str:
    return page.context["version_form"].initial["version"]


def test_the_overview_leads_to_every_section(as_dan, categories):
    page = as_dan.get(reverse("manage")).content.decode()
    assert all(f'href="{reverse(section.slug)}"' in page for section in SECTIONS)


def test_an_empty_list_says_what_the_thing_is_for(as_dan):
    for section in SECTIONS:
        assert str(section.about) in as_dan.get(reverse(section.slug)).content.decode().replace(
            "&#x27;", "'"
        )


def test_lists_and_forms_offer_what_can_be_done(as_dan, categories):
    category = next(iter(categories.values()))
    pages = {"categories": as_dan.get(reverse("categories")).content.decode()}
    path = reverse("edit-category", args=[category.pk])
    pages["one"] = as_dan.get(path).content.decode()
    assert reverse("add-category") in pages["categories"]
    assert reverse("move-category", args=[category.pk]) in pages["categories"]
    assert reverse("remove-category", args=[category.pk]) in pages["one"]
    send(as_dan, "remove-category", category.pk)
    assert reverse("restore-category", args=[category.pk]) in as_dan.get(path).content.decode()


def test_a_team_is_added_changed_and_deactivated(as_dan, bob):
    send(as_dan, "add-team", name="Night shift", members=[bob.pk], rights=["merge"])
    team = Team.objects.get()
    page = as_dan.get(reverse("edit-team", args=[team.pk]))
    send(as_dan, "edit-team", team.pk, name="Night", members=[bob.pk], version=version_on(page))
    send(as_dan, "remove-team", team.pk)
    team.refresh_from_db()
    assert (team.name, team.rights, team.is_active) == ("Night", [], False)
    send(as_dan, "restore-team", team.pk)
    assert Team.objects.filter(is_active=True).exists()


def test_a_category_is_added_with_phrases_one_a_line(as_dan):
    phrases = "The door is stuck\r\n\r\nMy badge does not open"
    send(as_dan, "add-category", name="Doors", description="Doors.", examples=phrases)
    assert TicketCategory.objects.get().examples == ["The door is stuck", "My badge does not open"]


def test_a_category_is_moved_up_and_down(as_dan, categories):
    first, second = TicketCategory.objects.all()[:2]
    send(as_dan, "move-category", second.pk, direction="up")
    assert list(TicketCategory.objects.all()[:2]) == [second, first]
    send(as_dan, "move-category", second.pk, direction="down")
    assert list(TicketCategory.objects.all()[:2]) == [first, second]


def test_deactivating_a_category_says_how_many_tickets_are_in_it(as_dan, ticket, categories, bob):
    category = next(iter(categories.values()))
    tickets_services.set_category(ticket=ticket, category=category, by=bob)
    page = as_dan.get(reverse("remove-category", args=[category.pk])).content.decode()
    assert "1 open ticket in this category" in page


def test_what_was_typed_is_still_there_after_a_mistake(as_dan, categories):
    taken = next(iter(categories.values())).name
    page = send(as_dan, "add-category", name=taken, description="My long text", examples="a\nb")
    assert page.status_code == 400
    assert "already" in page.content.decode() and "My long text" in page.content.decode()
    assert "a\nb</textarea>" in page.content.decode()


def test_what_another_changed_meanwhile_is_told_and_kept_until_confirmed(as_dan, dan, categories):
    category = next(iter(categories.values()))
    path = reverse("edit-category", args=[category.pk])
    version = version_on(as_dan.get(path))
    mine = {"name": "My tickets", "description": "", "examples": ""}
    values = {"description": "Theirs", "examples": []}
    tickets_services.change_category(category=category, by=dan, name=category.name, **values)
    refused = as_dan.post(path, mine | {"version": version})
    text = refused.content.decode()
    assert refused.status_code == 400 and "Dan changed this" in text and "“Theirs”" in text
    assert 'value="My tickets"' in text
    assert as_dan.post(path, mine | {"version": version_on(refused)}).status_code == 302
    category.refresh_from_db()
    assert category.name == "My tickets"


def test_a_tag_is_merged_into_another(as_dan, dan):
    one, two = (tickets_services.add_tag(by=dan, name=name) for name in ("one", "two"))
    send(as_dan, "merge-tag", one.pk, target=two.pk)
    assert list(Tag.objects.all()) == [two]


def test_a_field_keeps_its_key_and_kind(as_dan):
    send(as_dan, "add-field", label="Room", kind="number")
    field = CustomField.objects.get()
    send(as_dan, "edit-field", field.pk, label="Room no.", key="other", kind="text")
    field.refresh_from_db()
    assert (field.label, field.key, field.kind) == ("Room no.", "room", "number")


def test_a_person_is_added_invited_and_given_another_role(as_dan):
    names = {"first_name": "Eve", "last_name": "", "email": "Eve@example.org"}
    page = send(as_dan, "add-person", **names, role="agent")
    eve = page.context["entry"]
    link = send(as_dan, "invite-person", eve.pk)
    assert (
        reverse("set-password", args=["x"])[:-2] in link.context["link"]
        and "no-store" in link["Cache-Control"]
    )
    send(as_dan, "edit-person", eve.pk, **names, role="admin")
    eve.refresh_from_db()
    assert (eve.email, eve.role) == ("eve@example.org", "admin")


def test_the_last_admin_stays_one(as_dan, dan):
    names = {"first_name": "Dan", "email": dan.email}
    page = send(as_dan, "edit-person", dan.pk, **names, role="agent")
    assert "last admin" in page.content.decode()


def test_people_are_found_by_name_and_address(as_dan, bob, alice):
    for words in ("bob", "example.org b", "BOB@"):
        rows = as_dan.get(reverse("people"), {"q": words}).context["page"].rows
        assert bob in rows and alice not in rows


def test_a_customer_gets_a_log_in(as_dan, dan):
    pia = accounts_services.add_customer_as_agent(by=dan, email="pia@example.org", first_name="Pia")
    assert (
        reverse("set-password", args=["x"])[:-2]
        in send(as_dan, "create-login", pia.pk).context["link"]
    )
    send(as_dan, "unlink-customer", pia.pk)
    pia.refresh_from_db()
    assert pia.user is None


def test_an_organisation_with_customers_is_merged_not_removed(as_dan, dan, alice):
    ward, ship = (
        accounts_services.add_organisation(by=dan, name=name) for name in ("Ward", "Ship")
    )
    alice.customer.organisation = ward
    alice.customer.save()
    assert "Merge it" in send(as_dan, "remove-organisation", ward.pk).content.decode()
    send(as_dan, "merge-organisation", ward.pk, target=ship.pk)
    alice.customer.refresh_from_db()
    assert alice.customer.organisation == ship


def test_a_calendar_has_hours_and_holidays(as_dan):
    page = send(
        as_dan, "add-business-hours", name="Office", time_zone="Europe/Berlin", monday="8:00-12:00"
    )
    business_hours = page.context["entry"]
    send(
        as_dan, "add-holiday", business_hours.pk, on="2026-12-25", name="Christmas", is_yearly="on"
    )
    assert (
        "every year"
        in as_dan.get(reverse("edit-business-hours", args=[business_hours.pk])).content.decode()
    )
    send(as_dan, "remove-holiday", business_hours.holidays.get().pk)
    assert not business_hours.holidays.exists()


def test_an_agent_keeps_replies_of_their_own(as_bob, bob):
    send(
        as_bob,
        "add-canned-response",
        name="Hello",
        body="Hello {customer_first_name}",
        audience="own",
    )
    canned_response = CannedResponse.objects.get()
    send(
        as_bob,
        "edit-canned-response",
        canned_response.pk,
        name="Hi",
        body="Hi",
        audience="own",
    )
    canned_response.refresh_from_db()
    assert (canned_response.name, canned_response.owner) == ("Hi", bob)
    send(as_bob, "remove-canned-response", canned_response.pk)
    assert not CannedResponse.objects.exists()


def test_the_same_form_sent_twice_adds_once(as_bob):
    sent = {"name": "Hello", "body": "Hi", "audience": "own", "idempotency_key": uuid.uuid4()}
    first, second = (send(as_bob, "add-canned-response", **sent) for _time in range(2))
    assert CannedResponse.objects.count() == 1
    assert first.context["entry"] == second.context["entry"]


def test_a_form_that_was_refused_can_be_sent_again(as_dan, categories):
    sent = {"idempotency_key": uuid.uuid4(), "name": next(iter(categories.values())).name}
    refused = send(as_dan, "add-category", **sent)
    assert str(sent["idempotency_key"]) in refused.content.decode()
    send(as_dan, "add-category", **sent | {"name": "Free"})
    assert TicketCategory.objects.filter(name="Free").exists()


def test_an_agent_sees_only_what_they_may_set_up(as_bob):
    page = as_bob.get(reverse("manage")).content.decode()
    assert reverse("canned-responses") in page and reverse("customers") in page
    assert reverse("people") not in page and reverse("audit-log") not in page


def test_without_the_right_customers_are_not_theirs_to_edit(as_bob, dan):
    accounts_services.update_site_settings(by=dan, agent_rights=[])
    assert as_bob.get(reverse("customers")).status_code == 403
    assert as_bob.get(reverse("canned-responses")).status_code == 200


def test_a_long_list_goes_on_page_by_page(as_dan, dan, django_assert_max_num_queries):
    Tag.objects.bulk_create(Tag(name=f"tag {n:03}") for n in range(PAGE_SIZE * 2 + 3))
    found, after = [], ""
    for _page in range(3):
        with django_assert_max_num_queries(11):
            page = as_dan.get(reverse("tags"), {"after": after}).context["page"]
        found, after = [*found, *page.rows], page.next_cursor
    assert [tag.name for tag in found] == [f"tag {n:03}" for n in range(PAGE_SIZE * 2 + 3)]
    assert after == ""


def test_a_page_of_customers_costs_the_same_however_many(
    as_dan, dan, django_assert_max_num_queries
):
    for n in range(PAGE_SIZE):
        accounts_services.add_customer(email=f"c{n}@example.org", first_name=f"C{n}")
    with django_assert_max_num_queries(11):
        as_dan.get(reverse("customers"))


@pytest.mark.parametrize("odd", ["a\0b", "9" * 30, "-1", "²"])
def test_odd_words_in_a_list_break_nothing(as_dan, odd):
    for section in SECTIONS:
        page = as_dan.get(reverse(section.slug), {"q": odd, "after": odd})
        assert page.status_code == 200, section.slug


@pytest.mark.parametrize("odd", ["a\0b", "9" * 30, "-1", "²", "x" * 10_000])
def test_odd_words_in_a_form_break_nothing(as_dan, dan, odd):
    for section in SECTIONS:
        fields = section.form(None, dan, None).fields
        sent = dict.fromkeys([*fields, "idempotency_key", "version"], odd)
        response = as_dan.post(reverse(f"add-{section.object_slug}"), sent)
        assert response.status_code in (302, 400), section.slug


def test_the_log_tells_what_was_and_what_is(as_dan, dan):
    tag = tickets_services.add_tag(by=dan, name="one")
    tickets_services.rename_tag(tag=tag, by=dan, name="two")
    page = as_dan.get(reverse("audit-log")).content.decode()
    assert "one → two" in page and AuditEntry.objects.count() == 2
    assert not as_dan.get(reverse("audit-log"), {"q": "nobody"}).context["page"].rows
    assert not as_dan.get(reverse("audit-log"), {"until": "2020-01-01"}).context["page"].rows


def test_the_log_takes_odd_days(as_dan):
    for day in ("0001-01-01", "9999-12-31", "yesterday"):
        assert as_dan.get(reverse("audit-log"), {"since": day, "until": day}).status_code == 200


def test_a_promise_says_when_a_ticket_opened_now_is_due(as_dan):
    page = send(as_dan, "add-policy", name="Urgent", first_response_minutes="1 h", priorities=[4])
    policy = page.context["entry"]
    assert [label for label, at in page.context["due_now"] if at] == ["first response"]
    send(
        as_dan,
        "add-escalation",
        policy.pk,
        metric="first_response",
        minutes="30 min",
        when="before",
        action="notify",
        recipients=["assignee"],
    )
    page = as_dan.get(reverse("edit-policy", args=[policy.pk])).content.decode()
    assert "30 min before first response is due" in page
    send(as_dan, "remove-escalation", policy.escalations.get().pk)
    send(as_dan, "remove-policy", policy.pk)
    assert not as_dan.get(reverse("policies")).context["page"].rows


def test_rules_are_kept_in_an_order(as_dan, dan):
    team = accounts_services.add_team(by=dan, name="Night shift")
    for name in ("first", "second"):
        send(as_dan, "add-rule", name=name, team=team.pk, strategy="least_open")
    rows = as_dan.get(reverse("rules")).context["page"].rows
    send(as_dan, "move-rule", rows[1].pk, direction="up")
    moved = as_dan.get(reverse("rules")).context["page"].rows
    assert [rule.name for rule in moved] == ["second", "first"]


def test_a_macro_says_what_it_does(as_dan):
    send(as_dan, "add-macro", name="Solve", status="solved", add_tags="done", audience="all")
    assert "Solve" in as_dan.get(reverse("macros")).content.decode()
