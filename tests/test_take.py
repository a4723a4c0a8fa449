"""The take's file: everything comes back, says what it is, and is whole or refused."""

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from takes import make_take

from mocap.errors import TakeError
from mocap.records import RecordError, read_attribute, write_attribute
from mocap.skeletons import COCO_17, HAND_21, MEDIAPIPE_33, SMPLX_55, Skeleton
from mocap.take import (
    VERSION,
    BodyMotion,
    Contacts,
    Hands2D,
    Hands3D,
    Keypoints2D,
    Keypoints3D,
    Masks,
    Refined3D,
    Scene,
    StageRecord,
    Take,
    run_lengths,
)

BODY_ARRAYS = [
    item.name for item in fields(BodyMotion) if item.metadata.get("axes", "").startswith("frame")
]
STAGES = (
    StageRecord("zeta", "2", {"window": (3, 5), "nested": {"on": True}}, 1.25, {"model": "é"}),
    StageRecord("alpha", "1", {}, 0.0),
)


def points(rng: np.random.Generator, frames: int, skeleton: Skeleton) -> tuple:
    xy = rng.uniform(0, 1280, (frames, len(skeleton), 2)).astype(np.float32)
    confidence = rng.uniform(0, 1, (frames, len(skeleton))).astype(np.float32)
    xy[0, 0], confidence[0, 0] = np.nan, 0.0
    xyz = rng.normal(size=(frames, len(skeleton), 3)).astype(np.float32)
    return (
        Keypoints2D(xy, confidence, skeleton.name, "test detector"),
        Keypoints3D(xyz, skeleton.name, "test detector"),
    )


def refined(rng: np.random.Generator, frames: int) -> Refined3D:
    xyz = rng.normal(size=(frames, 17, 3)).astype(np.float32)
    xyz[1] = np.nan
    sigma, angles = rng.uniform(size=(frames, 17)), rng.normal(size=(2, frames))
    return Refined3D(xyz, sigma, *angles, rng.normal(size=(frames, 3)), COCO_17.name, "test")


def masks(rng: np.random.Generator, frames: int) -> Masks:
    blobs = np.repeat(rng.uniform(size=(frames, 720, 8)) > 0.5, 160, axis=2)
    found = [None, *(run_lengths(blob) for blob in blobs[1:])]
    return Masks.of(found, 1280, 720, "test")


def full_take(*, people: int = 2, frames: int = 12) -> Take:
    """A take in which nothing is absent."""
    take = make_take(people=people, frames=frames, first_frame=4)
    rng = np.random.default_rng(5)
    entries = {}
    for name, person in take.people.items():
        body = points(rng, frames, MEDIAPIPE_33)
        left, right = (points(rng, frames, HAND_21) for _ in range(2))
        entries[name] = replace(
            person,
            observed=rng.uniform(size=frames) > 0.3,
            keypoints2d=body[0],
            keypoints3d=body[1],
            hands2d=Hands2D(left[0], right[0]),
            hands3d=Hands3D(left[1], right[1]),
            refined3d=refined(rng, frames),
            body=replace(person.body, joint_sigma=rng.uniform(size=(frames, 55))),
            contacts=Contacts(*rng.uniform(size=(4, frames)), level=0.5),
            masks=masks(rng, frames),
        )
    return replace(
        take,
        video=replace(take.video, rotation=90, field_of_view=1.25),
        camera=replace(
            take.camera,
            source="given",
            distortion=rng.normal(0, 0.01, 5),
            gravity_given=True,
            note="calibration rig.toml:left",
        ),
        people=entries,
        provenance=STAGES,
        scene=Scene(rng.uniform(0, 720, (7, 4))),
    )


def leaves(record: Any, name: str = "take") -> Iterator[tuple[str, Any]]:
    """Every value in a record, by its path."""
    if is_dataclass(record):
        for item in fields(record):
            yield from leaves(getattr(record, item.name), f"{name}.{item.name}")
    elif isinstance(record, dict) and not name.endswith(("parameters", "inputs")):
        for key, value in record.items():
            yield from leaves(value, f"{name}[{key}]")
    elif isinstance(record, tuple):
        for i, value in enumerate(record):
            yield from leaves(value, f"{name}[{i}]")
    else:
        yield name, record


def assert_same(one: Take, other: Take) -> None:
    assert list(one.people) == list(other.people)
    ours, theirs = dict(leaves(one)), dict(leaves(other))
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == theirs[name].dtype, name
            assert np.array_equal(value, theirs[name], equal_nan=value.dtype.kind == "f"), name
        else:
            assert type(value) is type(theirs[name]), name
            assert value == theirs[name], name


@pytest.fixture
def saved(tmp_path) -> Path:
    return full_take().save(tmp_path / "take.h5")


class TestRoundTrip:
    def test_every_field_comes_back(self, saved):
        take = full_take()
        assert not [name for name, value in leaves(take) if value is None]
        assert_same(Take.load(saved), take)

    def test_what_is_absent_stays_absent(self, tmp_path):
        take = make_take(people=1)
        bare = replace(take.people["person-1"], body=None)
        take = replace(take, people={"person-1": bare}, world=None)
        back = Take.load(take.save(tmp_path / "take.h5"))
        assert_same(back, take)
        assert back.world is back.people["person-1"].body is None

    def test_takes_from_before_depth_was_refined(self, saved):
        with h5py.File(saved, "r+") as file:
            del file["people/person-1/refined3d"]
        people = Take.load(saved).people
        assert people["person-1"].refined3d is None
        assert people["person-2"].refined3d is not None

    def test_nobody_and_nothing_done_yet(self, tmp_path):
        take = replace(make_take(), people={}, provenance=())
        assert_same(Take.load(take.save(tmp_path / "take.h5")), take)

    def test_people_and_stages_keep_their_order(self, tmp_path):
        take = make_take(people=11, frames=2)
        back = Take.load(replace(take, provenance=STAGES).save(tmp_path / "take.h5"))
        assert list(back.people)[:3] == ["person-1", "person-2", "person-3"]
        assert [stage.name for stage in back.provenance] == ["zeta", "alpha"]

    def test_takes_from_before_lenses_were_known(self, saved):
        with h5py.File(saved, "r+") as file:
            del file["camera/distortion"]
            for group, names in {
                "camera": ("gravity_given", "note"),
                "video": ("rotation", "field_of_view"),
            }.items():
                for name in names:
                    del file[group].attrs[name]
        take = Take.load(saved)
        assert take.camera.distortion is take.video.rotation is take.video.field_of_view is None
        assert take.camera.gravity_given is False
        assert take.camera.note == ""

    def test_a_lens_nobody_knows_is_refused(self, saved):
        with h5py.File(saved, "r+") as file:
            write_attribute(file["camera"], "model", "kaleidoscope")
        with pytest.raises(TakeError, match="kaleidoscope"):
            Take.load(saved)

    def test_cameras_that_move_and_that_are_given(self, tmp_path):
        take = make_take()
        turned = np.tile(take.camera.R, (60, 1, 1))
        take = replace(take, camera=replace(take.camera, R=turned, source="given"))
        assert_same(Take.load(take.save(tmp_path / "take.h5")), take)

    def test_paths_that_are_not_utf8(self, tmp_path):
        take = make_take()
        take = replace(take, video=replace(take.video, path="d\udce9mo.mp4", sha256=""))
        assert_same(Take.load(take.save(tmp_path / "take.h5")), take)

    def test_long_parameters(self, tmp_path):
        stage = StageRecord("s", "1", {"dropped": ["x" * 100] * 3000}, 1.0)
        take = replace(make_take(), provenance=(stage,))
        assert_same(Take.load(take.save(tmp_path / "take.h5")), take)


class TestTake:
    def test_results_of_a_stage_replace_those_before(self):
        take = full_take()
        again = replace(STAGES[0], version="3")
        later = take.with_stage(again, world=None)
        assert [stage.version for stage in later.provenance] == ["1", "3"]
        assert later.world is None
        assert take.world is not None
        assert take.provenance == STAGES

    def test_parameters_equal_those_read_back(self, saved):
        assert STAGES[0].parameters == {"window": [3, 5], "nested": {"on": True}}
        assert Take.load(saved).provenance[0] == STAGES[0]

    def test_times_and_coverage(self):
        take = make_take(people=1, frames=4, fps=25.0, first_frame=10)
        person = take.people["person-1"]
        assert take.times(person) == pytest.approx([0.4, 0.44, 0.48, 0.52])
        assert replace(person, observed=np.array([1, 0, 0, 1], bool)).coverage == 0.5


class TestFileDescribesItself:
    def test_root(self, saved):
        with h5py.File(saved) as file:
            found = {key: read_attribute(file, key) for key in file.attrs}
        assert found == {"format": "mocap-take", "version": 1, "units": "m", "up_axis": "+Y"}

    def test_every_dataset_has_units_and_as_many_axes_as_it_has(self, saved):
        seen = []

        def check(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                seen.append(name)
                assert read_attribute(item, "units") in ("m", "px", "s", "rad", "1"), name
                assert len(read_attribute(item, "axes").split(",")) == item.ndim, name
                assert item.fletcher32, name

        with h5py.File(saved) as file:
            file.visititems(check)
        assert len([name for name in seen if name.startswith("people/person-2/body/")]) == 10
        assert {"video/timestamps", "camera/K", "world/ground"} < set(seen)

    def test_units_of_known_datasets(self, saved):
        expected = {
            "video/timestamps": "s",
            "camera/K": "px",
            "camera/t": "m",
            "people/person-1/box": "px",
            "people/person-1/keypoints2d/xy": "px",
            "people/person-1/keypoints3d/xyz": "m",
            "people/person-1/refined3d/xyz": "m",
            "people/person-1/refined3d/sigma": "m",
            "people/person-1/refined3d/azimuth": "rad",
            "people/person-1/refined3d/elevation": "rad",
            "people/person-1/refined3d/camera_relative": "m",
            "people/person-1/body/body_pose": "rad",
            "people/person-1/body/joints": "m",
        }
        with h5py.File(saved) as file:
            assert {name: read_attribute(file[name], "units") for name in expected} == expected

    def test_points_are_named(self, saved):
        with h5py.File(saved) as file:
            person = file["people/person-1"]
            for place, skeleton in {
                "keypoints2d": MEDIAPIPE_33,
                "keypoints3d": MEDIAPIPE_33,
                "refined3d": COCO_17,
                "hands2d/left": HAND_21,
                "hands3d/right": HAND_21,
                "body/joints": SMPLX_55,
            }.items():
                names = tuple(name.decode() for name in person[place].attrs["names"])
                assert names == skeleton.names, place


class TestSaving:
    def test_makes_the_folder_and_leaves_only_the_file(self, tmp_path):
        path = make_take().save(tmp_path / "a" / "b" / "take.h5")
        assert path.parent == tmp_path / "a" / "b"
        assert [p.name for p in path.parent.iterdir()] == ["take.h5"]

    def test_accepts_text_and_replaces_what_was_there(self, saved):
        take = make_take(people=1)
        assert take.save(str(saved)) == saved
        assert_same(Take.load(saved), take)

    @pytest.mark.skipif(os.name != "posix", reason="Windows replaces no open file")
    def test_whoever_reads_the_old_one_reads_it_to_its_end(self, saved):
        before = saved.read_bytes()
        with saved.open("rb") as reader:
            make_take(people=1).save(saved)
            assert reader.read() == before
        assert saved.read_bytes() != before

    @pytest.mark.skipif(os.name != "posix", reason="umask is POSIX")
    @pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
    def test_permissions_honour_umask(self, tmp_path, umask):
        before = os.umask(umask)
        try:
            path = make_take().save(tmp_path / "take.h5")
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o777 == 0o666 & ~umask

    @pytest.mark.skipif(os.name != "posix", reason="file size limits are POSIX")
    def test_full_disk_leaves_what_was_there(self, tmp_path, saved):
        before = saved.read_bytes()
        script = (
            "import resource, sys\n"
            "from takes import make_take\n"
            "from mocap.errors import TakeError\n"
            "take = make_take(people=2, frames=200)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
            "try:\n"
            "    take.save(sys.argv[1])\n"
            "except TakeError as error:\n"
            "    sys.exit(str(error))\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", script, str(saved)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        assert run.returncode == 1
        assert run.stderr.startswith(f"{saved}: cannot be written (File too large)")
        assert "free some space" in run.stderr
        assert saved.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["take.h5"]

    def test_folder_that_cannot_be(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(TakeError, match="choose another folder with --out"):
            make_take().save(tmp_path / "file" / "take.h5")
        (tmp_path / "folder").mkdir()
        with pytest.raises(TakeError, match="folder: cannot be written"):
            make_take().save(tmp_path / "folder")
        assert not list(tmp_path.glob(".*"))

    @pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
    def test_unwritable_folder(self, tmp_path):
        take = make_take()
        tmp_path.chmod(0o555)
        # Root may write everywhere, so ask as somebody else.
        pid = os.fork()
        if pid == 0:
            os.chdir(tmp_path)
            if os.geteuid() == 0:
                os.setuid(65534)
            try:
                take.save("take.h5")
            except TakeError as error:
                os._exit(0 if "Permission denied" in str(error) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert not list(tmp_path.iterdir())
        tmp_path.chmod(0o755)

    def test_failure_midway_leaves_what_was_there(self, saved, monkeypatch):
        before = saved.read_bytes()

        def fail(*_: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(TakeError, match="Input/output error"):
            make_take().save(saved)
        assert saved.read_bytes() == before
        assert [p.name for p in saved.parent.iterdir()] == ["take.h5"]

    @pytest.mark.parametrize("name", ["a/b", "", "."])
    def test_ids_that_cannot_be_names(self, tmp_path, name):
        take = make_take(people=1)
        person = replace(take.people["person-1"], id=name)
        with pytest.raises(RecordError, match="cannot be the id"):
            replace(take, people={name: person}).save(tmp_path / "take.h5")
        assert not list(tmp_path.iterdir())


def spoil(path: Path, change: Any) -> Path:
    with h5py.File(path, "r+") as file:
        change(file)
    return path


class TestRefusal:
    def test_missing_file_and_folder(self, tmp_path):
        for path in (tmp_path / "absent.h5", tmp_path):
            with pytest.raises(TakeError, match="no such take file; `mocap extract VIDEO`"):
                Take.load(path)

    @pytest.mark.parametrize("content", [b"", b"\0" * 9000, b"HIERARCHY\nROOT Hips\n", b"\x89HDF"])
    def test_not_hdf5(self, tmp_path, content):
        path = tmp_path / "take.h5"
        path.write_bytes(content)
        with pytest.raises(TakeError, match=r"take\.h5: is not a readable HDF5 file"):
            Take.load(path)

    def test_newer_version_by_name(self, saved):
        spoil(saved, lambda f: f.attrs.modify("version", VERSION + 1))
        with pytest.raises(TakeError, match=f"is a take of version {VERSION + 1}.*up to {VERSION}"):
            Take.load(saved)

    def test_newer_version_whatever_else_it_holds(self, saved):
        spoil(saved, lambda f: (f.attrs.modify("version", 99), f.pop("people"), f.pop("video")))
        with pytest.raises(TakeError, match="version 99"):
            Take.load(saved)

    @pytest.mark.parametrize("kind", ["other", None, 3])
    def test_other_hdf5(self, saved, kind):
        def change(file: h5py.File) -> None:
            del file.attrs["format"]
            if kind is not None:
                write_attribute(file, "format", kind)

        with pytest.raises(TakeError, match=f"is HDF5, but not a take .its format is {kind!r}"):
            Take.load(spoil(saved, change))

    @pytest.mark.parametrize("place", ["video", "camera", "people", "provenance"])
    def test_lacking_or_wrong_group(self, saved, place):
        spoil(saved, lambda f: f.pop(place))
        with pytest.raises(TakeError, match=f"damaged take: .*{place} is missing"):
            Take.load(saved)
        spoil(saved, lambda f: f.create_dataset(place, data=1.0))
        with pytest.raises(TakeError, match=f"damaged take: .*{place} is not a group"):
            Take.load(saved)

    def test_lacking_version(self, saved):
        spoil(saved, lambda f: f.attrs.pop("version"))
        with pytest.raises(TakeError, match="version is missing"):
            Take.load(saved)

    def test_parameters_that_are_not_json(self, saved):
        spoil(saved, lambda f: write_attribute(f["provenance/zeta"], "parameters", "{"))
        with pytest.raises(TakeError, match="damaged take"):
            Take.load(saved)

    @pytest.mark.parametrize(
        "name",
        [
            *("observed", "box", "keypoints2d/xy", "keypoints2d/confidence", "keypoints3d/xyz"),
            *("hands2d/left/xy", "hands2d/right/confidence", "hands3d/left/xyz"),
            *(f"refined3d/{name}" for name in ("xyz", "sigma", "azimuth", "camera_relative")),
            *(f"body/{name}" for name in BODY_ARRAYS),
        ],
    )
    def test_person_whose_arrays_disagree(self, saved, name):
        def shorten(file: h5py.File) -> None:
            person = file["people/person-2"]
            short = person[name][1:]
            del person[name]
            person[name] = short

        spoil(saved, shorten)
        with pytest.raises(TakeError, match=f"person person-2: {name} has 11 frames, not 12"):
            Take.load(saved)

    @pytest.mark.parametrize(
        ("frames", "message"),
        [
            (np.arange(12) * 1 + 9, "are not among the video's 16"),
            (np.arange(-1, 11), "are not among the video's 16"),
            (np.r_[0:6, 7:13], "are not consecutive"),
            (np.full(12, 3), "are not consecutive"),
            (np.zeros(0, int), "are not among the video's 16"),
        ],
    )
    def test_frames_that_are_no_run_of_the_video(self, saved, frames, message):
        def change(file: h5py.File) -> None:
            person = file["people/person-1"]
            del person["frames"]
            person["frames"] = frames

        spoil(saved, change)
        with pytest.raises(TakeError, match=f"person person-1: frames {message}"):
            Take.load(saved)

    def test_inconsistent_people_are_not_written(self, tmp_path):
        take = make_take(people=1)
        person = take.people["person-1"]
        broken = replace(person, box=person.box[1:])
        with pytest.raises(RecordError, match="box has 59 frames, not 60"):
            replace(take, people={"person-1": broken}).save(tmp_path / "take.h5")
        assert not list(tmp_path.iterdir())


class TestDamage:
    def test_cut_short_anywhere(self, saved):
        content = saved.read_bytes()
        for length in {*range(0, len(content), 1499), len(content) - 1}:
            saved.write_bytes(content[:length])
            with pytest.raises(TakeError):
                Take.load(saved)

    def test_bytes_changed_anywhere_are_told_or_without_effect(self, saved):
        content, take = saved.read_bytes(), full_take()
        rng = random.Random(0)
        told = 0
        for round_ in range(300):
            damaged = bytearray(content)
            for _ in range(1 + 15 * (round_ % 2)):
                damaged[rng.randrange(len(damaged))] ^= rng.randrange(1, 256)
            saved.write_bytes(damaged)
            try:
                assert_same(Take.load(saved), take)
            except TakeError:
                told += 1
        assert told > 250

    def test_stretch_of_zeros(self, saved):
        content, take = saved.read_bytes(), full_take()
        for start in range(0, len(content), 4096):
            saved.write_bytes(content[:start] + bytes(512) + content[start + 512 :])
            with contextlib.suppress(TakeError):
                assert_same(Take.load(saved), take)
