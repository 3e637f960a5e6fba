import pytest
from django.core.cache import cache

from appliance.core.cache import (
    NAMES,
    TEAMS,
    TICKETS,
    _tally,
    changed,
    counts,
    generation,
    generations,
    one_look,
    remember,
    together,
)

NAME = NAMES[0]


def test_value_is_computed_once(db):
    asked = []
    for _ in range(3):
        remember(NAME, ["a"], lambda: asked.append(1), depends_on=[TICKETS])
    assert len(asked) == 1, "None is a value, too"
    assert counts()[NAME] == {"hits": 2, "misses": 1}


def test_other_parts_are_another_value(db):
    assert [remember(NAME, [part], lambda p=part: p) for part in "abab"] == list("abab")


def test_parts_do_not_run_into_each_other(db):
    assert remember(NAME, ["a", "b"], lambda: 1) == 1
    assert remember(NAME, ["ab", ""], lambda: 2) == 2


def test_change_is_seen_only_when_it_is_committed(db, django_capture_on_commit_callbacks):
    before = generation(TICKETS)
    with django_capture_on_commit_callbacks(execute=True):
        changed(TICKETS)
        assert generation(TICKETS) == before
    assert generation(TICKETS) != before


def test_lost_generation_never_brings_an_old_value_back(db):
    remember(NAME, ["a"], lambda: "old", depends_on=[TICKETS])
    cache.delete(f"generation:{TICKETS}")
    assert remember(NAME, ["a"], lambda: "new", depends_on=[TICKETS]) == "new"


@pytest.mark.usefixtures("dead_cache")
def test_dead_cache_computes(db):
    assert [remember(NAME, ["a"], lambda: 5, depends_on=[TICKETS]) for _ in range(2)] == [5, 5]
    assert counts()[NAME] == {"hits": 0, "misses": 0}


def test_what_is_changed_together_is_said_once_and_at_the_end(
    db, django_capture_on_commit_callbacks
):
    before = generation(TICKETS)
    with django_capture_on_commit_callbacks(execute=True) as said:
        with together():
            for _ in range(3):
                changed(TICKETS)
        assert generation(TICKETS) == before
    assert (len(said), generation(TICKETS) == before) == (1, False)


def test_in_one_look_the_cache_is_asked_once(db, monkeypatch):
    with one_look():
        remember(NAME, ["a"], lambda: 7, depends_on=[TICKETS])
        monkeypatch.setattr(cache, "get", lambda *_: pytest.fail("asked again"))
        monkeypatch.setattr(cache, "get_many", lambda *_: pytest.fail("asked again"))
        assert remember(NAME, ["a"], pytest.fail, depends_on=[TICKETS]) == 7
        assert None not in generations([TICKETS, TEAMS])


def test_what_is_changed_in_a_look_is_seen_in_it(db, django_capture_on_commit_callbacks):
    with one_look():
        remember(NAME, ["a"], lambda: "old", depends_on=[TICKETS])
        with django_capture_on_commit_callbacks(execute=True):
            changed(TICKETS)
        assert remember(NAME, ["a"], lambda: "new", depends_on=[TICKETS]) == "new"


def test_next_look_asks_anew(db):
    with one_look():
        before = generation(TICKETS)
    cache.delete(f"generation:{TICKETS}")
    with one_look():
        assert generation(TICKETS) != before


def test_counts_of_looks_are_written_together(db, monkeypatch):
    monkeypatch.setattr(_tally, "_due", 0.0)
    _tally._waiting.clear()
    for _ in range(3):
        with one_look():
            remember(NAME, ["a"], lambda: 1)
            remember(NAME, ["a"], lambda: 1)
    assert counts()[NAME] == {"hits": 1, "misses": 1}, "the first look; others wait a second"
    assert _tally._waiting == {(NAME, "hits"): 4}


def test_dead_cache_is_tried_once_a_look(db, dead_cache):
    with one_look():
        assert generations([TICKETS, TEAMS]) == [None, None]
        assert remember(NAME, ["a"], lambda: 5, depends_on=[TEAMS]) == 5
