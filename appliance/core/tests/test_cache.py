import pytest
from django.core.cache import cache

from appliance.core.cache import (
    TEAMS,
    TICKETS,
    VALUE_LABELS,
    _counter_buffer,
    batched_invalidation,
    generation,
    generations,
    get_or_compute,
    hit_counts,
    invalidate,
    request_cache,
)

NAME = next(iter(VALUE_LABELS))


def test_value_is_computed_once(db):
    calls = []
    for _ in range(3):
        get_or_compute(NAME, ["a"], lambda: calls.append(1), depends_on=[TICKETS])
    assert len(calls) == 1, "None is a value, too"
    assert hit_counts()[NAME] == {"hits": 2, "misses": 1}


def test_other_parts_are_another_value(db):
    assert [get_or_compute(NAME, [part], lambda p=part: p) for part in "abab"] == list("abab")


def test_parts_do_not_run_into_each_other(db):
    assert get_or_compute(NAME, ["a", "b"], lambda: 1) == 1
    assert get_or_compute(NAME, ["ab", ""], lambda: 2) == 2


def test_invalidation_takes_effect_on_commit(db, django_capture_on_commit_callbacks):
    before = generation(TICKETS)
    with django_capture_on_commit_callbacks(execute=True):
        invalidate(TICKETS)
        assert generation(TICKETS) == before
    assert generation(TICKETS) != before


def test_lost_generation_never_brings_an_old_value_back(db):
    get_or_compute(NAME, ["a"], lambda: "old", depends_on=[TICKETS])
    cache.delete(f"generation:{TICKETS}")
    assert get_or_compute(NAME, ["a"], lambda: "new", depends_on=[TICKETS]) == "new"


@pytest.mark.usefixtures("dead_cache")
def test_dead_cache_computes(db):
    assert [get_or_compute(NAME, ["a"], lambda: 5, depends_on=[TICKETS]) for _ in range(2)] == [
        5,
        5,
    ]
    assert hit_counts()[NAME] == {"hits": 0, "misses": 0}


def test_batched_invalidation_is_applied_once_and_at_the_end(
    db, django_capture_on_commit_callbacks
):
    before = generation(TICKETS)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        with batched_invalidation():
            for _ in range(3):
                invalidate(TICKETS)
        assert generation(TICKETS) == before
    assert (len(callbacks), generation(TICKETS) == before) == (1, False)


def test_request_cache_reads_each_value_once(db, monkeypatch):
    with request_cache():
        get_or_compute(NAME, ["a"], lambda: 7, depends_on=[TICKETS])
        monkeypatch.setattr(cache, "get", lambda *_: pytest.fail("read again"))
        monkeypatch.setattr(cache, "get_many", lambda *_: pytest.fail("read again"))
        assert get_or_compute(NAME, ["a"], pytest.fail, depends_on=[TICKETS]) == 7
        assert None not in generations([TICKETS, TEAMS])


def test_invalidation_inside_a_request_is_seen_in_it(db, django_capture_on_commit_callbacks):
    with request_cache():
        get_or_compute(NAME, ["a"], lambda: "old", depends_on=[TICKETS])
        with django_capture_on_commit_callbacks(execute=True):
            invalidate(TICKETS)
        assert get_or_compute(NAME, ["a"], lambda: "new", depends_on=[TICKETS]) == "new"


def test_next_request_reads_again(db):
    with request_cache():
        before = generation(TICKETS)
    cache.delete(f"generation:{TICKETS}")
    with request_cache():
        assert generation(TICKETS) != before


def test_counts_of_requests_are_written_together(db, monkeypatch):
    monkeypatch.setattr(_counter_buffer, "_due_at", 0.0)
    _counter_buffer._pending.clear()
    for _ in range(3):
        with request_cache():
            get_or_compute(NAME, ["a"], lambda: 1)
            get_or_compute(NAME, ["a"], lambda: 1)
    assert hit_counts()[NAME] == {"hits": 1, "misses": 1}, "the first request; others wait a second"
    assert _counter_buffer._pending == {(NAME, "hits"): 4}


def test_dead_cache_is_tried_once_a_request(db, dead_cache):
    with request_cache():
        assert generations([TICKETS, TEAMS]) == [None, None]
        assert get_or_compute(NAME, ["a"], lambda: 5, depends_on=[TEAMS]) == 5
