import pytest
from django.core.cache import cache

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry, SiteSettings
from appliance.macros import queries, services, variables
from appliance.macros.models import CannedResponse


@pytest.fixture
def no_sharing_right(db):
    SiteSettings.objects.create(pk=1, agent_rights=[])
    cache.delete_pattern("*")


def test_variables_are_replaced_with_values_of_the_ticket(hello, ticket, bob):
    text = services.render_canned_response(canned_response=hello, ticket=ticket, by=bob)
    assert text == f"Hello Alice, this is about {ticket.number}."


def test_every_variable_has_a_value_and_a_sample(ticket, bob):
    for name, variable in variables.VARIABLES.items():
        assert variables.render(f"{{{name}}}", ticket, bob) == variable.value(ticket, bob)
        assert variable.sample


def test_unknown_variable_is_refused_and_known_ones_are_listed(bob):
    with pytest.raises(
        BadInputError,
        match=r"Unknown variable "
        r"\{customer\}.*\{ticket_number\}",
    ) as error:
        services.add_canned_response(by=bob, name="Hello", body="Dear {customer}")
    assert error.value.field == "body"


def test_braces_without_a_variable_stay_unchanged(bob, ticket):
    code = "if (x) { return {}; } ${HOME} {0}"
    with pytest.raises(BadInputError):
        variables.check(code)  # {HOME} would be a variable
    assert variables.render("if (x) { return {}; } {0}", ticket, bob) == "if (x) { return {}; } {0}"


def test_variables_within_values_are_not_expanded(hello, ticket, bob):
    ticket.subject = "{agent_name} [x](http://evil.example) **bold**"
    text = variables.render("About {ticket_subject}", ticket, bob)
    assert text == r"About {agent_name} \[x\](http://evil.example) \*\*bold\*\*"


def test_shared_canned_response_is_found_by_shortcut_name_and_text(hello, dan):
    for query in ("hi", "HELL", "this is about"):
        assert queries.find_canned_responses(dan, query) == [hello], query
    assert queries.find_canned_responses(dan, "nothing") == []


def test_null_character_in_the_query_is_ignored(hello, bob):
    assert queries.find_canned_responses(bob, "h\0i") == [hello]


def test_match_by_shortcut_ranks_before_match_by_text(hello, bob):
    services.add_canned_response(by=bob, name="A", body="hi there")
    assert [response.name for response in queries.find_canned_responses(bob, "hi")] == [
        "Hello",
        "A",
    ]


def test_private_canned_response_is_visible_to_its_owner_only(bob, dan):
    services.add_canned_response(by=bob, name="My tickets", body="x")
    assert not queries.list_canned_responses(dan)
    assert not queries.list_editable_canned_responses(dan)


def test_team_canned_response_is_visible_to_members_only(bob, dan, ward_team):
    services.add_canned_response(by=bob, name="Ours", body="x", audience="team", team=ward_team)
    assert queries.list_canned_responses(bob).exists()
    assert not queries.list_canned_responses(dan).exists()
    assert queries.list_editable_canned_responses(dan).exists()


def test_customer_sees_no_canned_responses(hello, alice):
    assert queries.find_canned_responses(alice, "") == []


def test_sharing_needs_the_right_to_share(bob, no_sharing_right):
    with pytest.raises(BadInputError) as error:
        services.add_canned_response(by=bob, name="All", body="x", audience="all")
    assert error.value.field == "audience"
    assert services.add_canned_response(by=bob, name="My tickets", body="x").audience == "own"


def test_shared_canned_response_cannot_be_removed_without_the_right(hello, bob, no_sharing_right):
    with pytest.raises(ForbiddenError):
        services.remove_canned_response(canned_response=hello, by=bob)
    assert CannedResponse.objects.exists()


def test_most_used_canned_response_comes_first(hello, ticket, bob):
    services.add_canned_response(by=bob, name="Ahoi", body="x")
    services.render_canned_response(canned_response=hello, ticket=ticket, by=bob)
    assert [response.name for response in queries.list_canned_responses(bob)] == ["Hello", "Ahoi"]


def test_shortcut_is_unique_per_owner(hello, bob):
    with pytest.raises(BadInputError) as error:
        services.add_canned_response(by=bob, name="Hej", body="x", shortcut="HI")
    assert error.value.field == "shortcut"


def test_each_change_is_recorded_in_the_audit_log(hello, bob):
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
