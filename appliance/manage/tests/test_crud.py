"""The pages of the sections: lists, adding, editing, removing, reordering, and who may do it."""

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


def post(client, name: str, /, *args: object, **fields: object):
    return client.post(reverse(name, args=args), fields, follow=True)


def version_on(page) -> str:
    return page.context["version_form"].initial["version"]


def test_overview_links_every_section(as_dan, categories):
    page = as_dan.get(reverse("manage")).content.decode()
    assert all(f'href="{reverse(section.slug)}"' in page for section in SECTIONS)


def test_empty_list_describes_its_section(as_dan):
    for section in SECTIONS:
        assert str(section.about) in as_dan.get(reverse(section.slug)).content.decode().replace(
            "&#x27;", "'"
        )


def test_lists_and_forms_offer_the_actions_of_their_section(as_dan, categories):
    category = next(iter(categories.values()))
    pages = {"categories": as_dan.get(reverse("categories")).content.decode()}
    path = reverse("edit-category", args=[category.pk])
    pages["category"] = as_dan.get(path).content.decode()
    assert reverse("add-category") in pages["categories"]
    assert reverse("move-category", args=[category.pk]) in pages["categories"]
    assert reverse("remove-category", args=[category.pk]) in pages["category"]
    post(as_dan, "remove-category", category.pk)
    assert reverse("restore-category", args=[category.pk]) in as_dan.get(path).content.decode()


def test_admin_adds_changes_and_deactivates_a_team(as_dan, bob):
    post(as_dan, "add-team", name="Night shift", members=[bob.pk], rights=["merge"])
    team = Team.objects.get()
    page = as_dan.get(reverse("edit-team", args=[team.pk]))
    post(as_dan, "edit-team", team.pk, name="Night", members=[bob.pk], version=version_on(page))
    post(as_dan, "remove-team", team.pk)
    team.refresh_from_db()
    assert (team.name, team.rights, team.is_active) == ("Night", [], False)
    post(as_dan, "restore-team", team.pk)
    assert Team.objects.filter(is_active=True).exists()


def test_example_phrases_are_entered_one_per_line(as_dan):
    phrases = "The door is stuck\r\n\r\nMy badge does not open"
    post(as_dan, "add-category", name="Doors", description="Doors.", examples=phrases)
    assert TicketCategory.objects.get().examples == ["The door is stuck", "My badge does not open"]


def test_admin_moves_a_category_up_and_down(as_dan, categories):
    first, second = TicketCategory.objects.all()[:2]
    post(as_dan, "move-category", second.pk, direction="up")
    assert list(TicketCategory.objects.all()[:2]) == [second, first]
    post(as_dan, "move-category", second.pk, direction="down")
    assert list(TicketCategory.objects.all()[:2]) == [first, second]


def test_deactivating_a_category_shows_its_number_of_tickets(as_dan, ticket, categories, bob):
    category = next(iter(categories.values()))
    tickets_services.set_category(ticket=ticket, category=category, by=bob)
    page = as_dan.get(reverse("remove-category", args=[category.pk])).content.decode()
    assert "1 open ticket in this category" in page


def test_invalid_form_keeps_the_values(as_dan, categories):
    existing_name = next(iter(categories.values())).name
    page = post(
        as_dan, "add-category", name=existing_name, description="My long text", examples="a\nb"
    )
    assert page.status_code == 400
    assert "already" in page.content.decode() and "My long text" in page.content.decode()
    assert "a\nb</textarea>" in page.content.decode()


def test_concurrent_change_is_shown_and_overwritten_only_when_sent_again(as_dan, dan, categories):
    category = next(iter(categories.values()))
    path = reverse("edit-category", args=[category.pk])
    version = version_on(as_dan.get(path))
    form = {"name": "My tickets", "description": "", "examples": ""}
    tickets_services.change_category(
        category=category, by=dan, name=category.name, description="Theirs", examples=[]
    )
    conflict = as_dan.post(path, form | {"version": version})
    text = conflict.content.decode()
    assert conflict.status_code == 400 and "Dan changed this" in text and "“Theirs”" in text
    assert 'value="My tickets"' in text
    assert as_dan.post(path, form | {"version": version_on(conflict)}).status_code == 302
    category.refresh_from_db()
    assert category.name == "My tickets"


def test_admin_merges_a_tag_into_another(as_dan, dan):
    source, target = (tickets_services.add_tag(by=dan, name=name) for name in ("one", "two"))
    post(as_dan, "merge-tag", source.pk, target=target.pk)
    assert list(Tag.objects.all()) == [target]


def test_key_and_type_of_a_custom_field_cannot_be_changed(as_dan):
    post(as_dan, "add-field", label="Room", kind="number", owner="ticket")
    field = CustomField.objects.get()
    post(as_dan, "edit-field", field.pk, label="Room no.", key="other", kind="text")
    field.refresh_from_db()
    assert (field.label, field.key, field.kind) == ("Room no.", "room", "number")


def test_admin_adds_invites_and_promotes_a_user(as_dan):
    names = {"first_name": "Eve", "last_name": "", "email": "Eve@example.org"}
    page = post(as_dan, "add-person", **names, role="agent")
    eve = page.context["entry"]
    link = post(as_dan, "invite-person", eve.pk)
    assert (
        reverse("set-password", args=["x"])[:-2] in link.context["link"]
        and "no-store" in link["Cache-Control"]
    )
    post(as_dan, "edit-person", eve.pk, **names, role="admin")
    eve.refresh_from_db()
    assert (eve.email, eve.role) == ("eve@example.org", "admin")


def test_last_admin_cannot_be_demoted(as_dan, dan):
    names = {"first_name": "Dan", "email": dan.email}
    page = post(as_dan, "edit-person", dan.pk, **names, role="agent")
    assert "last admin" in page.content.decode()


def test_users_are_searched_by_name_and_email(as_dan, bob, alice):
    for words in ("bob", "example.org b", "BOB@"):
        users = as_dan.get(reverse("people"), {"q": words}).context["page"].rows
        assert bob in users and alice not in users


def test_admin_creates_and_unlinks_the_user_of_a_customer(as_dan, dan):
    pia = accounts_services.add_customer_as_agent(by=dan, email="pia@example.org", first_name="Pia")
    assert (
        reverse("set-password", args=["x"])[:-2]
        in post(as_dan, "create-login", pia.pk).context["link"]
    )
    post(as_dan, "unlink-customer", pia.pk)
    pia.refresh_from_db()
    assert pia.user is None


def test_organisation_with_customers_is_merged_not_removed(as_dan, dan, alice):
    ward, ship = (
        accounts_services.add_organisation(by=dan, name=name) for name in ("Ward", "Ship")
    )
    alice.customer.organisation = ward
    alice.customer.save()
    assert "Merge it" in post(as_dan, "remove-organisation", ward.pk).content.decode()
    post(as_dan, "merge-organisation", ward.pk, target=ship.pk)
    alice.customer.refresh_from_db()
    assert alice.customer.organisation == ship


def test_admin_adds_and_removes_a_holiday(as_dan):
    page = post(
        as_dan, "add-business-hours", name="Office", time_zone="Europe/Berlin", monday="8:00-12:00"
    )
    business_hours = page.context["entry"]
    post(
        as_dan, "add-holiday", business_hours.pk, on="2026-12-25", name="Christmas", is_yearly="on"
    )
    assert (
        "every year"
        in as_dan.get(reverse("edit-business-hours", args=[business_hours.pk])).content.decode()
    )
    post(as_dan, "remove-holiday", business_hours.holidays.get().pk)
    assert not business_hours.holidays.exists()


def test_agent_manages_own_canned_responses(as_bob, bob):
    post(
        as_bob,
        "add-canned-response",
        name="Hello",
        body="Hello {customer_first_name}",
        audience="own",
    )
    canned_response = CannedResponse.objects.get()
    post(
        as_bob,
        "edit-canned-response",
        canned_response.pk,
        name="Hi",
        body="Hi",
        audience="own",
    )
    canned_response.refresh_from_db()
    assert (canned_response.name, canned_response.owner) == ("Hi", bob)
    post(as_bob, "remove-canned-response", canned_response.pk)
    assert not CannedResponse.objects.exists()


def test_form_sent_twice_adds_one_entry(as_bob):
    form = {"name": "Hello", "body": "Hi", "audience": "own", "idempotency_key": uuid.uuid4()}
    first, second = (post(as_bob, "add-canned-response", **form) for _ in range(2))
    assert CannedResponse.objects.count() == 1
    assert first.context["entry"] == second.context["entry"]


def test_rejected_form_can_be_sent_again_with_its_key(as_dan, categories):
    form = {"idempotency_key": uuid.uuid4(), "name": next(iter(categories.values())).name}
    page = post(as_dan, "add-category", **form)
    assert str(form["idempotency_key"]) in page.content.decode()
    post(as_dan, "add-category", **form | {"name": "Free"})
    assert TicketCategory.objects.filter(name="Free").exists()


def test_agent_sees_only_the_sections_open_to_agents(as_bob):
    page = as_bob.get(reverse("manage")).content.decode()
    assert reverse("canned-responses") in page and reverse("customers") in page
    assert reverse("people") not in page and reverse("audit-log") not in page


def test_agent_without_the_right_cannot_edit_customers(as_bob, dan):
    accounts_services.update_site_settings(by=dan, agent_rights=[])
    assert as_bob.get(reverse("customers")).status_code == 403
    assert as_bob.get(reverse("canned-responses")).status_code == 200


def test_pages_of_a_long_list_follow_each_other(as_dan, dan, django_assert_max_num_queries):
    Tag.objects.bulk_create(Tag(name=f"tag {n:03}") for n in range(PAGE_SIZE * 2 + 3))
    tags, cursor = [], ""
    for _page in range(3):
        with django_assert_max_num_queries(11):
            page = as_dan.get(reverse("tags"), {"after": cursor}).context["page"]
        tags, cursor = [*tags, *page.rows], page.next_cursor
    assert [tag.name for tag in tags] == [f"tag {n:03}" for n in range(PAGE_SIZE * 2 + 3)]
    assert cursor == ""


def test_list_of_customers_costs_a_fixed_number_of_queries(
    as_dan, dan, django_assert_max_num_queries
):
    for n in range(PAGE_SIZE):
        accounts_services.add_customer(email=f"c{n}@example.org", first_name=f"C{n}")
    with django_assert_max_num_queries(11):
        as_dan.get(reverse("customers"))


@pytest.mark.parametrize("text", ["a\0b", "9" * 30, "-1", "²"])
def test_malformed_search_and_cursor_are_ignored(as_dan, text):
    for section in SECTIONS:
        page = as_dan.get(reverse(section.slug), {"q": text, "after": text})
        assert page.status_code == 200, section.slug


@pytest.mark.parametrize("text", ["a\0b", "9" * 30, "-1", "²", "x" * 10_000])
def test_malformed_form_values_are_rejected_or_saved(as_dan, dan, text):
    for section in SECTIONS:
        fields = section.form(None, dan, None).fields
        form = dict.fromkeys([*fields, "idempotency_key", "version"], text)
        response = as_dan.post(reverse(f"add-{section.object_slug}"), form)
        assert response.status_code in (302, 400), section.slug


def test_audit_log_shows_old_and_new_value(as_dan, dan):
    tag = tickets_services.add_tag(by=dan, name="one")
    tickets_services.rename_tag(tag=tag, by=dan, name="two")
    page = as_dan.get(reverse("audit-log")).content.decode()
    assert "one → two" in page and AuditEntry.objects.count() == 2
    assert not as_dan.get(reverse("audit-log"), {"q": "nobody"}).context["page"].rows
    assert not as_dan.get(reverse("audit-log"), {"until": "2020-01-01"}).context["page"].rows


def test_audit_log_ignores_invalid_dates(as_dan):
    for day in ("0001-01-01", "9999-12-31", "yesterday"):
        assert as_dan.get(reverse("audit-log"), {"since": day, "until": day}).status_code == 200


def test_sla_policy_shows_due_times_and_escalations(as_dan):
    page = post(as_dan, "add-policy", name="Urgent", first_response_minutes="1 h", priorities=[4])
    policy = page.context["entry"]
    assert [label for label, at in page.context["due_now"] if at] == ["first response"]
    post(
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
    assert "30\xa0min before first response is due" in page
    post(as_dan, "remove-escalation", policy.escalations.get().pk)
    post(as_dan, "remove-policy", policy.pk)
    assert not as_dan.get(reverse("policies")).context["page"].rows


def test_admin_reorders_assignment_rules(as_dan, dan):
    team = accounts_services.add_team(by=dan, name="Night shift")
    for name in ("first", "second"):
        post(as_dan, "add-rule", name=name, team=team.pk, strategy="least_open")
    rules = as_dan.get(reverse("rules")).context["page"].rows
    post(as_dan, "move-rule", rules[1].pk, direction="up")
    reordered = as_dan.get(reverse("rules")).context["page"].rows
    assert [rule.name for rule in reordered] == ["second", "first"]


def test_macro_is_listed_after_it_is_added(as_dan):
    post(as_dan, "add-macro", name="Solve", status="solved", add_tags="done", audience="all")
    assert "Solve" in as_dan.get(reverse("macros")).content.decode()
