"""What a user's `pip install` puts into their environment, and only that."""

import email.parser
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
#: The folders of the repository, as they are imported.
FOLDERS = {
    "mocap": "mocap",
    "datasets": "mocap/datasets",
    "exporters": "mocap/exporters",
    "training": "mocap/training",
}


def sources() -> dict[str, Path]:
    """Every file of the four folders by its place in the wheel."""
    found = {}
    for folder, place in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.parts[1:])
            if path.is_file() and not hidden:
                found[f"{place}/{path.relative_to(ROOT / folder).as_posix()}"] = path
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    # Elsewhere: setuptools would put what an earlier build has left in the tree into this one.
    copy = tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", *PROJECT["project"]["license-files"]):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "out", "."]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    [path] = (copy / "out").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def information(wheel) -> str:
    [folder] = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    return folder


@pytest.fixture(scope="module")
def metadata(wheel, information) -> Message:
    return email.parser.Parser().parsestr(wheel.read(f"{information}/METADATA").decode())


def test_only_top_level_name_is_mocap(wheel, information):
    assert {name.split("/")[0] for name in wheel.namelist()} == {"mocap", information}


def test_holds_every_source_file_and_no_other(wheel):
    inside = {name for name in wheel.namelist() if name.startswith("mocap/")}
    assert inside == set(sources())


def test_files_are_those_of_the_repository(wheel):
    for name in ("mocap/pipeline.py", "mocap/exporters/bvh.py", "mocap/body/data/open_body.npz"):
        assert wheel.read(name) == sources()[name].read_bytes(), name


@pytest.mark.parametrize(
    "pattern",
    [
        "mocap/py.typed",
        "mocap/exporters/bvh.py",
        "mocap/training/__init__.py",
        "mocap/datasets/__init__.py",
        "mocap/body/data/*.npz",
        "mocap/body/data/LICENSE-*.txt",
        "*.dist-info/licenses/LICENSE",
        "*.dist-info/licenses/NOTICE",
    ],
)
def test_holds_what_users_need(wheel, pattern):
    found = [name for name in wheel.namelist() if PurePosixPath(name).match(pattern)]
    assert found
    assert all(wheel.getinfo(name).file_size or name.endswith("py.typed") for name in found)


def test_every_package_is_listed():
    modules = (PurePosixPath(name) for name in sources() if name.endswith(".py"))
    packages = {".".join(module.parent.parts) for module in modules}
    assert sorted(packages) == PROJECT["tool"]["setuptools"]["packages"]


def test_metadata(metadata):
    assert metadata["Name"] == "mocap-toolkit"
    assert metadata["Version"] == PROJECT["project"]["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "NOTICE"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"


def test_plain_install_stays_free_of_what_is_optional(metadata):
    required = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    names = {line.split(";")[0].split(">")[0].split("<")[0].split("=")[0] for line in required}
    assert {"numpy", "torch", "mediapipe"} <= names
    # smplx is for non-commercial research; torchvision of the index does not fit a CPU torch.
    assert not names & {"smplx", "torchvision", "sam2", "lightning", "ray", "bpy"}
    assert not names & {"gsplat", "numba"}
    assert "torch<2.14,>=2.10" in required


def test_command(wheel, information):
    assert "mocap = mocap.cli:main" in wheel.read(f"{information}/entry_points.txt").decode()


def test_is_small(wheel):
    assert sum(item.compress_size for item in wheel.infolist()) < 20e6
