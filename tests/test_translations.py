"""The German catalogue is complete and its compiled file is current.

Collect new texts with ``python3 launcher.py manage makemessages -l de --no-location`` in a
clone with Debian's package gettext; ``compilemessages`` writes the .mo file that Django reads.
"""

import ast
import gettext
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext as _

CODE = Path(__file__).resolve().parent.parent
CATALOGUE = CODE / "appliance" / "locale" / "de" / "LC_MESSAGES" / "django.po"
TRANSLATORS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext", "npgettext"}
PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|<[^>]+>")
# Words that stand on a button and elsewhere, and mean the same: answers, and verbs throughout.
SAME_ON_BUTTONS = {
    *("Yes", "No", "Good", "Bad", "Newest", "Next", "Previous", "Outbox", "Preview", "Calls"),
    *("Close", "Deactivate", "Edit", "Remove", "Undo"),
}
TEMPLATE_TEXT = re.compile(
    r"""\{% translate (["'])(?P<text>[^"']+)\1(?: context ["'](?P<context>\w+)["'])?"""
)
PYTHON_TEXT = re.compile(
    r"""(?P<button>button=)?\b(?:_|gettext|gettext_lazy)\(\s*"(?P<text>[^"]+)"\s*\)"""
)
ELEMENT = re.compile(r"<(/?)(a|button|h1|h2|label|p|span|summary|td|th)\b((?:[^>%]|%[^}]|%})*?)>")
needs_gettext = pytest.mark.skipif(
    not (shutil.which("xgettext") and shutil.which("msgfmt")), reason="needs Debian's gettext"
)


def read_catalogue(path: Path) -> dict:
    """Return the translation of each text, or of each text and plural number."""
    with path.with_suffix(".mo").open("rb") as stream:
        return gettext.GNUTranslations(stream)._catalog


def collect_kinds() -> dict[str, set[str]]:
    """Return where each one-word text without a context stands: on a button, as a label."""
    kinds: dict[str, set[str]] = {}
    for path in (CODE / "appliance").rglob("*.html"):
        source = path.read_text()
        for match in TEMPLATE_TEXT.finditer(source):
            if not match["context"]:
                kind = "button" if is_on_button(source[: match.start()]) else "label"
                kinds.setdefault(match["text"], set()).add(kind)
    for path in (CODE / "appliance").rglob("*.py"):
        for match in PYTHON_TEXT.finditer(path.read_text()):
            kinds.setdefault(match["text"], set()).add("button" if match["button"] else "label")
    return {text: used_as for text, used_as in kinds.items() if " " not in text}


def is_on_button(source: str) -> bool:
    """Return whether an element that is open at the end of ``source`` is a button."""
    elements: list[tuple[str, str]] = []
    for is_closing, name, attributes in ELEMENT.findall(source):
        if not is_closing:
            elements.append((name, attributes))
        elif name in [element[0] for element in elements]:
            while elements.pop()[0] != name:
                pass
    return any(name == "button" or (name == "a" and "btn" in text) for name, text in elements)


@pytest.fixture(scope="module")
def german_texts() -> dict:
    return read_catalogue(CATALOGUE)


@needs_gettext
def test_every_text_is_translated_into_german(tmp_path, german_texts):
    from django.core.management import call_command

    copy = tmp_path / "appliance"
    shutil.copytree(CODE / "appliance", copy, ignore=shutil.ignore_patterns("tests", "*.mo"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(settings, "LOCALE_PATHS", [str(copy / "locale")])
        call_command("makemessages", locale=["de"], no_obsolete=True, no_location=True, verbosity=0)
    updated = copy / "locale" / "de" / "LC_MESSAGES" / "django.po"
    result = subprocess.run(
        ["msgfmt", "--statistics", "-o", "/dev/null", updated],
        capture_output=True,
        text=True,
        check=True,
        env={"LANG": "C", "PATH": "/usr/bin:/bin"},
    )
    assert "untranslated" not in result.stderr and "fuzzy" not in result.stderr, result.stderr


def test_no_text_is_marked_inside_an_f_string():
    """Check that xgettext sees every text: it does not look into the braces of f-strings."""
    wrong = [
        f"{path.relative_to(CODE)}:{call.lineno}"
        for path in (CODE / "appliance").rglob("*.py")
        for string in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in TRANSLATORS
    ]
    assert wrong == []


@needs_gettext
def test_compiled_catalogue_is_current(tmp_path, german_texts):
    compiled = tmp_path / "compiled.mo"
    subprocess.run(["msgfmt", "-o", compiled, CATALOGUE], check=True)
    assert read_catalogue(compiled) == german_texts


def test_translations_keep_placeholders_and_tags(german_texts):
    for source, translated in german_texts.items():
        text = source[0] if isinstance(source, tuple) else source
        if text and not (isinstance(source, tuple) and source[1] == 0):
            assert set(PLACEHOLDERS.findall(text)) <= set(PLACEHOLDERS.findall(translated)), text


@pytest.mark.parametrize("word", ["Anmelden", "Passwort", "Noch kein Konto?"])
def test_public_page_uses_the_language_of_the_browser(db, word):
    page = Client().get("/login/", headers={"accept-language": "de-DE,de;q=0.9"})
    assert word in page.content.decode() and '<html lang="de"' in page.content.decode()


def test_word_on_a_button_is_no_label_without_a_context():
    """Check that a verb and a noun or adjective that are one word in English can differ."""
    kinds = collect_kinds()
    both = {word for word, used_as in kinds.items() if used_as == {"button", "label"}}
    assert both - SAME_ON_BUTTONS == set()


@pytest.mark.parametrize(
    ("word", "context", "german"),
    [
        ("Open", None, "Offen"),
        ("Open", "verb", "Öffnen"),
        ("Search", None, "Suche"),
        ("Search", "verb", "Suchen"),
        ("Link", None, "Link"),
        ("Link", "verb", "Verknüpfen"),
        ("Archive", "verb", "Archivieren"),
        ("Register", None, "Registrierung"),
        ("Register", "verb", "Registrieren"),
        ("status", None, "Status"),
        ("status", "changed the", "den Status"),
    ],
)
def test_german_word_fits_its_use(word, context, german):
    with translation.override("de"):
        assert (translation.pgettext(context, word) if context else _(word)) == german


def test_templates_write_dates_in_a_localised_format():
    """Check that no date has a format of its own; "c" is for machines, "D" a day of the week."""
    formats = {
        name
        for path in (CODE / "appliance").rglob("*.html")
        for name in re.findall(r"""\|date:["']([^"']+)""", path.read_text())
    }
    assert {name for name in formats if not name.endswith("_FORMAT")} <= {"c", "D", "H:i"}


def test_user_language_is_used(client, bob):
    bob.language = "de"
    bob.save(update_fields=["language"])
    client.force_login(bob)
    page = client.get("/").content.decode()
    assert "Nicht zugewiesen" in page and "Unassigned" not in page


def test_form_errors_are_in_german(client, alice):
    with translation.override("de"):
        client.force_login(alice)
        alice.language = "de"
        alice.save(update_fields=["language"])
        page = client.post("/create-ticket/", {"subject": "", "description": ""})
    assert "Bitte korrigieren Sie die markierten Felder" in page.content.decode()
