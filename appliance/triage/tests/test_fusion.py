"""Three signals become one order; pure arithmetic."""

from appliance.triage.fusion import Neighbour, Weights, fuse

NEAR = {"reset": 0.62, "vpn": 0.60}


def order(*args: object, **more: object) -> list[str]:
    return [one.key for one in fuse(*args, **more)]


def neighbours(
    cosine: float, count: int, *, helped: str = "", refused: str = ""
) -> list[Neighbour]:
    sets = frozenset({helped} - {""}), frozenset({refused} - {""})
    return [Neighbour(n, cosine, *sets) for n in range(count)]


def test_nothing_found_is_nothing_suggested():
    assert fuse({}, {}) == []


def test_without_votes_meaning_decides_and_words_part_what_is_close():
    assert order(NEAR, {}) == ["reset", "vpn"]
    assert order(NEAR, {"vpn": 1.0}) == ["vpn", "reset"]
    assert order(NEAR | {"far": 0.2}, {"far": 1.0})[0] == "reset"


def test_words_alone_rank_while_nobody_reads():
    assert order({}, {"vpn": 0.4, "reset": 1.0}) == ["reset", "vpn"]


def test_what_helped_on_near_tickets_comes_first():
    (best, _) = fuse(NEAR, {}, neighbours(0.8, 3, helped="vpn"))
    assert (best.key, best.helped) == ("vpn", (0, 1, 2))


def test_far_tickets_hardly_count():
    assert order(NEAR | {"vpn": 0.5}, {}, neighbours(0.15, 3, helped="vpn"))[0] == "reset"


def test_what_helped_is_offered_though_its_text_is_far():
    assert order(NEAR, {}, neighbours(0.9, 5, helped="unlike"))[0] == "unlike"


def test_a_crowd_that_was_asked_about_other_things_hardly_counts():
    """They lie farther than the article does, and what helped there is nowhere near."""
    assert order(NEAR, {}, neighbours(0.45, 50, helped="unlike"))[0] == "reset"
    assert order(NEAR, {}, neighbours(0.45, 50, helped="vpn"))[0] == "vpn", "meaning agrees"


def test_what_was_refused_on_near_tickets_sinks():
    assert order(NEAR, {}, neighbours(0.8, 5, refused="reset")) == ["vpn", "reset"]


def test_what_was_refused_alone_is_not_offered_for_it():
    assert order(NEAR, {}, neighbours(0.8, 5, refused="other")) == ["reset", "vpn"]


def test_scores_lie_between_nothing_and_one():
    many = neighbours(1.0, 50, helped="vpn") + neighbours(1.0, 50, refused="reset")
    assert [0 <= one.score <= 1 for one in fuse(NEAR, {"vpn": 1.0}, many)] == [True, True]


def test_a_weight_of_nothing_silences_a_signal():
    quiet = Weights(votes=0.0, words=0.0)
    assert order(NEAR, {"vpn": 1.0}, neighbours(0.9, 9, helped="vpn"), quiet)[0] == "reset"
