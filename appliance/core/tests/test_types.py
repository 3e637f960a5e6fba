import pytest

from appliance.core.types import read_number


def test_digits_are_a_number():
    assert read_number("1042") == 1042
    assert read_number("0") == 0


@pytest.mark.parametrize(
    "text", ["", " 7", "7 ", "-7", "+7", "1.5", "1e3", "1_000", "٣", "²", "7\0"]
)
def test_anything_but_ascii_digits_is_none(text):
    assert read_number(text) is None


def test_a_number_no_row_can_have_is_none():
    assert read_number("9" * 18) == 10**18 - 1
    assert read_number("9" * 19) is None
    assert read_number("1234567890", digits=9) is None
