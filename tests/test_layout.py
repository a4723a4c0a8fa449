"""The architecture's rules, read from the sources: who may import whom, and what nobody does."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: The folders of the repository, as they are imported.
FOLDERS = {
    "mocap": "mocap",
    "datasets": "mocap.datasets",
    "exporters": "mocap.exporters",
    "training": "mocap.training",
}

RECORD = {"errors", "progress", "skeletons", "geometry", "take"}
FILES = {"records", "files", "folder_lock"}
STAGES = {
    "assets",
    "video",
    "calibration",
    "scene",
    "keypoints",
    "people",
    "depth",
    "body",
    "fitting",
}
READERS = {"retarget", "avatar", "evaluate", "view", "masks"}
#: What each room and each single module may import of the others. Data flows one way:
#: video, keypoints, people, depth, fitting, take, and then whoever reads takes.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "progress": set(),
    "processes": {"errors"},
    "skeletons": {"errors"},
    "distortion": set(),
    "easing": set(),
    "feet": set(),
    "geometry": {"errors", "distortion"},
    "likeness": set(),
    "records": {"errors"},
    "files": {"errors"},
    "folder_lock": {"errors"},
    "take": {"errors", "geometry", "records", "skeletons", "files"},
    "assets": {"errors", "progress"},
    "video": {"errors", "progress"},
    "calibration": {"errors", "geometry", "distortion"},
    "scene": {"errors", "progress", "geometry", "skeletons"},
    "body": {"errors", "progress", "skeletons", "geometry"},
    "keypoints": {*RECORD, "video"},
    "people": {*RECORD, "video", "keypoints"},
    "depth": {*RECORD, *FILES, "scene"},
    "fitting": {*RECORD, "body", "depth", "scene"},
    "exporters": {
        *("take", "body", "skeletons", "geometry", "feet", "easing", "errors", "progress", "files")
    },
    "retarget": {*RECORD, "body", "feet", "easing", "files"},
    "avatar": {*RECORD, "body", "video", "files", "distortion", "likeness"},
    "evaluate": {*RECORD, "body", "video", "calibration", "files", "masks", "likeness"},
    "view": {*RECORD, "body", "video"},
    "masks": {*RECORD, "body", "keypoints", "video"},
    "following": {*RECORD, "assets", "calibration", "keypoints", "people", "scene", "video"},
    "pipeline": {*RECORD, *STAGES, "following"},
    "datasets": {*RECORD, *FILES, *STAGES, *READERS, "pipeline", "exporters", "processes"},
    "training": {*RECORD, *FILES, *STAGES, *READERS, "pipeline", "exporters", "datasets"},
    "cli": {
        *(*RECORD, *STAGES, *READERS, "files", "processes"),
        *("pipeline", "exporters", "datasets", "training", "mocap"),
    },
    "__main__": {"cli"},
    "mocap": {*RECORD, *STAGES, *READERS, "pipeline", "exporters"},
}

#: Rooms are entered by their face, `__init__`; whoever may look behind it is named here.
BEHIND_THE_FACE = {
    # Following people is detection on crops: the two rooms share detections and their extents.
    ("people", "keypoints"),
    # A maintainer's command: what it imports is not for users of the room.
    ("cli", "body.builder"),
    # Motions are turned into the fit's own unknowns, and its pose prior is learned from them.
    ("datasets", "fitting"),
    # Pairs are of what the detector sees on the crops that following people makes.
    ("datasets", "keypoints"),
    ("training", "fitting"),
    ("training", "datasets"),
    # Resuming asks what the stage calls itself.
    ("cli", "fitting.fit"),
}

#: Folders that are several rooms under one name: the face of each package in them is one.
HOUSES = {"datasets", "training"}

LONGEST = 300
#: Modules whose one thing takes more lines, and how many at most.
LONGER: dict[str, int] = {}

WRITES = ("print", "sys.stdout.write", "sys.stderr.write")
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}


def modules() -> dict[str, Path]:
    """Every module of the four folders by its dotted name."""
    found = {}
    for folder, name in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join((name, *parts)).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def room_of(module: str) -> str:
    """``mocap.video.files`` is in the room ``video``, ``mocap.take`` in itself."""
    return module.split(".")[1] if "." in module else module


@cache
def shown_by(package: str) -> set[str]:
    """What a package's face has imported: `mocap.fitting.fit` is a function there, and a module."""
    froms = [node for node in tree_of(package).body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in froms for alias in node.names}


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules of this package that a source imports, wherever it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            source = node.module or ""
            names = [
                f"{source}.{alias.name}"
                if f"{source}.{alias.name}" in MODULES and alias.name not in shown_by(source)
                else source
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "mocap")


def faults(tree: ast.AST) -> Iterator[str]:
    """Calls that load code with data, or that print."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("pickle", "dill", "joblib"):
            # What may be raised loads nothing.
            loading = [alias.name for alias in node.names if not alias.name.endswith("Error")]
            yield from (f"line {node.lineno}: import {node.module} as a whole" for _ in loading)
        if not isinstance(node, ast.Call):
            continue
        name, options = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        if name in ("pickle.load", "pickle.loads", "dill.load", "joblib.load"):
            yield f"line {node.lineno}: {name} runs whatever the file says"
        if name == "torch.load" and options.get("weights_only") != "True":
            yield f"line {node.lineno}: torch.load without weights_only=True"
        if options.get("allow_pickle", "False") != "False":
            yield f"line {node.lineno}: allow_pickle"
        if name in WRITES:
            yield f"line {node.lineno}: {name}"


def test_rooms_import_only_what_they_may():
    wrong = []
    for module in MODULES:
        room = room_of(module)
        assert room in MAY_IMPORT, f"say in MAY_IMPORT what {room} may import"
        found = {room_of(name) for name in imports(tree_of(module))} - {room}
        wrong += [f"{module} imports {other}" for other in found - MAY_IMPORT[room]]
    assert not wrong


def is_package_of(house: str, name: str) -> bool:
    is_inside = name.startswith(f"mocap.{house}.") and name.count(".") == 2
    return is_inside and name in MODULES and MODULES[name].name == "__init__.py"


def test_rooms_are_entered_by_their_face():
    wrong = []
    for module in MODULES:
        room = room_of(module)
        for name in imports(tree_of(module)):
            inside = name.removeprefix("mocap.")
            permitted = not {(room, room_of(name)), (room, inside)}.isdisjoint(BEHIND_THE_FACE)
            permitted |= room_of(name) in HOUSES and is_package_of(room_of(name), name)
            if room_of(name) != room and "." in inside and not permitted:
                wrong.append(f"{module} imports {name}")
    assert not wrong


def test_data_flows_one_way():
    # static_order refuses circles.
    order = list(TopologicalSorter(MAY_IMPORT).static_order())
    stages = ["video", "keypoints", "people", "pipeline", "cli"]
    assert sorted(stages, key=order.index) == stages
    for early, late in (("keypoints", "people"), ("people", "fitting"), ("fitting", "view")):
        assert late not in MAY_IMPORT[early]


def test_folders_import_as_the_design_says():
    beside = {"datasets", "training", "exporters"}
    above = {*beside, "pipeline", "cli", "__main__", "mocap"}
    for room in set(MAY_IMPORT) - above:
        assert not MAY_IMPORT[room] & above, room
    wanted = {"take", "body", "skeletons", "geometry", "feet", "easing"}
    wanted |= {"errors", "progress", "files"}
    assert MAY_IMPORT["exporters"] == wanted
    assert MAY_IMPORT["datasets"].isdisjoint({"training", "cli"})
    assert MAY_IMPORT["training"] >= {"datasets"}


def test_nothing_loads_code_with_data_and_only_the_command_line_prints():
    wrong = []
    for module in MODULES:
        for fault in faults(tree_of(module)):
            if not (room_of(module) == "cli" and fault.endswith(WRITES)):
                wrong.append(f"{module}: {fault}")
    assert not wrong


def test_modules_are_about_one_thing():
    wrong = []
    for path in MODULES.values():
        place = path.relative_to(ROOT)
        if NAMELESS & set(place.with_suffix("").parts):
            wrong.append(f"{place}: name it by what it does")
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGER.get(place.as_posix(), LONGEST):
            wrong.append(f"{place}: {lines} lines")
    assert not wrong


def test_every_module_says_what_it_is():
    silent = [name for name in MODULES if len(ast.get_docstring(tree_of(name)) or "") < 10]
    assert not silent


def test_tests_mirror_the_rooms():
    folders = {path.name for path in (ROOT / "tests").iterdir() if any(path.glob("test_*.py"))}
    assert folders <= set(MAY_IMPORT)
    for path in (ROOT / "tests").rglob("*.py"):
        assert path.stem not in NAMELESS


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import pickle\npickle.load(f)", "pickle.load"),
        ("from pickle import load\nload(f)", "import pickle"),
        ("torch.load(f)", "torch.load without"),
        ("torch.load(f, weights_only=False)", "torch.load without"),
        ("np.load(f, allow_pickle=True)", "allow_pickle"),
        ("def f():\n    print('x')", "print"),
    ],
)
def test_faults_are_seen(source, fault):
    assert any(fault in found for found in faults(ast.parse(source)))


def test_what_is_no_fault_passes():
    sound = (
        "torch.load(f, weights_only=True)\nnp.load(f, allow_pickle=False)\npprint(x)\n"
        "from pickle import UnpicklingError"
    )
    assert not list(faults(ast.parse(sound)))


def test_imports_are_seen_wherever_they_are():
    source = (
        "import mocap.video.files, numpy\n"
        "from mocap import take\n"
        "from mocap import Take\n"
        "def f():\n    from mocap.body import Body\n"
        "if TYPE_CHECKING:\n    from mocap.video import clock\n"
    )
    expected = ["mocap.video.files", "mocap.take", "mocap", "mocap.video.clock", "mocap.body"]
    assert sorted(imports(ast.parse(source))) == sorted(expected)
