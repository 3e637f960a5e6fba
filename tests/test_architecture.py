"""Rooms have the agreed files, imports point one way, and some things are in no file at all."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from appliance.core.cache import VALUE_LABELS

CODE = Path(__file__).resolve().parent.parent
SOURCES = [
    path
    for path in [
        CODE / "launcher.py",
        *(CODE / "appliance").rglob("*.py"),
        *(CODE / "scripts").rglob("*.py"),
    ]
    if "tests" not in path.relative_to(CODE).parts
]

# A room may import the rooms on the lines below its own, and itself.
# Articles belong to the ticket categories, the only import within one layer.
LAYERS = """
urls wsgi settings
ops
manage
web
mail
directory
reports
notifications
macros routing
sla
model_updates
search
triage
knowledge tickets inference
files
accounts
core
env
egress_guard disks site_url
"""
SAME_LAYER = {("knowledge", "tickets")}
# `doctor` checks the digests of the bundles, and the launcher installs the egress guard.
LAUNCHER_IMPORTS = {"inference", "egress_guard", "disks", "site_url"}
# core has settings of the site, but no verbs of its own beside the audit log
EXCEPTIONS = {"core": ("services",), "web": ("models",)}  # web has functions of the database only
FILES = {"env", "egress_guard", "disks", "site_url"}  # rooms of one file
# Who may connect to a server that an administrator has entered in the settings.
CONNECTING_MODULES: set[str] = {
    "accounts/openid_connect.py",
    "directory/connection.py",
    "mail/imap.py",
    "notifications/smtp.py",
}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"torch.load", "yaml.load", "eval", "exec"}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "manager.py"}
# Whoever writes these may take access to tickets away, which publish_lost_access has to follow.
ACCESS_FIELDS = {"role", "is_active", "is_closed"}
# the role of a bundle and of a group, active categories, fields and policies, teams of a group
SAME_NAMES_OF_OTHER_MODELS = {
    "directory/planning.py",
    "directory/services/directories.py",
    "model_updates/services/activation.py",
    "tickets/services/categories.py",
    "tickets/services/custom_fields.py",
    "sla/services/policies.py",
}


def height(room: str) -> int:
    """How high a room lies; the entrance is highest."""
    layers = [line.split() for line in LAYERS.strip().splitlines()]
    return next(len(layers) - n for n, layer in enumerate(layers) if room in layer)


def room_of(path: Path) -> str:
    """The room a file lies in; a file that lies in none is a room of its own."""
    parts = path.relative_to(CODE).with_suffix("").parts
    return parts[1] if parts[0] == "appliance" and len(parts) > 1 else parts[0]


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in the file; ``from a import b`` gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written whole"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def imported_rooms(path: Path) -> set[str]:
    rooms = {name.split(".")[1] for name in imports(path) if name.startswith("appliance.")}
    return {room for room in rooms if (CODE / "appliance" / room).is_dir() or room in FILES}


def calls(path: Path) -> Iterator[str]:
    """The dotted name of everything that is called."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func)


def within(room: str) -> list[Path]:
    return [path for path in SOURCES if room_of(path) == room]


def test_imports_point_one_way():
    wrong = [
        f"{path.relative_to(CODE)} imports {other}"
        for path in SOURCES
        if (room := room_of(path)) not in ("launcher", "scripts", "__init__")
        for other in imported_rooms(path) - {room}
        if height(other) >= height(room) and (room, other) not in SAME_LAYER
    ]
    assert wrong == []


def test_every_room_has_a_layer_and_every_layer_names_rooms():
    rooms = {
        path.name for path in (CODE / "appliance").iterdir() if (path / "__init__.py").exists()
    }
    modules = {path.stem for path in (CODE / "appliance").glob("*.py")}
    layers = LAYERS.split()
    assert len(layers) == len(set(layers))
    assert rooms - {"launcher"} <= set(layers) <= rooms | modules


def test_every_room_with_tables_keeps_writes_and_reads_in_the_agreed_files():
    for migrations in (CODE / "appliance").glob("*/migrations/0001_*.py"):
        room = migrations.parent.parent
        names = {path.stem for path in room.iterdir()}
        assert {"models", "services", "queries", "tests"} - {
            *EXCEPTIONS.get(room.name, ())
        } <= names


def test_only_listed_modules_connect_to_servers_of_the_settings():
    modules = {
        str(path.relative_to(CODE / "appliance"))
        for path in SOURCES
        if "egress_guard.allowing" in calls(path)
    }
    assert modules == CONNECTING_MODULES


def test_inference_imports_neither_django_nor_another_room():
    for path in within("inference"):
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & {"django", "procrastinate", "psycopg", "redis"}, path
        assert imported_rooms(path) <= {"inference"}, path


def test_launcher_needs_only_the_standard_library():
    for path in [CODE / "launcher.py", *within("launcher")]:
        roots = {name.split(".")[0] for name in imports(path)}
        # supervisord.py runs in the environment, everything else also before there is one
        in_environment = {"supervisor"} if path.name == "supervisord.py" else set()
        assert roots <= sys.stdlib_module_names | {"appliance"} | in_environment, path
        assert imported_rooms(path) <= {"launcher"} | LAUNCHER_IMPORTS, path


def test_inference_modules_of_the_launcher_need_only_the_standard_library():
    path = CODE / "appliance" / "inference" / "bundle.py"
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots <= sys.stdlib_module_names | {"appliance"}


def test_only_the_bundle_builder_imports_the_launcher():
    others = [path for path in SOURCES if room_of(path) != "launcher"]
    makers = CODE / "scripts"  # what makes a bundle lists its files the way the launcher reads it
    others = [p for p in others if p.parent != makers / "bundling" and p.stem != "build_bundle"]
    assert [path for path in others if "launcher" in imported_rooms(path)] == []


def test_stored_data_is_never_executed():
    for path in SOURCES:
        assert not {name.split(".")[0] for name in imports(path)} & FORBIDDEN_MODULES, path
        assert not set(calls(path)) & FORBIDDEN_CALLS, path


def test_no_module_has_a_name_that_says_nothing():
    assert [path for path in SOURCES if path.name in FORBIDDEN_NAMES] == []


def test_views_write_no_models_and_build_no_queries():
    views = [path for path in SOURCES if "views" in (path.stem, path.parent.name)]
    assert len(views) > 5
    for path in views:
        assert not {name for name in calls(path) if name.endswith((".save", ".delete"))}, path
        assert not {name for name in calls(path) if ".objects." in name}, path


def test_models_do_not_override_save():
    for path in SOURCES:
        if room_of(path) != "scripts" and "models" in (path.stem, path.parent.name):
            functions = [
                n for n in ast.walk(ast.parse(path.read_bytes())) if isinstance(n, ast.FunctionDef)
            ]
            assert not {function.name for function in functions} & {"save", "delete"}, path


def writes(path: Path) -> Iterator[str]:
    """What a file writes of ``ACCESS_FIELDS``, and its changes of team members."""
    writing = ("update", "create", "get_or_create", "update_or_create", "update_fields", "User")
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield from {node.attr} & ACCESS_FIELDS
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.rpartition(".")[2] in writing:
                yield from {keyword.arg for keyword in node.keywords} & ACCESS_FIELDS
            if re.search(r"\bMembership\.objects\.\w*create|\bmemberships\..*delete$", name):
                yield "members"
            if re.search(r"\b(members|teams)\.(add|set|remove|clear|create)$", name):
                yield "members"


def test_only_the_services_of_accounts_change_who_can_act_on_tickets():
    others = {
        path.relative_to(CODE / "appliance").as_posix(): set(writes(path))
        for path in SOURCES
        if path.is_relative_to(CODE / "appliance") and "migrations" not in path.parts
    }
    services = {
        name for name, fields in others.items() if name.startswith("accounts/services/") and fields
    }
    assert services == {
        f"accounts/services/{name}.py" for name in ("directory_people", "people", "teams")
    }
    assert {
        name: fields
        for name, fields in others.items()
        if fields and name not in services | SAME_NAMES_OF_OTHER_MODELS
    } == {}


def test_status_page_has_every_kind_of_cached_value():
    names = {
        node.args[0].value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("cache.get_or_compute", "cache.set_value")
        and isinstance(node.args[0], ast.Constant)
    }
    assert names == set(VALUE_LABELS)


def test_architecture_names_the_rooms_that_exist():
    text = (CODE / "docs" / "architecture.md").read_text()
    table = re.findall(r"^\| (`.+?`) \|", text, re.MULTILINE)
    names = {name for cell in table for name in re.findall(r"`([^`]+)`", cell)}
    chart = set(re.findall(r"\b[a-z_]+\b", text.split("flowchart TD")[1].split("```")[0]))
    rooms = {path.parent.name for path in (CODE / "appliance").glob("*/__init__.py")}
    assert names == rooms | {f"{name}.py" for name in FILES}
    assert chart == rooms - {"launcher"}


def without_code(text: str) -> str:
    """Return Markdown without its code blocks and spans."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def test_every_link_between_documents_leads_to_a_file():
    documents = [*CODE.glob("*.md"), *(CODE / "docs").rglob("*.md")]
    broken = [
        f"{document.relative_to(CODE)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", without_code(document.read_text()))
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_decision_records_are_numbered_without_gaps_and_cited_by_their_number():
    folder = CODE / "docs" / "decisions"
    records = sorted(folder.glob("*.md"))
    assert [int(path.name[:4]) for path in records] == [*range(1, len(records) + 1)]
    for path in records:
        assert re.match(rf"# {int(path.name[:4])}\. ", path.read_text()), path.name
    cited = re.compile(r"\[decision (\d+)\]\([^)]*?(\d{4})-[^)]*\)")
    for document in [*CODE.glob("*.md"), *(CODE / "docs").rglob("*.md")]:
        assert all(int(n) == int(file) for n, file in cited.findall(document.read_text())), document
