"""English texts and texts in other languages go through two models into one vector space."""

import json

import numpy as np
import pytest

from appliance.inference.bundle import (
    ENGLISH_MODEL,
    ENGLISH_TOKENIZER,
    BundleRefusedError,
    describe,
)
from appliance.inference.engine import Engine
from appliance.inference.tests.samples import TEXTS, replace, update_digests

ENGLISH = "I cannot sign in any more, my password has expired."
TRANSLATIONS = {
    "de": "Ich kann mich nicht mehr anmelden, mein Passwort ist abgelaufen.",
    "fr": "Je n'arrive plus à me connecter, mon mot de passe a expiré.",
    "es": "Ya no puedo iniciar sesión, mi contraseña ha caducado.",
    "it": "Non riesco più ad accedere, la mia password è scaduta.",
    "nl": "Ik kan niet meer inloggen, mijn wachtwoord is verlopen.",
    "pl": "Nie mogę się już zalogować, moje hasło wygasło.",
    "pt": "Já não consigo iniciar sessão, a minha palavra-passe expirou.",
    "sv": "Jag kan inte logga in längre, mitt lösenord har gått ut.",
}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_translation_is_near_its_english_original(engine, language):
    vector = engine.embed(TRANSLATIONS[language])

    assert vector @ engine.embed(ENGLISH) > vector @ engine.embed(TEXTS[1]) + 0.3


def test_only_english_texts_go_through_the_english_model(models, folder, engine):
    def remove(names):
        return names - {ENGLISH_MODEL, ENGLISH_TOKENIZER}

    update_digests(folder("encoder"), remove)
    golden = folder("encoder") / "golden.json"
    content = json.loads(golden.read_text())
    content["cases"] = [case for case in content["cases"] if "ę" in case["text"]] * 4
    replace(golden, json.dumps(content).encode())
    update_digests(folder("encoder"), remove)
    other = Engine(models, threads=1)

    assert np.array_equal(other.embed(TRANSLATIONS["de"]), engine.embed(TRANSLATIONS["de"]))
    assert not np.allclose(other.embed(ENGLISH), engine.embed(ENGLISH), atol=0.01)


def test_english_model_without_its_tokenizer_is_refused(folder):
    update_digests(folder("encoder"), lambda names: names - {ENGLISH_TOKENIZER})

    with pytest.raises(BundleRefusedError, match=r"english\.onnx and english_tokenizer\.json"):
        describe(folder("encoder"), "encoder")


def test_truncated_english_model_is_refused_by_name(models, folder):
    path = folder("encoder") / ENGLISH_MODEL
    replace(path, path.read_bytes()[:1000])
    update_digests(folder("encoder"))

    with pytest.raises(BundleRefusedError, match=r"english\.onnx cannot be opened"):
        Engine(models).embed(ENGLISH)
