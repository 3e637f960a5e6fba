"""Admins shape what tickets are filed under, tagged with and asked for."""

import pytest

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.models import AuditEntry
from appliance.tickets import queries, services
from appliance.tickets.models import SavedView, Tag, TicketCategory


@pytest.fixture
def printing(dan) -> TicketCategory:
    return services.add_category(by=dan, name="Printing & paper", examples=["no ink. ", "", "jam"])


def test_a_category_gets_a_slug_of_its_name_and_keeps_it(printing, dan):
    phrases = {"description": "Ink", "examples": []}
    services.change_category(category=printing, by=dan, name="Ink", **phrases)
    assert (printing.slug, printing.name, printing.reading) == ("printing-paper", "Ink", "Ink. Ink")
    assert [row.verb for row in AuditEntry.objects.all()] == ["changed", "added"]


def test_two_categories_of_one_slug_get_two(printing, dan):
    other = services.add_category(by=dan, name="Printing, paper")
    assert other.slug == "printing-paper-2"


def test_a_category_has_a_name_of_its_own(printing, dan):
    with pytest.raises(BadInputError, match="already") as caught:
        services.add_category(by=dan, name="PRINTING & paper")
    assert caught.value.field == "name"


def test_phrases_are_cleaned_and_counted(printing, dan):
    assert printing.examples == ["no ink", "jam"]
    with pytest.raises(BadInputError, match="At most"):
        services.add_category(by=dan, name="Much", examples=[f"p{n}" for n in range(50)])


def test_a_category_moves_one_place_and_stops_at_the_end(categories, dan):
    first, second, *_ = queries.list_all_categories(dan)
    services.move_category(category=second, by=dan, up=True)
    services.move_category(category=second, by=dan, up=True)
    assert list(queries.list_all_categories(dan)[:2]) == [second, first]


def test_an_inactive_category_is_offered_no_more_and_comes_back(printing, dan):
    services.deactivate_category(category=printing, by=dan)
    assert printing not in queries.list_categories()
    services.reactivate_category(category=printing, by=dan)
    assert printing in queries.list_categories()


def test_only_admins_set_up(printing, bob):
    with pytest.raises(ForbiddenError):
        services.add_category(by=bob, name="My tickets")
    with pytest.raises(ForbiddenError):
        services.add_tag(by=bob, name="mine")
    assert not queries.list_all_categories(bob) and not queries.list_all_tags(bob)


def test_a_tag_is_renamed_on_tickets_and_in_views(ticket, bob, dan):
    services.add_tags(ticket=ticket, names=["laser"], by=bob)
    view = SavedView.objects.create(name="Lasers", owner=bob, filter={"tag": "laser"})
    services.rename_tag(tag=Tag.objects.get(), by=dan, name="#Laser printers")
    view.refresh_from_db()
    assert [tag.name for tag in ticket.tags.all()] == ["Laser printers"]
    assert view.filter == {"tag": "Laser printers"}


def test_merged_tags_leave_each_ticket_one(ticket, bob, dan):
    services.add_tags(ticket=ticket, names=["laser", "printer"], by=bob)
    source, target = Tag.objects.get(name="laser"), Tag.objects.get(name="printer")
    services.merge_tags(source=source, target=target, by=dan)
    assert [tag.name for tag in ticket.tags.all()] == ["printer"]


def test_a_tag_taken_by_another_is_told(dan):
    one = services.add_tag(by=dan, name="one")
    services.add_tag(by=dan, name="two")
    with pytest.raises(BadInputError, match="Merge"):
        services.rename_tag(tag=one, by=dan, name="TWO")


def test_a_removed_tag_leaves_the_tickets(ticket, bob, dan):
    services.add_tags(ticket=ticket, names=["laser"], by=bob)
    services.remove_tag(tag=Tag.objects.get(), by=dan)
    assert not ticket.tags.exists()


def test_a_field_is_keyed_by_its_label_and_asked_in_its_categories(printing, dan):
    field = services.add_field(by=dan, label="Room number", kind="text", categories=[printing])
    assert field.key == "room-number"
    assert field in queries.fields_of(printing) and field not in queries.fields_of(None)
    services.deactivate_field(field=field, by=dan)
    assert field not in queries.fields_of(printing)


def test_a_choice_has_two_choices_at_least(dan):
    with pytest.raises(BadInputError, match="at least two") as caught:
        services.add_field(by=dan, label="Floor", kind="choice", choices=["1", "1", " "])
    assert caught.value.field == "choices"


def test_two_fields_cannot_share_a_key(dan):
    services.add_field(by=dan, label="Room", kind="text")
    with pytest.raises(BadInputError, match="key"):
        services.add_field(by=dan, label="Room", kind="number")


def test_tags_are_counted_in_the_query_that_lists_them(ticket, bob, dan, django_assert_num_queries):
    services.add_tags(ticket=ticket, names=["a", "b"], by=bob)
    with django_assert_num_queries(1):
        assert [tag.ticket_count for tag in queries.list_all_tags(dan)] == [1, 1]
