import pytest

from appliance.core.languages import Language
from appliance.inference.languages import LANGUAGES, is_english, is_supported, recognise

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


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Printer on ward 3 prints blank pages. The toner is new.", "en"),
        ("Seit heute Morgen druckt der Drucker nur noch leere Seiten.", "de"),
        ("Passwort zuruecksetzen, ich koennte sonst nicht arbeiten muessen", "de"),  # no umlauts
        ("L'imprimante n'imprime plus que des pages blanches depuis ce matin.", "fr"),
        ("La impresora solo saca hojas en blanco desde esta mañana.", "es"),
        ("La stampante stampa solo pagine bianche da stamattina.", "it"),
        ("De printer drukt sinds vanochtend alleen lege pagina's af.", "nl"),
        ("Drukarka od rana drukuje tylko puste strony.", "pl"),
        ("A impressora só imprime páginas em branco desde a manhã.", "pt"),
        ("Skrivaren skriver bara ut tomma sidor sedan i morse.", "sv"),
    ],
)
def test_language_of_a_sentence_is_recognised(text, language):
    code, probability = recognise(text, ("en", "de"))
    assert code == language and probability > 0.7


@pytest.mark.parametrize(
    "text",
    ["", "VPN", "SRV-PACS-02 0x8004de80", "10.40.1.7", *OTHERS[6:]],
)
def test_language_of_a_code_or_of_another_script_is_not_recognised(text):
    assert recognise(text, ("en", "de")).code == ""


@pytest.mark.parametrize(
    "text",
    [
        "Printeren på anden sal udskriver kun blanke sider, og vi har skiftet toner i går.",
        "Od rána mi nejde pošta, prosím o pomoc, čakám na dôležitú správu.",
        "Imprimanta nu mai tipărește de azi dimineață, vă rog să ne ajutați.",
    ],
)
def test_text_in_none_of_the_nine_languages_is_not_recognised(text):
    assert recognise(text, ("en", "sv", "pl", "it")).code == ""


def test_product_names_do_not_send_an_english_ticket_abroad():
    text = "Adobe Acrobat Veeam Lumira Fiori\nVPN token Citrix Orbis PACS viewer crash"
    assert recognise(text, ("en", "de")).code in ("en", "")
    assert recognise("Kestrel Lumira Veeam Fiori cannot open", ("en", "de")).code == "en"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The printer on the second floor jams on every page.", True),
        ("VPN drops every few minutes", True),
        ("Der Drucker im zweiten Stock hat ständig Papierstau.", False),
        ("Nie mogę się zalogować", False),
        ("printer", True),
        ("Störung", False),
        ("VPN 809", True),  # nothing but identifiers
        ("", True),
        ("サーバーに接続できません", False),
    ],
)
def test_text_is_english_when_english_is_likeliest(text, expected):
    assert is_english(text) is expected


def test_languages_of_the_desk_are_likelier():
    text = "Passwort vergessen"
    assert recognise(text, ("en", "de")).probability > recognise(text, ("fr",)).probability
    assert recognise(text, ("en", "de")).code == "de"


def test_text_in_two_languages_is_in_neither_unless_it_only_quotes_one():
    german = "Seit heute Morgen kann ich keine Mails mehr senden, bitte dringend um Hilfe."
    english = "The server refused the message because the mailbox of the sender is full today."
    assert recognise(f"{german}\n{english}", ("en", "de")).code == ""
    more = "Gestern ging es noch, und an meinem Rechner hat niemand etwas geändert."
    quoted = "The server refused the message."
    assert recognise(f"{german} {more}\n{quoted}", ("en", "de")).code == "de"


def test_languages_to_recognise_are_those_that_have_names():
    assert list(LANGUAGES) == Language.values
