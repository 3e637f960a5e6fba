"""Days are counted once, again when they change, and never twice."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.accounts.models import Organisation
from appliance.core import cache
from appliance.core.models import SiteSettings
from appliance.reports import services
from appliance.reports.models import CountingProgress, Day, StaleTicket
from appliance.reports.tests.conftest import at_noon, local
from appliance.tickets import services as tickets_services
from appliance.tickets.models import Status, Ticket

NOW = datetime.now(UTC)


def count() -> None:
    while services.update_days():
        pass


def metrics(**which) -> list[tuple]:
    """What stands for these days, in an order of its own."""
    names = [field.name for field in Day._meta.fields if field.name != "id"]
    rows = Day.objects.filter(**which).values_list(*names)
    plain = ([sorted(cell) if isinstance(cell, list) else cell for cell in row] for row in rows)
    return sorted(map(str, plain))


def test_counting_twice_changes_nothing(year):
    count()
    before = metrics()
    services.recount()
    count()
    assert metrics() == before and before


def test_today_is_never_stored(year):
    count()
    assert Day.objects.order_by("on").last().on < local(NOW)
    assert CountingProgress.objects.get().counted_through == local(NOW) - timedelta(days=1)


def test_counting_that_is_cut_short_goes_on_where_it_was(year):
    rounds = 0
    while services.update_days(seconds=0):
        rounds += 1
    assert rounds > 3
    stopped = metrics()
    Day.objects.all().delete()
    CountingProgress.objects.all().delete()
    count()
    assert metrics() == stopped


def test_chunk_that_fails_leaves_the_days_as_they_were(year, monkeypatch):
    count()
    before = metrics()
    services.recount()
    monkeypatch.setattr(services, "_save_progress", lambda progress: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.update_days()
    assert metrics() == before


def _solved(day) -> int:
    return sum(Day.objects.filter(on=day, dimension="all").values_list("solved", flat=True))


def test_reopened_ticket_is_not_solved_any_more(desk_zone, alice, dan):
    three_days_ago = at_noon(local(NOW) - timedelta(days=3))
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, at=three_days_ago
    )
    solved_at = three_days_ago + timedelta(days=1)
    tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=dan, at=solved_at)
    count()
    assert _solved(local(solved_at)) == 1
    tickets_services.set_status(ticket=ticket, status=Status.OPEN, by=dan)
    count()
    assert _solved(local(solved_at)) == 0


def test_other_category_moves_what_was_counted(desk_zone, alice, dan, categories):
    day = local(NOW) - timedelta(days=2)
    ticket = tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, at=at_noon(day)
    )
    count()
    chosen = next(iter(categories.values()))
    tickets_services.set_category(ticket=ticket, category=chosen, by=dan)
    count()
    rows = Day.objects.filter(on=day, dimension="category", opened__gt=0)
    assert [row.value for row in rows] == [chosen.pk]


def test_customer_who_moves_is_counted_anew_at_night(desk_zone, alice):
    day = local(NOW) - timedelta(days=2)
    tickets_services.create_ticket(
        customer=alice.customer, subject="s", description="d", by=alice, at=at_noon(day)
    )
    count()
    alice.customer.organisation = Organisation.objects.create(name="Ferry")
    alice.customer.save()
    services.recount()
    count()
    rows = Day.objects.filter(on=day, dimension="organisation", opened__gt=0)
    assert [row.value for row in rows] == [alice.customer.organisation_id]


def test_another_time_zone_is_other_days(desk_zone, alice):
    day = local(NOW) - timedelta(days=3)
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


def test_second_worker_leaves_the_counting_to_the_first(year, transactional_db):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    from tests.conftest import let_readers_finish

    def work(_):
        try:
            count()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    let_readers_finish()
    count()
    all_rows = Day.objects.filter(dimension="all")
    assert sum(all_rows.values_list("opened", flat=True)) == sum(
        one.merged_into_id is None and local(one.created_at) < local(NOW) for one in year
    )


def test_stale_row_falls_with_the_event(year, dan):
    from django.db import transaction

    StaleTicket.objects.all().delete()
    with pytest.raises(RuntimeError), transaction.atomic():
        tickets_services.set_priority(ticket=Ticket.objects.first(), priority=4, by=dan)
        raise RuntimeError
    assert not StaleTicket.objects.exists()


def test_tickets_brought_in_are_noted_once_each(alice, dan):
    StaleTicket.objects.all().delete()
    with services.batch_changes():
        ticket = tickets_services.create_ticket(
            customer=alice.customer, subject="Lamp", description="Dark.", by=alice
        )
        tickets_services.set_status(ticket=ticket, status=Status.SOLVED, by=dan)
        assert not StaleTicket.objects.exists()
    assert [row.ticket_id for row in StaleTicket.objects.all()] == [ticket.pk]
