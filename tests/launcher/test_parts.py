"""Parts of the launcher that can be tested without a running desk."""

import ast
import json
import os
import pwd
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.launcher import acl, datadir, doctor, subprocesses
from appliance.launcher.files import write_private
from appliance.launcher.layout import MAX_SOCKET_PATH_BYTES, Installation, ensure_usable_paths
from appliance.launcher.supervision import PROGRAM_CONFIG
from appliance.launcher.supervisor_client import Supervisor
from appliance.launcher.terminal import LauncherError
from tests.launcher.conftest import CODE, alive, wait_for

LAUNCHER = CODE / "appliance" / "launcher"


def read_by_env() -> set[str]:
    """Return the names of the variables that are read through appliance/env.py."""
    call = re.compile(r"\benv\.(?:text|flag|number|words|url|networks)\(\s*\"([A-Z_]+)\"")
    names = set()
    for path in (CODE / "appliance").rglob("*.py"):
        if "tests" not in path.parts:
            names |= set(call.findall(path.read_text()))
    return names


def test_launcher_imports_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "appliance"}
    # supervisord.py runs in the environment, everything else also before there is one
    paths = [path for path in LAUNCHER.glob("*.py") if path.name != "supervisord.py"]
    for path in [*paths, CODE / "launcher.py", CODE / "appliance" / "__init__.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.partition(".")[0] in allowed, f"{path.name} imports {name}"
                assert not name.startswith("appliance.") or name.startswith("appliance.launcher")


def test_documented_variables_are_those_that_are_read() -> None:
    text = (CODE / "docs" / "operating.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE))
    assert documented == read_by_env() | {
        "SKERRY_ROLE",
        "SKERRY_DATA",
        "SKERRY_BIND",
        "SKERRY_TLS_CERT",
        "SKERRY_TLS_KEY",
    }


def test_every_variable_is_passed_to_the_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in read_by_env():
        monkeypatch.setenv(name, "x")
    installation = Installation(code=CODE, data=tmp_path)
    owner_variables = {"DATABASE_OWNER_URL", "DATABASE_OWNER_PASSWORD"}
    assert read_by_env() <= set(subprocesses.environment(installation, as_owner=True))
    variables = set(subprocesses.environment(installation))
    assert read_by_env() - owner_variables <= variables
    assert not owner_variables & variables


def test_only_commands_that_change_the_schema_get_the_owners_role(tmp_path: Path) -> None:
    installation = Installation(code=CODE, data=tmp_path)
    assert "DATABASE_OWNER_URL_FILE" in subprocesses.environment(installation, as_owner=True)
    assert "DATABASE_OWNER_URL_FILE" not in subprocesses.environment(installation)


def test_every_option_and_command_is_documented() -> None:
    help_text = subprocess.run(
        [sys.executable, str(CODE / "launcher.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    documented = (CODE / "docs" / "operating.md").read_text()
    for word in {
        *re.findall(r"--[a-z]+", help_text),
        *re.findall(r"^    (\w+)  ", help_text, re.M),
    }:
        assert word in documented, word


def test_other_variables_of_the_shell_are_not_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "x")
    variables = subprocesses.environment(Installation(code=CODE, data=tmp_path))
    assert "x" not in variables.values()


def test_test_runs_never_use_the_servers_of_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://the-site")
    installation = Installation(code=CODE, data=tmp_path, testing=True)
    assert installation.has_own_database
    assert "DATABASE_URL" not in subprocesses.environment(installation)


def test_socket_addresses_fit_whatever_the_data_directory() -> None:
    for length in range(1, 300, 7):
        installation = Installation(code=CODE, data=Path("/" + "d" * length))
        for name in (".s.PGSQL.5432", "valkey.sock", "supervisor.sock.4194304"):
            assert len(str(installation.sockets / name)) <= MAX_SOCKET_PATH_BYTES


def test_sockets_of_an_unusable_path_are_in_tmp() -> None:
    assert Installation(code=CODE, data=Path("/srv/desk")).sockets == Path("/srv/desk/run")
    for name in ("a,b", "a b", "100%", "ü", 'a"b', "a'b", "a:b"):
        assert Installation(code=CODE, data=Path("/srv") / name).sockets.parent == Path("/tmp")


def test_printed_commands_can_be_copied_into_a_shell() -> None:
    odd = Installation(code=Path("/opt/a b"), data=Path("/srv/it's"), port=8137, bind="::1")
    options = ["--data", "/srv/it's", "--bind", "::1", "--port", "8137"]
    launcher = ["python3", "/opt/a b/launcher.py"]
    assert shlex.split(odd.command()) == [*launcher, *options]
    assert shlex.split(odd.command("stop")) == [*launcher, *options[:2], "stop"]
    plain = Installation(code=Path("/opt/skerry"), data=Path("/opt/skerry/var"))
    assert plain.command() == "python3 /opt/skerry/launcher.py"
    worker = Installation(code=plain.code, data=plain.data, role="worker")
    assert worker.command() == "python3 /opt/skerry/launcher.py --role worker"


@pytest.mark.parametrize("name", ["a ; b", "a #b", "a\nb"])
def test_paths_that_supervisord_misreads_are_refused(name: str) -> None:
    with pytest.raises(LauncherError, match="rename it"):
        ensure_usable_paths(Installation(code=CODE, data=Path("/srv") / name))


def test_private_file_is_replaced_atomically(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", "one")
    write_private(tmp_path / "secret", "two")
    assert (tmp_path / "secret").read_text() == "two"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_command_ends_when_its_parent_dies(tmp_path: Path) -> None:
    tied_command = [sys.executable, "-I", "-S", str(LAUNCHER / "parent_death_signal.py"), "TERM"]
    pid_file = tmp_path / "pid"
    script = f"echo $$ > {pid_file}; exec sleep 60"
    code = f"import subprocess; subprocess.run({[*tied_command, '/bin/sh', '-c', script]!r})"
    parent = subprocess.Popen([sys.executable, "-c", code])
    wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
    child = int(pid_file.read_text())
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive(child), 5)


def test_traverse_permission_is_granted_to_one_user_only(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    try:
        acl.grant_traverse(closed, 54321)
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")
    acl.grant_traverse(closed, 54322)
    acl.grant_traverse(closed, 54321)
    entries = acl.read(closed)
    assert entries == [
        (acl.OWNER, 7, acl.NO_ID),
        (acl.USER, 1, 54321),
        (acl.USER, 1, 54322),
        (acl.GROUP_OWNER, 0, acl.NO_ID),
        (acl.MASK, 1, acl.NO_ID),
        (acl.OTHER, 0, acl.NO_ID),
    ]


def test_traverse_permission_is_taken_back_completely(tmp_path: Path) -> None:
    closed = tmp_path / "closed; a 'folder'"
    closed.mkdir()
    closed.chmod(0o750)
    before = acl.read(closed)
    user = pwd.getpwuid(os.geteuid())
    try:
        acl.grant_traverse(closed, user.pw_uid)
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")
    assert acl.read(closed) != before
    command = [sys.executable, str(LAUNCHER / "acl.py"), user.pw_name, str(closed)]
    subprocess.run(command, check=True)
    assert acl.read(closed) == before
    assert acl.ATTRIBUTE not in os.listxattr(closed)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o750


def test_wider_mask_gives_other_users_no_permission() -> None:
    masked = [(acl.USER, 7, 5), (acl.GROUP_OWNER, 5, 0), (acl.MASK, 4, 0)]
    assert acl._with_mask_for_execute(masked) == [
        (acl.USER, 4, 5),
        (acl.GROUP_OWNER, 4, 0),
        (acl.MASK, 5, acl.NO_ID),
    ]


def test_client_reports_a_missing_supervisor_as_not_ready(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "nothing.sock", "Basic x")
    assert not supervisor.is_ready()
    assert supervisor.processes() == {}


def test_log_that_cannot_be_written_loses_lines_only(tmp_path: Path) -> None:
    code = """
import sys
from supervisor import loggers
from appliance.launcher.supervisord import LogFile
log = LogFile(sys.argv[1], maxBytes=10, backupCount=2)
for text in (b"one\\n", b"two\\n", b"a long line\\n", b"last\\n"):
    log.emit(loggers.LogRecord(loggers.LevelsByName.INFO, text))
"""
    python = str(Installation(code=CODE, data=tmp_path).python)

    def write(path: Path) -> None:
        subprocess.run([python, "-c", code, str(path)], cwd=CODE, check=True)

    write(tmp_path / "missing" / "log")
    write(Path("/dev/full"))
    write(tmp_path / "log")
    assert (tmp_path / "log").read_text() == "last\n"
    assert (tmp_path / "log.1").read_text() == "one\ntwo\na long line\n"


def test_supervised_programs_restart_and_rotate_their_logs() -> None:
    assert "autorestart=true" in PROGRAM_CONFIG
    assert "stdout_logfile_maxbytes=10MB" in PROGRAM_CONFIG


def test_clock_behind_the_data_is_reported(tmp_path: Path) -> None:
    installation = Installation(code=CODE, data=tmp_path)
    assert datadir.clock_warning(installation) is None
    control_file = tmp_path / "postgres" / "global" / "pg_control"
    control_file.parent.mkdir(parents=True)
    control_file.touch()
    assert datadir.clock_warning(installation) is None
    os.utime(control_file, (0, time.time() + 86400))
    assert "set the clock" in str(datadir.clock_warning(installation))
    assert [finding.level for finding in doctor._clock(installation)] == ["warn"]


def test_doctor_without_models_names_the_remedy(tmp_path: Path) -> None:
    findings = list(doctor._models(Installation(code=tmp_path, data=tmp_path)))
    assert [finding.level for finding in findings] == ["warn"]
    assert "put the models folder of the release there" in findings[0].text


def test_doctor_names_a_changed_model_file(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "sentiment" / "1"
    folder.mkdir(parents=True)
    (tmp_path / "models" / "active.json").write_text('{"sentiment": "sentiment/1"}')
    (folder / "model.onnx").write_bytes(b"flipped")
    (folder / "bundle.json").write_text(json.dumps({"files": {"model.onnx": "0" * 64}}))
    (finding,) = doctor._models(Installation(code=tmp_path, data=tmp_path))
    assert finding.level == "warn"
    assert "model.onnx is not the released file" in finding.text


def test_functions_and_files_of_the_launcher_are_short() -> None:
    for path in [*LAUNCHER.glob("*.py"), CODE / "launcher.py"]:
        text = path.read_text()
        assert len(text.splitlines()) < 400, path.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 50, f"{path.name}: {node.name}"


def test_command_receives_other_signals_as_usual() -> None:
    """The script only registers the signal with the kernel."""
    tied_command = [sys.executable, "-I", "-S", str(LAUNCHER / "parent_death_signal.py"), "TERM"]
    process = subprocess.Popen([*tied_command, "/bin/sleep", "60"])
    wait_for(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(5) == -signal.SIGINT


def test_command_started_in_the_background_handles_its_stop_signal() -> None:
    """A shell starts "launcher.py &" with SIGINT ignored, which children inherit."""
    tied_command = [
        sys.executable,
        "-I",
        "-S",
        str(LAUNCHER / "parent_death_signal.py"),
        "INT",
        "/bin/sleep",
        "60",
    ]
    program = tied_command[0]
    code = "import signal, os; signal.signal(2, signal.SIG_IGN); "
    code += f"os.execv({program!r}, {tied_command})"
    process = subprocess.Popen([sys.executable, "-c", code])
    wait_for(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == -signal.SIGINT
