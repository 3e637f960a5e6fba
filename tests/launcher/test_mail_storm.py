"""E-mails arrive while the worker, the database and the mail server are killed.

The long version, with Postfix: ``.venv/bin/python -m tests.mail.storm --messages 1000``.
"""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.launcher.conftest import Desk
from tests.mail.storm import run_storm, running_site

pytestmark = pytest.mark.slow


def test_no_email_is_lost_or_doubled_or_answered_to_a_robot(first_start: Desk) -> None:
    base = Path(tempfile.mkdtemp(prefix="storm-", dir="/tmp"))  # Dovecot's sockets: short paths
    try:
        with running_site(base, ["desk"], None) as site:
            shutil.copytree(first_start.data, base / "desk")
            desk = site.add_desk("desk")
            result = run_storm(site, desk, 60, 3)
            assert result.is_good, str(result)
            assert result.accepted.total() == 60 and result.kills.total() == 3
            assert result.answers >= 30  # people were answered
    finally:
        shutil.rmtree(base, ignore_errors=True)
