"""Secrets in the database are unreadable without SECRET_KEY."""

from appliance.core import encryption


def test_secret_is_encrypted_and_read_back():
    token = encryption.encrypt("päss word")
    assert "päss" not in token
    assert encryption.decrypt(token) == "päss word"


def test_same_secret_is_encrypted_differently_each_time():
    assert encryption.encrypt("secret") != encryption.encrypt("secret")


def test_empty_secret_stays_empty():
    assert encryption.encrypt("") == encryption.decrypt("") == ""


def test_secret_of_another_key_is_missing(settings):
    token = encryption.encrypt("secret")
    settings.SECRET_KEY = "another key of at least fifty characters, for this test"
    assert encryption.decrypt(token) == ""


def test_changed_token_is_refused():
    token = encryption.encrypt("secret")
    assert encryption.decrypt(token[:-4] + "AAA=") == ""


def test_field_encrypts_on_the_way_to_the_database():
    field = encryption.EncryptedTextField()
    stored = field.get_prep_value("secret")
    assert stored != "secret"
    assert field.from_db_value(stored) == "secret"
