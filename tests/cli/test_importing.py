"""``mocap import``: options, what it writes, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_results import known_motion, write_gvhmr
from takes import embodied, make_take

from mocap.body import load_body
from mocap.cli.importing import System
from mocap.datasets.results import SYSTEMS
from mocap.exporters import ExportConfig, export_take
from mocap.take import Take
from mocap.video import open_video

from .conftest import Ended, cut

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    body = load_body()
    take = embodied(make_take(people=1, frames=12), body)
    folder = tmp_path_factory.mktemp("amass")
    (path,) = export_take(take, ["person-1"], "amass", folder, ExportConfig(), body=body)
    return path


def test_the_command_knows_every_system() -> None:
    assert [one.value for one in System] == list(SYSTEMS)


def test_an_import_is_a_take_that_can_be_exported(
    mocap: Run, archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "take.h5"
    ended = mocap("import", archive, "--from", "amass", "--out", out)
    assert ended.code == 0, ended.err
    assert str(out) in ended.out
    assert "tells no camera" in ended.err
    assert list(out.parent.iterdir()) == [out]
    assert Take.load(out).provenance[0].parameters["from"] == "AMASS"
    shown = mocap("info", out)
    assert shown.code == 0
    assert "import" in shown.out
    ended = mocap("export", out, "--format", "bvh", "--out", tmp_path / "bvh")
    assert ended.code == 0, ended.err
    # What was imported can be imported again.
    assert mocap("import", archive, "--from", "amass", "--out", out).code == 0


def test_a_take_of_more_work_is_not_replaced(mocap: Run, archive: Path, tmp_path: Path) -> None:
    out = make_take(people=1, frames=5).save(tmp_path / "take.h5")
    before = out.read_bytes()
    ended = mocap("import", archive, "--from", "amass", "--out", out)
    assert ended.code == 1
    assert "is there already" in ended.err
    assert "--force" in ended.err
    assert out.read_bytes() == before
    assert mocap("import", archive, "--from", "amass", "--out", out, "--force").code == 0
    ended = mocap("import", archive, "--from", "amass", "--out", tmp_path)
    assert ended.code == 1
    assert "is a folder" in ended.err


def test_motion_is_drawn_over_its_video(mocap: Run, tmp_path: Path, demo_clip: Path) -> None:
    result = write_gvhmr(known_motion(), tmp_path / "r.pt")
    video = cut(demo_clip, tmp_path / "clip.mp4", 42)
    overlay = tmp_path / "seen.mp4"
    arguments = ("import", result, "--from", "gvhmr", "--out", tmp_path / "take.h5")
    ended = mocap(*arguments, "--video", video, "--overlay", overlay)
    assert ended.code == 0, ended.err
    assert str(overlay) in ended.out
    assert "goes on for 2 frames after the motion" in ended.err
    with open_video(overlay) as drawn:
        assert len(list(drawn)) == 42
    take = Take.load(tmp_path / "take.h5")
    assert take.video.path == str(video)
    assert len(take.video.timestamps) == 42
    short = cut(demo_clip, tmp_path / "short.mp4", 5)
    ended = mocap(*arguments, "--video", short)
    assert ended.code == 1
    assert "has 5 frames, and the motion 40" in ended.err
    for name, fault in (("seen.avi", "ending in .mp4"), ("gone/seen.mp4", "does not exist")):
        ended = mocap(*arguments, "--video", video, "--overlay", tmp_path / name)
        assert ended.code == 1
        assert fault in ended.err
        assert "reading video" not in ended.err
    ended = mocap(*arguments, "--video", video, "--overlay", video)
    assert ended.code == 1
    assert "is the video itself" in ended.err


def test_an_archive_has_its_videos_times(
    mocap: Run, archive: Path, tmp_path: Path, demo_clip: Path
) -> None:
    video = cut(demo_clip, tmp_path / "clip.mp4", 12)
    arguments = ("import", archive, "--from", "amass", "--out", tmp_path / "take.h5")
    assert mocap(*arguments, "--video", video).code == 0
    assert Take.load(tmp_path / "take.h5").video.path == str(video)
    # Where no camera is told, there is nothing to draw.
    ended = mocap(*arguments, "--video", video, "--overlay", tmp_path / "seen.mp4")
    assert (ended.code, "tell no camera" in ended.err) == (2, True)
    short = cut(demo_clip, tmp_path / "short.mp4", 5)
    ended = mocap(*arguments, "--video", short)
    assert ended.code == 1
    assert "has 5 frames, and the motion 12" in ended.err


def test_units_that_make_giants_are_refused(mocap: Run, tmp_path: Path) -> None:
    body = load_body()
    take = embodied(make_take(people=1, frames=12), body)
    (path,) = export_take(take, ["person-1"], "bvh", tmp_path, ExportConfig(units="cm"))
    arguments = ("import", path, "--from", "bvh", "--out", tmp_path / "take.h5")
    for unit in ("m", "mm"):
        ended = mocap(*arguments, "--units", unit)
        assert ended.code == 1
        assert "did you mean cm?" in ended.err
        assert not (tmp_path / "take.h5").exists()
    ended = mocap(*arguments, "--units", "cm")
    assert ended.code == 0, ended.err
    assert "following motion" in ended.err
    # The record tells how long the body took to follow.
    assert Take.load(tmp_path / "take.h5").provenance[0].seconds > 0.05


def test_what_cannot_be_is_refused(mocap: Run, archive: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out" / "take.h5")
    ended = mocap("import", archive, "--from", "amass", *out, "--overlay", tmp_path / "o.mp4")
    assert (ended.code, "--video" in ended.err) == (2, True)
    ended = mocap("import", archive, "--from", "amass", *out, "--units", "cm")
    assert (ended.code, "tell their units" in ended.err) == (2, True)
    assert mocap("import", archive, "--from", "vicon", *out).code == 2
    ended = mocap("import", archive, "--from", "aistpp", *out)
    assert ended.code == 1
    assert "is a motion of AMASS; give --from amass" in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_import_without_a_camera_says_so(mocap: Run, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "take.h5"
    assert mocap("import", archive, "--from", "AMASS", "--out", out).code == 0
    before = out.read_bytes()
    shown = mocap("info", out)
    assert "nobody told how it was seen" in shown.out
    assert "field of view" not in shown.out
    ended = mocap("fit", out)
    assert ended.code == 1
    assert "a file that tells no camera" in ended.err
    assert out.read_bytes() == before
    ended = mocap("import", archive, "--from", "amass", "--out", tmp_path / "motion.txt")
    assert (ended.code, "takes end in .h5" in ended.err) == (2, True)
