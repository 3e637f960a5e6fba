import pytest

from appliance.inference.languages import is_supported

ENGLISH = [
    "Printer on ward 3 prints blank pages. The toner is new.",
    "Kestrel closes with 0x8004de80",
    "VPN",
    "Drucker defekt",  # too short to tell
    "error -1073741819 10.1.40.7",
    "",
]
OTHERS = [
    "Der Drucker druckt nur leere Seiten und ich bin sehr verärgert!",
    "Das ist eine Frechheit!",
    "Le courrier ne part plus depuis ce matin, c'est inadmissible",
    "No me funciona el correo desde ayer por la tarde",
    "Drukarka nie drukuje od rana, proszę o pomoc",
    "الطابعة لا تعمل منذ الصباح",
    "چاپگر کار نمی‌کند",
    "打印机坏了",
    "Принтер печатает пустые страницы",
    "ამობეჭდვა არ მუშაობს",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_and_short_texts_may_be_english(text):
    assert is_supported(text, ("en",))


@pytest.mark.parametrize("text", OTHERS)
def test_text_in_another_language_is_not_supported(text):
    assert not is_supported(text, ("en",))


def test_languages_of_a_bundle_are_supported():
    assert is_supported(OTHERS[0], ("en", "de"))
    assert not is_supported(OTHERS[2], ("en", "de"))
    assert is_supported(OTHERS[5], ("ar", "en"))
