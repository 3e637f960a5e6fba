"""German is complete: every text of the desk has a translation, and the compiled file is current.

New texts are gathered with ``python3 launcher.py manage makemessages -l de --no-location`` in a
clone with Debian's package gettext; ``compilemessages`` makes the .mo file that Django reads.
"""

import gettext
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

CODE = Path(__file__).resolve().parent.parent
CATALOGUE = CODE / "appliance" / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|<[^>]+>")
needs_gettext = pytest.mark.skipif(
    not (shutil.which("xgettext") and shutil.which("msgfmt")), reason="needs Debian's gettext"
)


def compiled(path: Path) -> dict:
    """Text (or text and number of its plural) → translation, as Django finds them."""
    with path.with_suffix(".mo").open("rb") as stream:
        return gettext.GNUTranslations(stream)._catalog


@pytest.fixture(scope="module")
def german() -> dict:
    return compiled(CATALOGUE)


@needs_gettext
def test_every_text_of_the_desk_has_a_german_one(tmp_path, german):
    from django.core.management import call_command

    copy = tmp_path / "appliance"
    shutil.copytree(CODE / "appliance", copy, ignore=shutil.ignore_patterns("tests", "*.mo"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(settings, "LOCALE_PATHS", [str(copy / "locale")])
        call_command("makemessages", locale=["de"], no_obsolete=True, no_location=True, verbosity=0)
    gathered = copy / "locale" / "de" / "LC_MESSAGES" / "django.po"
    checked = subprocess.run(
        ["msgfmt", "--statistics", "-o", "/dev/null", gathered],
        capture_output=True,
        text=True,
        check=True,
        env={"LANG": "C", "PATH": "/usr/bin:/bin"},
    )
    assert "untranslated" not in checked.stderr and "fuzzy" not in checked.stderr, checked.stderr


@needs_gettext
def test_the_compiled_file_is_made_of_the_catalogue(tmp_path, german):
    fresh = tmp_path / "fresh.mo"
    subprocess.run(["msgfmt", "-o", fresh, CATALOGUE], check=True)
    assert compiled(fresh) == german


def test_no_translation_loses_a_name_or_a_tag(german):
    for source, translated in german.items():
        text = source[0] if isinstance(source, tuple) else source
        if text and not (isinstance(source, tuple) and source[1] == 0):
            assert set(PLACES.findall(text)) <= set(PLACES.findall(translated)), text


@pytest.mark.parametrize("word", ["Anmelden", "Passwort", "Noch kein Konto?"])
def test_a_stranger_is_spoken_to_in_the_language_of_the_browser(db, word):
    page = Client().get("/login/", headers={"accept-language": "de-DE,de;q=0.9"})
    assert word in page.content.decode() and '<html lang="de"' in page.content.decode()


def test_a_person_chooses_the_language(client, bob):
    bob.language = "de"
    bob.save(update_fields=["language"])
    client.force_login(bob)
    page = client.get("/").content.decode()
    assert "Nicht zugewiesen" in page and "Unassigned" not in page


def test_errors_are_told_in_german_too(client, alice):
    with translation.override("de"):
        client.force_login(alice)
        alice.language = "de"
        alice.save(update_fields=["language"])
        page = client.post("/create-ticket/", {"subject": "", "description": ""})
    assert "Bitte korrigieren Sie die markierten Felder" in page.content.decode()
