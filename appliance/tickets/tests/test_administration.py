"""Admins maintain categories, tags and custom fields."""

import re

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from appliance.core.errors import BadInputError, ForbiddenError
from appliance.core.keys import new_key
from appliance.core.models import AuditEntry
from appliance.tickets import queries, services
from appliance.tickets.models import CustomField, SavedView, Tag, TicketCategory


@pytest.fixture
def printing(dan) -> TicketCategory:
    return services.add_category(by=dan, name="Printing & paper", examples=["no ink. ", "", "jam"])


def test_category_keeps_the_slug_of_its_first_name(printing, dan):
    services.change_category(category=printing, by=dan, name="Ink", description="Ink", examples=[])
    assert (printing.slug, printing.name, printing.classifier_text) == (
        "printing-paper",
        "Ink",
        "Ink. Ink",
    )
    assert [entry.verb for entry in AuditEntry.objects.all()] == ["changed", "added"]


def test_second_category_with_the_same_slug_gets_a_number(printing, dan):
    other = services.add_category(by=dan, name="Printing, paper")
    assert other.slug == "printing-paper-2"


def test_category_name_must_be_unique(printing, dan):
    with pytest.raises(BadInputError, match="already") as error:
        services.add_category(by=dan, name="PRINTING & paper")
    assert error.value.field == "name"


def test_example_phrases_are_cleaned_and_limited(printing, dan):
    assert printing.examples == ["no ink", "jam"]
    with pytest.raises(BadInputError, match="At most"):
        services.add_category(by=dan, name="Much", examples=[f"p{n}" for n in range(50)])


def test_category_moves_up_until_it_is_first(categories, dan):
    first, second, *_ = queries.list_all_categories(dan)
    services.move_category(category=second, by=dan, up=True)
    services.move_category(category=second, by=dan, up=True)
    assert list(queries.list_all_categories(dan)[:2]) == [second, first]


def test_inactive_category_is_not_offered_until_reactivated(printing, dan):
    services.deactivate_category(category=printing, by=dan)
    assert printing not in queries.list_categories()
    services.reactivate_category(category=printing, by=dan)
    assert printing in queries.list_categories()


def test_only_admins_change_categories_and_tags(printing, bob):
    with pytest.raises(ForbiddenError):
        services.add_category(by=bob, name="My tickets")
    with pytest.raises(ForbiddenError):
        services.add_tag(by=bob, name="mine")
    assert not queries.list_all_categories(bob) and not queries.list_all_tags(bob)


def test_tag_is_renamed_on_tickets_and_in_views(ticket, bob, dan):
    services.add_tags(ticket=ticket, names=["laser"], by=bob)
    view = SavedView.objects.create(name="Lasers", owner=bob, filter={"tag": "laser"})
    services.rename_tag(tag=Tag.objects.get(), by=dan, name="#Laser printers")
    view.refresh_from_db()
    assert [tag.name for tag in ticket.tags.all()] == ["Laser printers"]
    assert view.filter == {"tag": "Laser printers"}


def test_merged_tags_leave_one_tag_on_each_ticket(ticket, bob, dan):
    services.add_tags(ticket=ticket, names=["laser", "printer"], by=bob)
    source, target = Tag.objects.get(name="laser"), Tag.objects.get(name="printer")
    services.merge_tags(source=source, target=target, by=dan)
    assert [tag.name for tag in ticket.tags.all()] == ["printer"]


def test_tag_cannot_take_the_name_of_another(dan):
    tag = services.add_tag(by=dan, name="one")
    services.add_tag(by=dan, name="two")
    with pytest.raises(BadInputError, match="Merge"):
        services.rename_tag(tag=tag, by=dan, name="TWO")


def test_removed_tag_is_removed_from_tickets(ticket, bob, dan):
    services.add_tags(ticket=ticket, names=["laser"], by=bob)
    services.remove_tag(tag=Tag.objects.get(), by=dan)
    assert not ticket.tags.exists()


def test_field_gets_a_key_from_its_label_and_belongs_to_its_categories(printing, dan):
    field = services.add_field(by=dan, label="Room number", kind="text", categories=[printing])
    assert field.key == "room-number"
    assert field in queries.list_category_fields(
        printing
    ) and field not in queries.list_category_fields(None)
    services.deactivate_field(field=field, by=dan)
    assert field not in queries.list_category_fields(printing)


def test_choice_field_needs_two_choices(dan):
    with pytest.raises(BadInputError, match="at least two") as error:
        services.add_field(by=dan, label="Floor", kind="choice", choices=["1", "1", " "])
    assert error.value.field == "choices"


def test_tags_are_counted_in_the_query_that_lists_them(ticket, bob, dan, django_assert_num_queries):
    services.add_tags(ticket=ticket, names=["a", "b"], by=bob)
    with django_assert_num_queries(1):
        assert [tag.ticket_count for tag in queries.list_all_tags(dan)] == [1, 1]


# --- keys made from labels

LABELS = ["Комната", "Кабинет", "房间", "🙂", "—", "Room", "Räume", "room", "Room!", "x" * 80]


def test_every_label_makes_a_key_of_its_own(dan):
    fields = [services.add_field(by=dan, label=label, kind="text") for label in LABELS * 2]
    keys = [field.key for field in fields]
    assert len(set(keys)) == len(keys) and max(map(len, keys)) <= 40
    assert keys[:6] == ["field", "field-2", "field-3", "field-4", "field-5", "room"]
    assert all(re.fullmatch(r"[a-z0-9_-]+", key) for key in keys)


def test_error_about_a_key_shows_only_where_one_was_typed(dan):
    services.add_field(by=dan, label="Room", kind="text", key="room")
    assert services.add_field(by=dan, label="Room", kind="text").key == "room-2"
    with pytest.raises(BadInputError) as error:
        services.add_field(by=dan, label="Other", kind="text", key="room")
    assert error.value.field == "key"


@given(labels=st.lists(st.text(min_size=1, max_size=80), min_size=2, max_size=4))
@hypothesis_settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_labels_of_any_script_never_collide(db, labels):
    with transaction.atomic():
        keys = [new_key(CustomField, "key", label, fallback="field") for label in labels[:1]]
        for label in labels[1:]:
            CustomField.objects.create(key=keys[-1], label="x")
            keys.append(new_key(CustomField, "key", label, fallback="field"))
        transaction.set_rollback(True)
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,40}", key) for key in keys)


def test_categories_without_latin_letters_have_slugs_of_their_own(dan):
    slugs = [services.add_category(by=dan, name=name).slug for name in ("Принтеры", "电脑", "None")]
    assert slugs == ["category", "category-2", "none-2"]
