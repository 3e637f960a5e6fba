"""Rank by similarity, words and neighbours: pure arithmetic."""

from appliance.triage.fusion import Neighbour, Weights, fuse

NEAR = {"reset": 0.62, "vpn": 0.60}


def order(*args: object, **more: object) -> list[str]:
    return [article.key for article in fuse(*args, **more)]


def neighbours(
    cosine: float, count: int, *, helped: str = "", dismissed: str = ""
) -> list[Neighbour]:
    sets = frozenset({helped} - {""}), frozenset({dismissed} - {""})
    return [Neighbour(n, cosine, *sets) for n in range(count)]


def test_no_signal_gives_no_suggestion():
    assert fuse({}, {}) == []


def test_without_neighbours_similarity_decides_and_words_break_ties():
    assert order(NEAR, {}) == ["reset", "vpn"]
    assert order(NEAR, {"vpn": 1.0}) == ["vpn", "reset"]
    assert order(NEAR | {"far": 0.2}, {"far": 1.0})[0] == "reset"


def test_words_alone_rank_without_vectors():
    assert order({}, {"vpn": 0.4, "reset": 1.0}) == ["reset", "vpn"]


def test_article_that_helped_on_near_tickets_comes_first():
    (best, _) = fuse(NEAR, {}, neighbours(0.8, 3, helped="vpn"))
    assert (best.key, best.helped) == ("vpn", (0, 1, 2))


def test_far_tickets_hardly_count():
    assert order(NEAR | {"vpn": 0.5}, {}, neighbours(0.15, 3, helped="vpn"))[0] == "reset"


def test_article_that_helped_is_suggested_though_its_text_is_far():
    assert order(NEAR, {}, neighbours(0.9, 5, helped="unlike"))[0] == "unlike"


def test_neighbours_about_another_subject_hardly_count():
    """They are farther away than the article, and what helped there is not similar."""
    assert order(NEAR, {}, neighbours(0.45, 50, helped="unlike"))[0] == "reset"
    assert order(NEAR, {}, neighbours(0.45, 50, helped="vpn"))[0] == "vpn", "similarity agrees"


def test_article_dismissed_on_near_tickets_ranks_lower():
    assert order(NEAR, {}, neighbours(0.8, 5, dismissed="reset")) == ["vpn", "reset"]


def test_article_only_dismissed_is_not_suggested():
    assert order(NEAR, {}, neighbours(0.8, 5, dismissed="other")) == ["reset", "vpn"]


def test_scores_are_between_0_and_1():
    many = neighbours(1.0, 50, helped="vpn") + neighbours(1.0, 50, dismissed="reset")
    assert [0 <= article.score <= 1 for article in fuse(NEAR, {"vpn": 1.0}, many)] == [True, True]


def test_weight_of_zero_switches_a_signal_off():
    weights = Weights(votes=0.0, words=0.0)
    assert order(NEAR, {"vpn": 1.0}, neighbours(0.9, 9, helped="vpn"), weights)[0] == "reset"
