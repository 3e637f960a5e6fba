import pytest
from django.core.cache import cache

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry, SiteSettings
from appliance.macros import queries, services, variables
from appliance.macros.models import CannedResponse


@pytest.fixture
def nobody_shares(db):
    SiteSettings.objects.create(pk=1, agent_rights=[])
    cache.delete_pattern("*")


def test_variables_are_filled_in_from_the_ticket(hello, ticket, bob):
    text = services.render_canned_response(canned_response=hello, ticket=ticket, by=bob)
    assert text == f"Hello Alice, this is about {ticket.number}."


def test_every_variable_has_a_value_and_a_sample(ticket, bob):
    for name, variable in variables.VARIABLES.items():
        assert variables.render(f"{{{name}}}", ticket, bob) == variable.value(ticket, bob)
        assert variable.sample


def test_unknown_variable_is_refused_with_the_known_ones(bob):
    with pytest.raises(
        BadInputError,
        match=r"Unknown variable "
        r"\{customer\}.*\{ticket_number\}",
    ) as no:
        services.add_canned_response(by=bob, name="Hello", body="Dear {customer}")
    assert no.value.field == "body"


def test_braces_of_a_script_are_left_alone(bob, ticket):
    code = "if (x) { return {}; } ${HOME} {0}"
    with pytest.raises(BadInputError):
        variables.check(code)  # {HOME} would be a variable
    assert variables.render("if (x) { return {}; } {0}", ticket, bob) == "if (x) { return {}; } {0}"


def test_subject_that_names_a_variable_is_not_read_again(hello, ticket, bob):
    ticket.subject = "{agent_name} [x](http://evil.example) **bold**"
    text = variables.render("About {ticket_subject}", ticket, bob)
    assert text == r"About {agent_name} \[x\](http://evil.example) \*\*bold\*\*"


def test_shared_reply_is_found_by_shortcut_name_and_text(hello, dan):
    for typed in ("hi", "HELL", "this is about"):
        assert queries.find_canned_responses(dan, typed) == [hello], typed
    assert queries.find_canned_responses(dan, "nothing") == []


def test_what_no_text_can_hold_is_not_looked_for(hello, bob):
    assert queries.find_canned_responses(bob, "h\0i") == [hello]


def test_shortcut_comes_before_the_text_that_says_the_same(hello, bob):
    services.add_canned_response(by=bob, name="A", body="hi there")
    assert [c.name for c in queries.find_canned_responses(bob, "hi")] == ["Hello", "A"]


def test_own_reply_is_nobody_elses(bob, dan):
    services.add_canned_response(by=bob, name="My tickets", body="x")
    assert not queries.list_canned_responses(dan)
    assert not queries.list_editable_canned_responses(dan)


def test_reply_of_a_team_is_for_its_members(bob, dan, ward_team):
    services.add_canned_response(by=bob, name="Ours", body="x", audience="team", team=ward_team)
    assert queries.list_canned_responses(bob).exists()
    assert not queries.list_canned_responses(dan).exists()
    assert queries.list_editable_canned_responses(dan).exists()


def test_customer_has_none(hello, alice):
    assert queries.find_canned_responses(alice, "") == []


def test_sharing_needs_the_right(bob, nobody_shares):
    with pytest.raises(BadInputError) as no:
        services.add_canned_response(by=bob, name="All", body="x", audience="all")
    assert no.value.field == "audience"
    assert services.add_canned_response(by=bob, name="My tickets", body="x").audience == "own"


def test_shared_reply_is_not_changed_without_the_right(hello, bob, nobody_shares):
    with pytest.raises(ForbiddenError):
        services.remove_canned_response(canned_response=hello, by=bob)
    assert CannedResponse.objects.exists()


def test_use_is_counted_and_the_most_used_comes_first(hello, ticket, bob):
    services.add_canned_response(by=bob, name="Ahoi", body="x")
    services.render_canned_response(canned_response=hello, ticket=ticket, by=bob)
    assert [c.name for c in queries.list_canned_responses(bob)] == ["Hello", "Ahoi"]


def test_one_person_has_a_shortcut_once(hello, bob):
    with pytest.raises(BadInputError) as no:
        services.add_canned_response(by=bob, name="Hej", body="x", shortcut="HI")
    assert no.value.field == "shortcut"


def test_each_change_is_one_row(hello, bob):
    services.change_canned_response(
        canned_response=hello, by=bob, name="Hej", body="x", shortcut="", audience="own", team=None
    )
    services.remove_canned_response(canned_response=hello, by=bob)
    verbs = AuditEntry.objects.order_by("id").values_list("verb", "kind", "subject")
    assert list(verbs) == [
        ("added", "canned response", "Hello"),
        ("changed", "canned response", "Hej"),
        ("removed", "canned response", "Hej"),
    ]
