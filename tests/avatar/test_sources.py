"""Kinds of avatars: those that are built in, and those that other packages add."""

import sys
from pathlib import Path

import pytest

from avatar.people import painted_avatar
from mocap.avatar import Avatar, load_avatar, write_avatar
from mocap.body import Body
from mocap.errors import AvatarError

#: A package that reads statues: a line with a stature and a number of Gaussians.
STATUES = """
from mocap.avatar import Source, surface_avatar
from mocap.errors import AvatarError

def read(path, body, tell):
    stature, count = path.read_text().split()
    if float(stature) > 2.4:
        raise AvatarError(f"{path}: is a giant; carve a smaller one")
    tell("hewn from stone")
    return surface_avatar(body, body.betas_for_height(float(stature)), int(count), name=path.stem)

source = Source("statues (.statue)", lambda path: path.suffix == ".statue", read)
not_a_source = read
forgetful = Source("statues", lambda path: path.suffix == ".statue", lambda *_: None)
puzzled = Source("statues", lambda path: path.nothing, read)
"""


def install(folder: Path, names: str, code: str = STATUES) -> None:
    """A distribution as an installer leaves it: a module, and metadata beside it."""
    (folder / "stone_avatars.py").write_text(code)
    information = folder / "stone_avatars-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: stone-avatars\nVersion: 1.0\n"
    )
    (information / "entry_points.txt").write_text(f"[mocap.avatars]\nstatues = {names}\n")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python finds packages in."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "stone_avatars", raising=False)
    return folder


@pytest.fixture
def statue(tmp_path: Path) -> Path:
    path = tmp_path / "david.statue"
    path.write_text("1.8 900")
    return path


def test_packages_add_kinds_of_avatars(packages, statue, body):
    with pytest.raises(AvatarError, match=r"david.statue: is no avatar of a kind that is known"):
        load_avatar(statue, body)
    install(packages, "stone_avatars:source")
    said: list[str] = []
    found = load_avatar(str(statue), body, said.append)
    assert isinstance(found, Avatar)
    assert (found.name, len(found), said) == ("david", 900, ["hewn from stone"])
    statue.write_text("3.4 900")
    with pytest.raises(AvatarError, match=r"david.statue: is a giant; carve a smaller one$"):
        load_avatar(statue, body)
    other = statue.with_suffix(".txt")
    other.write_text("1.8 900")
    with pytest.raises(AvatarError, match=r"is known \(statues \(.statue\), splats \(.ply\), dict"):
        load_avatar(other, body)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("no_such_module:source", "cannot be loaded .ModuleNotFoundError: No module named"),
        ("stone_avatars:nothing", "cannot be loaded .AttributeError: .*nothing"),
        ("stone_avatars:not_a_source", "stone_avatars:not_a_source is no mocap.avatar.Source"),
        ("stone_avatars:forgetful", "david.statue: .* made no avatar of it"),
        ("stone_avatars:puzzled", "david.statue: .* fails on it .AttributeError: "),
    ],
)
def test_a_broken_package_is_named(packages, statue, body, names, words):
    install(packages, names)
    with pytest.raises(AvatarError, match=words) as caught:
        load_avatar(statue, body)
    told = str(caught.value)
    assert "the plug-in statues (stone-avatars)" in told
    assert told.endswith("update or uninstall it")
    assert "\n" not in told


OWN = "class Cracked(Exception): pass\nraise Cracked('in two')"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1 / 0", "ZeroDivisionError: "),
        ("import missing_stone", "ModuleNotFoundError: "),
        ("def", "SyntaxError: "),
        (OWN, "Cracked: in two"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_package_that_cannot_be_imported_is_named(packages, statue, body, code, words):
    install(packages, "stone_avatars:source", code)
    with pytest.raises(
        AvatarError, match=rf"the plug-in statues .* cannot be loaded \({words}"
    ) as caught:
        load_avatar(statue, body)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("end", "words"),
    [("raise StopIteration('dust')", "StopIteration: dust"), ("sys.exit()", "SystemExit")],
)
def test_a_reader_that_ends_in_whatever_way_is_named(packages, statue, body, end, words):
    code = "import sys\n" + STATUES.replace('tell("hewn from stone")', end)
    install(packages, "stone_avatars:source", code)
    with pytest.raises(AvatarError, match=rf"david.statue: the plug-in .* fails on it .{words}"):
        load_avatar(statue, body)


def test_a_broken_reader_is_named_with_its_file(packages, statue, body):
    install(packages, "stone_avatars:source")
    statue.write_text("tall many")
    with pytest.raises(AvatarError, match=r"david.statue: the plug-in .* fails on it .ValueError"):
        load_avatar(statue, body)


def test_our_own_avatars_ask_no_package(packages, tmp_path, body: Body):
    install(packages, "no_such_module:source")
    path = write_avatar(painted_avatar(body, 300), tmp_path / "anna.ply")[0]
    assert len(load_avatar(path, body)) == 300


def test_what_is_not_there_is_said(body, tmp_path):
    for path in (tmp_path, tmp_path / "nobody.ply"):
        with pytest.raises(AvatarError, match="is not there, or no file"):
            load_avatar(path, body)
