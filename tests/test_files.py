"""Files that are whole or not there."""

import os
import re
import shutil
import stat
import sys

import pytest

from mocap.errors import ExportError, MocapError
from mocap.files import read_json, sweep, write_whole, writing_whole, writing_whole_folder


def test_written_whole_in_a_new_folder(tmp_path):
    path = tmp_path / "deep" / "down" / "a.txt"
    assert write_whole(path, "é\n") == path
    assert path.read_bytes() == "é\n".encode()
    write_whole(path, b"\x00new")
    assert path.read_bytes() == b"\x00new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("end", [ValueError, KeyboardInterrupt, OSError])
def test_what_was_there_stays_when_writing_fails(tmp_path, end):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail() -> None:
        with writing_whole(path) as temporary:
            temporary.write_text("half")
            assert temporary.parent == tmp_path
            assert path.read_text() == "before"
            raise end

    with pytest.raises(end):
        fail()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "before")]


def test_a_folder_is_replaced_whole(tmp_path):
    path = tmp_path / "a" / "meshes"
    for names in (("1", "2", "3"), ("2", "4")):
        with writing_whole_folder(path) as folder:
            for name in names:
                (folder / name).write_text(name)
        assert sorted(one.name for one in path.iterdir()) == list(names)
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("end", [ValueError, KeyboardInterrupt, OSError])
def test_a_folder_stays_as_it_was_when_filling_the_next_fails(tmp_path, end):
    path = tmp_path / "meshes"
    path.mkdir()
    (path / "1").write_text("before")

    def fail() -> None:
        with writing_whole_folder(path) as folder:
            (folder / "1").write_text("half")
            raise end

    with pytest.raises(end):
        fail()
    assert list(tmp_path.iterdir()) == [path]
    assert [(one.name, one.read_text()) for one in path.iterdir()] == [("1", "before")]


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"
    with writing_whole(path) as one, writing_whole(path) as two:
        one.write_text("one")
        two.write_text("two")
    # The inner block ended first.
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_files_are_as_readable_as_any(tmp_path):
    path, plain = tmp_path / "a", tmp_path / "b"
    earlier = os.umask(0o027)
    try:
        write_whole(path, b"")
        plain.write_bytes(b"")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode) == 0o640


def test_refusals_name_the_file_and_the_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"file/a\.bvh: cannot be written \(.*\); ask Ann$"):
        write_whole(tmp_path / "file" / "a.bvh", b"", error=ExportError, remedy="ask Ann")
    (tmp_path / "folder").mkdir()
    with pytest.raises(MocapError, match="folder: cannot be written"):
        write_whole(tmp_path / "folder", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_sweeping_takes_only_what_is_left_over(tmp_path):
    kept = [".lock", ".a.part", "b.part", ".a.txt.0123456.part", "a.txt", ".a.txt.0123456z.part"]
    for name in kept:
        (tmp_path / name).write_text("")
    left = tmp_path / ".a.txt.0123abcd.part"
    with writing_whole(tmp_path / "c") as temporary:
        # As it is found when its writer is killed here.
        shutil.copy(temporary, left)
        assert re.sub("[0-9a-f]{8}", "", temporary.name) == ".c..part"
    assert sweep(tmp_path) == [left]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "c"])


def test_json_is_read_whatever_it_holds(tmp_path):
    path = tmp_path / "a.json"
    for text, content in (('{"é": [1.5, null]}', {"é": [1.5, None]}), ("3", 3)):
        path.write_text(text, encoding="utf-8")
        assert read_json(path) == content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"a\.json: cannot be read \(No such file or directory\)"),
        (b"{", r"a\.json: is no JSON \(Expecting"),
        (b"\xff", r"a\.json: is no JSON \('utf-8'"),
        (b"[" * 100_000, r"a\.json: is no JSON \(.*recursion"),
    ],
)
def test_what_is_no_json_is_told_by_name(tmp_path, content, said):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExportError, match=said):
        read_json(path, error=ExportError)
