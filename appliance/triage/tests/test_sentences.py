"""Sentences end where people end them, and what belongs to one person is not offered."""

import pytest

from appliance.triage.sentences import Sentence, is_offerable, key, split


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Open it, e.g. Firefox. Then wait!", ["Open it, e.g. Firefox.", "Then wait!"]),
        ("Ask Dr. Weber. He knows.", ["Ask Dr. Weber.", "He knows."]),
        ("Nehmen Sie z. B. Word. Das geht.", ["Nehmen Sie z. B. Word.", "Das geht."]),
        ("Ab dem 3. Mai läuft es. Gut.", ["Ab dem 3. Mai läuft es.", "Gut."]),
        ("Use version 3. Then restart.", ["Use version 3.", "Then restart."]),
        ("Voir p. ex. Word. Cliquez ici.", ["Voir p. ex. Word.", "Cliquez ici."]),
        ("Reinicie el Sr. Pérez. ¿Funciona?", ["Reinicie el Sr. Pérez.", "¿Funciona?"]),
        ("Gebruik bijv. Word. Klik dan.", ["Gebruik bijv. Word.", "Klik dan."]),
        ("Wejdź o godz. 8 rano. Kliknij.", ["Wejdź o godz. 8 rano.", "Kliknij."]),
        ("Använd t.ex. Word. Klicka sedan.", ["Använd t.ex. Word.", "Klicka sedan."]),
        ("It costs 3.5 MB. See https://a.example/b.c now.", None),
        ("1. Open the menu. 2. Click Save.", ["Open the menu.", "2. Click Save."]),
    ],
)
def test_sentences_end_at_a_full_stop_that_is_no_abbreviation(text, expected):
    assert texts(text) == (expected or ["It costs 3.5 MB.", "See https://a.example/b.c now."])


def test_items_of_a_list_and_wrapped_lines_are_sentences():
    text = "Please do this:\n\n- Open the **settings**\n2) Click on the\n  green button\n\nDone."
    assert texts(text) == [
        "Please do this:",
        "Open the **settings**",
        "Click on the green button",
        "Done.",
    ]
    assert [sentence.is_step for sentence in split(text)] == [False, True, True, False]


def test_quotations_code_and_signature_are_left_out():
    text = (
        "> My secret is out.\n\nHold both keys.\n\n```\nrm -r x\n```\n\nThen wait.\n-- \nBob Test"
    )
    assert texts(text) == ["Hold both keys.", "Then wait."]


def offerable(text: str, names: set[str] = frozenset()) -> bool:
    return is_offerable(Sentence(text, 0), names)


@pytest.mark.parametrize(
    "text",
    [
        "Open Settings > Mail and clear the cache.",
        "Hold both keys for ten seconds, then update.",
        "Leeren Sie den Zwischenspeicher und starten Sie den Rechner neu.",
        "Videz le cache et redémarrez l'ordinateur.",
        "Set the encoding to UTF-8 in the third tab.",
        "Change your password at the next log-in screen.",
    ],
)
def test_steps_are_offered(text):
    assert offerable(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello Paula and welcome to the desk.",
        "Thank you very much for your patience.",
        "Please let us know whether this helps you.",
        "Sehr geehrte Damen und Herren der Station drei,",
        "Bei weiteren Fragen melden Sie sich bitte bei uns.",
        "N'hésitez pas à nous écrire de nouveau.",
        "Mit freundlichen Grüßen aus der IT Abteilung",
        "Does the printer show an error on its display?",
        "Too short.",
    ],
)
def test_greetings_thanks_closings_and_questions_are_not_offered(text):
    assert not offerable(text)


@pytest.mark.parametrize(
    "text",
    [
        "Write to paula.meier@example.org and ask for access.",
        "Call the hotline at +49 30 1234567 after eight.",
        "We answered this in SKR-1042 a week ago already.",
        "Your computer now has the address 10.20.30.40 again.",
        "The new password is Summer2026! for both systems.",
        "Ihr neues Passwort lautet Sommer2026! ab sofort heute.",
        "Your card with number 4711 0815 3322 is unlocked again.",
        "The laptop with serial PF3XK92L has a new battery.",
        "I have asked Mrs. Meier to unlock the account today.",
        "Frau Meier hat das Konto heute wieder freigeschaltet.",
        "The maker looks at that printer on Tuesday.",
        "Die neue Maus liegt morgen an der Pforte bereit.",
        "The credit of 18,402.60 is in the ledger now.",
        "I will unlock it for you at 16:30 sharp.",
        r"Copy it from \\server01\users to your own folder.",
        "Follow https://desk.example/join?token=abc to join the room.",
        "See /tickets/77/ where we explained the whole procedure.",
    ],
)
def test_what_belongs_to_one_person_is_not_offered(text):
    assert not offerable(text)


def test_names_of_people_are_not_offered():
    text = "The account of Carol works again after the reset."
    assert offerable(text)
    assert not offerable(text, {"Carol"})
    assert offerable("Sing a carol while the computer restarts.", {"Carol"})


def test_sentences_that_differ_in_signs_only_are_the_same():
    assert key("Open **Settings**, then wait!") == key("open settings then  wait")
    assert key("Open settings") != key("Close settings")
