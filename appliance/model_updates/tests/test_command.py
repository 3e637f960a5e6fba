"""scripts/update_models.py and the management command behind it."""

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from appliance.inference.bundle import find_active
from appliance.model_updates import services
from appliance.model_updates.errors import UNDECIDED
from appliance.model_updates.tests.conftest import PASSPHRASE
from scripts.updating import publishing
from scripts.updating.keys import PublishingError

CODE = Path(__file__).resolve().parents[3]


@pytest.fixture
def command(capfd) -> Iterator[Callable[..., tuple[str, str]]]:
    """Run the command; return its output and its errors."""
    level = logging.getLogger().level

    def run(*arguments: object, code: int = 0) -> tuple[str, str]:
        with pytest.raises(SystemExit) as end:
            call_command("update_models", *map(str, arguments))
        output = capfd.readouterr()
        assert end.value.code == code, output
        return output.out, output.err

    yield run
    logging.getLogger().setLevel(level)


def test_documented_pack_finds_a_bundle_below_models(publisher, tmp_path):
    """The command of docs/operating.md, with a folder that exists."""
    medium = tmp_path / "medium"
    program = [sys.executable, CODE / "scripts" / "update_models.py", "pack"]
    ref = find_active(publishing.MODELS, "sentiment").ref
    bundle = f"{ref.name}/{ref.version}"
    options = ["--home", publisher.home, "--bundle", bundle, "--out", medium]
    result = subprocess.run(
        [*program, *options],
        cwd=tmp_path,
        env=os.environ | {"SKERRY_KEY_PASSPHRASE": PASSPHRASE},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "signed." in result.stdout
    assert [*medium.glob("targets/**/*bundle.json")]


def test_bundle_that_is_nowhere_is_refused_with_both_places(tmp_path):
    with pytest.raises(PublishingError) as error:
        publishing.find_bundle(Path("classifier/99"))
    assert "classifier/99 or " in str(error.value)
    assert str(publishing.MODELS / "classifier/99") in str(error.value)


def test_status_says_which_bundles_work(installation, command):
    output, _ = command("status")
    lines = [line.split() for line in output.splitlines()[:3]]
    assert [(line[0], line[3]) for line in lines] == [
        ("classifier", "ready"),
        ("sentiment", "ready"),
        ("encoder", "ready"),
    ]


def test_status_says_why_a_bundle_does_not_work(installation, command, settings, tmp_path):
    settings.MODELS = tmp_path / "nothing"
    output, _ = command("status")
    assert "ready" not in output
    assert "active.json is not there" in output


def test_output_of_apply_has_no_line_of_the_log(
    trusted_publisher, publisher, bundle, command, monkeypatch
):
    carry_out, log = services.carry_out, io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)

    def log_and_carry_out(*arguments):
        logging.getLogger("appliance").warning("a line of the log")
        return carry_out(*arguments)

    monkeypatch.setattr(services, "carry_out", log_and_carry_out)
    output, errors = command("apply", publisher.pack(bundle()), code=UNDECIDED)
    logging.getLogger().removeHandler(handler)
    assert output.startswith("preflight")
    assert (errors, log.getvalue()) == ("", "")
