import pytest

from appliance.search.ranking import fuse, normalise

CASES = {
    "no rankings give no hits": ({}, []),
    "one retriever keeps its order": ({"meaning": [("a", 0.8), ("b", 0.6)]}, ["a", "b"]),
    "near in meaning stands above one common word": (
        {"meaning": [("near", 0.8), ("far", 0.3)], "words": [], "some_words": [("far", 1.0)]},
        ["near", "far"],
    ),
    "words decide between two that lie close": (
        {"meaning": [("a", 0.70), ("b", 0.66)], "words": [("b", 1.0)]},
        ["b", "a"],
    ),
    "found by two retrievers stands above found by one": (
        {"words": [("a", 1.0), ("b", 1.0)], "typo": [("b", 0.7)]},
        ["b", "a"],
    ),
    "a name that few rows hold stands above what is near": (
        {
            "meaning": [("near", 0.6), ("named", 0.3)],
            "words": [("named", 0.4)],
            "some_words": [("named", 0.4)],
        },
        ["named", "near"],
    ),
    "whole words stand above prefixes": (
        {
            "meaning": [("begun", 0.5)],
            "words": [("begun", 1.0), ("whole", 0.5), *((n, 0.9) for n in range(20))],
            "some_words": [("whole", 1.0)],
        },
        ["whole", "begun", *range(20)],
    ),
    "exact stands above all": (
        {"meaning": [("a", 1.0)], "words": [("a", 1.0), ("code", 0.2)], "exact": [("code", 0.2)]},
        ["code", "a"],
    ),
    "of two exact ones the better stands first": (
        {"meaning": [("y", 0.9), ("x", 0.2)], "exact": [("x", 1.0), ("y", 1.0)]},
        ["y", "x"],
    ),
    "a row twice in one ranking counts once": (
        {"words": [("a", 0.6), ("a", 0.6), ("b", 0.9)]},
        ["b", "a"],
    ),
}


@pytest.mark.parametrize(("rankings", "order"), CASES.values(), ids=CASES)
def test_order(rankings, order):
    assert [hit.key for hit in fuse(rankings)] == order


def test_scores_lie_between_0_and_1():
    hits = fuse({"meaning": [("a", 7.0), ("b", -2.0)], "words": [("a", 1.0)], "exact": [("c", 1)]})
    assert [0 <= hit.score <= 1 for hit in hits] == [True] * 3


def test_without_meaning_words_can_score_1():
    words = {"words": [("a", 1.0)], "some_words": [("a", 1.0)], "typo": [("a", 1.0)]}
    assert fuse(words)[0].score == pytest.approx(1.0)


def test_retrievers_are_sorted_strongest_first():
    (hit,) = fuse({"typo": [("a", 0.5)], "meaning": [("a", 0.9)], "exact": [("a", 1.0)]})
    assert hit.retrievers == ("exact", "meaning", "typo")


def test_normalise_divides_by_the_best_score():
    assert normalise([("a", 0.4), ("b", 0.1)]) == [("a", 1.0), ("b", 0.25)]
    assert normalise([("a", 0.0)]) == [("a", 0.0)]
    assert normalise([]) == []
