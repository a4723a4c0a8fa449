import hashlib

import pytest

from mocap.errors import VideoError
from mocap.video import hash_source


def test_file_is_hashed_by_content(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(range(256)) * 9000)
    assert hash_source(path) == hashlib.sha256(bytes(range(256)) * 9000).hexdigest()
    assert hash_source(path) == hash_source(str(path.rename(tmp_path / "b.mp4")))


def test_folder_is_hashed_by_names_and_contents(tmp_path):
    def make(name, files):
        folder = tmp_path / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        return hash_source(folder)

    first = make("one", {"1.png": b"a", "2.png": b"b"})
    assert len(first) == 64
    assert first == make("same", {"2.png": b"b", "1.png": b"a", "notes.txt": b"x"})
    others = [
        make("content", {"1.png": b"a", "2.png": b"c"}),
        make("swapped", {"1.png": b"b", "2.png": b"a"}),
        make("renamed", {"1.png": b"a", "3.png": b"b"}),
        make("fewer", {"1.png": b"a"}),
    ]
    assert len({first, *others}) == 5


def test_missing(tmp_path):
    with pytest.raises(VideoError, match=r"absent\.mp4: cannot be read"):
        hash_source(tmp_path / "absent.mp4")
