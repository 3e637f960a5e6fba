import pytest
from django.core.exceptions import ImproperlyConfigured

from appliance import env


def test_file_holds_the_secret(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("deep\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "key"))
    assert env.text("SECRET_KEY") == "deep"


def test_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE names .*gone"):
        env.text("SECRET_KEY")


@pytest.mark.parametrize("value", ["maybe", "2", "tru"])
def test_flag_is_true_or_false(monkeypatch, value):
    monkeypatch.setenv("DEBUG", value)
    with pytest.raises(ImproperlyConfigured, match="DEBUG must be true or false"):
        env.flag("DEBUG", False)


@pytest.mark.parametrize("value", ["80a", "-1", "1.5", "²"])
def test_number_is_whole(monkeypatch, value):
    monkeypatch.setenv("SKERRY_PORT", value)
    with pytest.raises(ImproperlyConfigured, match="SKERRY_PORT must be a whole number"):
        env.number("SKERRY_PORT", 8000)


def test_words_drop_empty_entries(monkeypatch):
    monkeypatch.setenv("SKERRY_HOSTS", "a, ,b,")
    assert env.words("SKERRY_HOSTS") == ["a", "b"]
