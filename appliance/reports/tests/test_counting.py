"""Days are counted once, again when they change, and never twice."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.accounts.models import Organisation
from appliance.core import cache
from appliance.core.models import SiteSettings
from appliance.reports import services
from appliance.reports.models import CountingProgress, Day, StaleTicket
from appliance.reports.tests.conftest import at_noon, day_of
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket

NOW = datetime.now(UTC)


def count() -> None:
    while services.update_days():
        pass


def stored_metrics() -> list[str]:
    """Return the stored days as sorted text."""
    names = [field.name for field in Day._meta.fields if field.name != "id"]
    days = ([_sorted(value) for value in day] for day in Day.objects.values_list(*names))
    return sorted(map(str, days))


def _sorted(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value


def test_counting_twice_changes_nothing(year):
    count()
    before = stored_metrics()
    services.recount()
    count()
    assert stored_metrics() == before and before


def test_today_is_never_stored(year):
    count()
    assert Day.objects.order_by("on").last().on < day_of(NOW)
    assert CountingProgress.objects.get().counted_through == day_of(NOW) - timedelta(days=1)


def test_interrupted_counting_continues_where_it_stopped(year):
    rounds = 0
    while services.update_days(seconds=0):
        rounds += 1
    assert rounds > 3
    interrupted = stored_metrics()
    Day.objects.all().delete()
    CountingProgress.objects.all().delete()
    count()
    assert stored_metrics() == interrupted


def test_failing_chunk_leaves_the_days_unchanged(year, monkeypatch):
    count()
    before = stored_metrics()
    services.recount()
    monkeypatch.setattr(services, "_save_progress", lambda progress: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.update_days()
    assert stored_metrics() == before


def _solved(day) -> int:
    return sum(Day.objects.filter(on=day, dimension="all").values_list("solved", flat=True))


def test_reopened_ticket_no_longer_counts_as_solved(time_zone, alice, dan):
    three_days_ago = at_noon(day_of(NOW) - timedelta(days=3))
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, at=three_days_ago
    )
    solved_at = three_days_ago + timedelta(days=1)
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=dan, at=solved_at)
    count()
    assert _solved(day_of(solved_at)) == 1
    tickets_services.set_status(ticket=ticket, status=Status.OPEN, by=dan)
    count()
    assert _solved(day_of(solved_at)) == 0


def test_changed_category_moves_the_counts(time_zone, alice, dan, categories):
    day = day_of(NOW) - timedelta(days=2)
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, at=at_noon(day)
    )
    count()
    category = next(iter(categories.values()))
    tickets_services.set_category(ticket=ticket, category=category, by=dan)
    count()
    days = Day.objects.filter(on=day, dimension="category", opened__gt=0)
    assert [counted.value for counted in days] == [category.pk]


def test_recount_follows_a_customer_to_another_organisation(time_zone, alice):
    day = day_of(NOW) - timedelta(days=2)
    tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, at=at_noon(day)
    )
    count()
    alice.customer.organisation = Organisation.objects.create(name="Ferry")
    alice.customer.save()
    services.recount()
    count()
    days = Day.objects.filter(on=day, dimension="organisation", opened__gt=0)
    assert [counted.value for counted in days] == [alice.customer.organisation_id]


def test_change_of_time_zone_counts_all_days_again(time_zone, alice):
    day = day_of(NOW) - timedelta(days=3)
    late = at_noon(day).replace(hour=23, minute=30)
    tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, at=late
    )
    count()
    assert _opened_on() == [day]
    SiteSettings.objects.update(time_zone="Asia/Tokyo")
    cache._renew_generations(cache.SITE_SETTINGS)
    count()
    assert _opened_on() == [day + timedelta(days=1)]


def _opened_on() -> list:
    return list(Day.objects.filter(dimension="all", opened=1).values_list("on", flat=True))


def test_two_workers_count_each_ticket_once(year, transactional_db):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from tests.conftest import wait_for_background_threads

    def work(_number):
        try:
            count()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    wait_for_background_threads()
    count()
    days = Day.objects.filter(dimension="all")
    assert sum(days.values_list("opened", flat=True)) == sum(
        ticket.merged_into_id is None and day_of(ticket.created_at) < day_of(NOW) for ticket in year
    )


def test_stale_row_is_rolled_back_with_its_event(year, dan):
    from django.db import transaction

    StaleTicket.objects.all().delete()
    with transaction.atomic():
        tickets_services.set_priority(ticket=Ticket.objects.first(), priority=4, by=dan)
        transaction.set_rollback(True)
    assert not StaleTicket.objects.exists()


def test_bulk_load_marks_each_ticket_once(alice, dan):
    StaleTicket.objects.all().delete()
    with services.batch_changes():
        ticket = tickets_services.create_ticket(
            customer=alice.customer, subject="Lamp", description="Dark.", by=alice
        )
        tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=dan)
        assert not StaleTicket.objects.exists()
    assert list(StaleTicket.objects.values_list("ticket_id", flat=True)) == [ticket.pk]
