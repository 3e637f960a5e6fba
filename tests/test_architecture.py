"""The rooms stay closed: imports point one way, and some things are in no file at all."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

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
# knowledge files articles under the categories of tickets: the one step aside.
LAYERS = """
urls wsgi settings
ops
manage
web
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
env egress_guard
"""
ASIDE = {("knowledge", "tickets")}
# the doctor checks the digests of the bundles, and the launcher stands behind the fence: that needs
# no library
BOX_READS = {"inference", "egress_guard"}
FILES = {"env", "egress_guard"}  # rooms of one file
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"torch.load", "yaml.load", "eval", "exec"}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "manager.py"}


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
    found = {name.split(".")[1] for name in imports(path) if name.startswith("appliance.")}
    return {room for room in found if (CODE / "appliance" / room).is_dir() or room in FILES}


def calls(path: Path) -> Iterator[str]:
    """The dotted name of everything that is called."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func)


def within(room: str) -> list[Path]:
    return [path for path in SOURCES if room_of(path) == room]


def test_imports_point_one_way():
    wrong = []
    for path in SOURCES:
        room = room_of(path)
        if room in ("launcher", "launcher", "scripts", "__init__"):
            continue
        for other in imported_rooms(path) - {room}:
            if height(other) >= height(room) and (room, other) not in ASIDE:
                wrong.append(f"{path.relative_to(CODE)} imports {other}")
    assert wrong == []


def test_every_room_has_its_place():
    rooms = {
        path.name for path in (CODE / "appliance").iterdir() if (path / "__init__.py").exists()
    }
    assert rooms - {"launcher"} <= set(LAYERS.split())


def test_inference_knows_no_django_and_no_other_room():
    for path in within("inference"):
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & {"django", "procrastinate", "psycopg", "redis"}, path
        assert imported_rooms(path) <= {"inference"}, path


def test_the_box_needs_nothing_but_python():
    for path in [CODE / "launcher.py", *within("launcher")]:
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots <= sys.stdlib_module_names | {"appliance"}, path
        assert imported_rooms(path) <= {"launcher"} | BOX_READS, path


def test_what_the_box_reads_of_inference_needs_nothing_but_python():
    wanted = [CODE / "appliance" / "inference" / f"{name}.py" for name in ("bundle",)]
    for path in wanted:
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots <= sys.stdlib_module_names | {"appliance"}, path


def test_only_the_launcher_and_the_bundle_maker_open_the_box():
    others = [path for path in SOURCES if room_of(path) not in ("launcher", "launcher")]
    makers = CODE / "scripts"  # what makes a bundle lists its files the way the launcher reads it
    others = [p for p in others if p.parent != makers / "bundling" and p.stem != "build_bundle"]
    assert [path for path in others if "launcher" in imported_rooms(path)] == []


def test_nothing_stored_is_ever_run():
    for path in SOURCES:
        assert not {name.split(".")[0] for name in imports(path)} & FORBIDDEN_MODULES, path
        assert not set(calls(path)) & FORBIDDEN_CALLS, path


def test_no_file_is_a_drawer_for_everything():
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
            defined = [
                n for n in ast.walk(ast.parse(path.read_bytes())) if isinstance(n, ast.FunctionDef)
            ]
            assert not {one.name for one in defined} & {"save", "delete"}, path
