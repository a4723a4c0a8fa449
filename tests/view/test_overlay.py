from dataclasses import replace

import numpy as np
import pytest
import takes

from mocap.errors import VideoError
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Keypoints2D, Take, VideoRecord
from mocap.video import VideoWriter, open_video
from mocap.view import write_overlay
from mocap.view.overlay import draw_people

WIDTH, HEIGHT = 1280, 720
GREY = 110


def make_take(**options: object) -> Take:
    """People who are whole in the picture: the camera is a step back, at the height of hips."""
    take = takes.make_take(**options)  # type: ignore[arg-type]
    back = np.array([[0.0, 0.95, 1.5]])
    return replace(take, camera=replace(take.camera, t=back))


def blank() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)


def changed(picture: np.ndarray) -> np.ndarray:
    """(H, W) whether a pixel was drawn on."""
    return np.any(picture != GREY, axis=-1)


def drawn(take: Take, frame: int = 0) -> np.ndarray:
    picture = blank()
    draw_people(picture, take, frame)
    return picture


def along(start: np.ndarray, end: np.ndarray, count: int = 15) -> np.ndarray:
    """(count, 2) whole pixels on a line, columns x and y."""
    return np.rint(start + (end - start) * np.linspace(0, 1, count)[:, None]).astype(int)


def joints_of(take: Take, person: str = "person-1", frame: int = 0) -> np.ndarray:
    entry = take.people[person]
    assert entry.body is not None
    row = frame - int(entry.frames[0])
    frames = entry.frames[row : row + 1]
    return take.camera.project(entry.body.joints[row : row + 1], frames)[0]


def changing(take: Take, **changes: object) -> Take:
    people = {name: replace(person, **changes) for name, person in take.people.items()}
    return replace(take, people=people)


def keypoints(xy: np.ndarray, confidence: float = 0.9) -> Keypoints2D:
    sure = np.full(xy.shape[:2], confidence)
    return Keypoints2D(xy, sure, MEDIAPIPE_33.name, "made up")


@pytest.fixture(scope="module")
def take() -> Take:
    return make_take(frames=4, still=True)


def test_pixels_change_along_every_limb_and_nowhere_else(take: Take) -> None:
    mask = changed(drawn(take))
    joints = joints_of(take)
    body = [(a, b) for a, b in SMPLX_55.edges if b < 22]
    for a, b in body:
        x, y = along(joints[a], joints[b]).T
        assert mask[y, x].all(), (SMPLX_55.names[a], SMPLX_55.names[b])
    low, high = joints.min(0), joints.max(0)
    size = high[1] - low[1]
    rows, columns = np.nonzero(mask)
    assert columns.min() > low[0] - 10
    assert columns.max() < high[0] + 10
    assert rows.max() < high[1] + 10
    # Above the head there is the label, and nothing beyond it.
    assert low[1] - 0.25 * size < rows.min() < low[1] - 0.05 * size


def test_sides_have_their_own_shades(take: Take) -> None:
    picture, joints = drawn(take), joints_of(take)
    shades = []
    for side in ("left", "right"):
        a, b = SMPLX_55.indices(f"{side}_knee", f"{side}_ankle")
        x, y = np.rint((joints[a] + joints[b]) / 2).astype(int)
        shades.append(picture[y, x].astype(int))
    left, right = shades
    assert left.sum() > right.sum() + 100


def test_people_have_their_own_colours_and_labels() -> None:
    two = make_take(people=2, frames=2, still=True)
    picture = drawn(two)
    colours = []
    for person in two.people:
        joints = joints_of(two, person)
        a, b = SMPLX_55.indices("spine1", "spine2")
        x, y = np.rint((joints[a] + joints[b]) / 2).astype(int)
        colours.append(picture[y, x].astype(int))
    assert np.abs(colours[0] - colours[1]).max() > 100
    others = changing(two, label="somebody else")
    assert np.any(drawn(others) != picture)


def test_what_was_filled_in_is_dashed_and_pale(take: Take) -> None:
    seen = drawn(take)
    guessed = drawn(changing(take, observed=np.zeros(4, bool)))
    joints = joints_of(take)
    a, b = SMPLX_55.indices("left_hip", "left_knee")
    x, y = along(joints[a], joints[b], 60).T
    assert changed(seen)[y, x].all()
    gaps = ~changed(guessed)[y, x]
    assert 0.1 < gaps.mean() < 0.6
    spine = along(*joints[SMPLX_55.indices("spine1", "spine2")], 30).T
    pale = guessed[spine[1], spine[0]].max(0).astype(int)
    assert pale.min() > seen[spine[1], spine[0]].max(0).min() + 50


@pytest.mark.parametrize("ground", [0, 255])
def test_legible_on_black_and_on_white(take: Take, ground: int) -> None:
    picture = np.full((HEIGHT, WIDTH, 3), ground, np.uint8)
    draw_people(picture, take, 0)
    luminance = picture.astype(float) @ [0.299, 0.587, 0.114]
    joints = joints_of(take)
    a, b = SMPLX_55.indices("right_knee", "right_ankle")
    middle = np.rint((joints[a] + joints[b]) / 2).astype(int)
    across = luminance[middle[1], middle[0] - 8 : middle[0] + 9]
    assert across.max() - across.min() > 90


def test_lines_are_thinner_for_smaller_people(take: Take) -> None:
    def ink(distance: float) -> float:
        body = take.people["person-1"].body
        assert body is not None
        away = changing(take, body=replace(body, joints=body.joints + np.array([0, 0, distance])))
        joints = joints_of(away)
        a, b = SMPLX_55.indices("left_hip", "left_ankle")
        length = float(np.linalg.norm(joints[a] - joints[b]))
        middle = round(float(joints[a][1] + joints[b][1]) / 2)
        x = round(float(joints[a][0] + joints[b][0]) / 2)
        row = changed(drawn(away))[middle, x - 12 : x + 13]
        assert length > 10
        return float(row.sum())

    assert ink(0.0) > ink(6.0) >= 2


def test_keypoints_are_drawn_where_there_is_no_body(take: Take) -> None:
    xy = np.full((4, 33, 2), np.nan)
    a, b = MEDIAPIPE_33.indices("left_knee", "left_ankle")
    xy[:, a], xy[:, b] = (300.0, 400.0), (320.0, 520.0)
    bare = changing(take, body=None, keypoints2d=keypoints(xy))
    mask = changed(drawn(bare))
    x, y = along(xy[0, a], xy[0, b]).T
    assert mask[y, x].all()
    assert not mask[:, 500:].any()


def test_keypoints_are_dots_beside_a_body_where_they_are_sure(take: Take) -> None:
    xy = np.full((4, 33, 2), np.nan)
    xy[:, 0] = (100.0, 600.0)
    assert changed(drawn(changing(take, keypoints2d=keypoints(xy))))[600, 100]
    doubtful = changing(take, keypoints2d=keypoints(xy, 0.1))
    assert not changed(drawn(doubtful))[595:606, 95:106].any()


def test_nobody_is_drawn_before_and_after_their_frames() -> None:
    late = make_take(frames=3, first_frame=5, still=True)
    for frame, there in ((4, False), (5, True), (7, True), (8, False)):
        assert changed(drawn(late, frame)).any() == there


def test_a_person_behind_or_far_outside_the_picture_is_no_trouble(take: Take) -> None:
    body = take.people["person-1"].body
    assert body is not None
    for shift in ([0, 0, -10.0], [0, 0, -3.0], [1e5, 0, 0], [np.nan, 0, 0]):
        moved = changing(take, body=replace(body, joints=body.joints + np.array(shift)))
        drawn(moved)


def write_video(path, times: np.ndarray, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    with VideoWriter(path, *size, 30) as writer:
        for time in times:
            writer.write(np.full((size[1], size[0], 3), GREY, np.uint8), float(time))


def test_overlay_keeps_every_frame_at_its_time(tmp_path) -> None:
    times = np.array([0.0, 0.04, 0.1, 0.13, 0.3])
    take = make_take(frames=5, timestamps=times, still=True)
    write_video(tmp_path / "clip.mp4", times)
    told = []
    path = write_overlay(
        take, tmp_path / "clip.mp4", tmp_path / "o.mp4", progress=lambda *now: told.append(now)
    )
    assert path == tmp_path / "o.mp4"
    with open_video(path) as source:
        frames = list(source)
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-4)
    assert told[0] == ("overlay", 0, 5)
    assert told[-1] == ("overlay", 5, 5)
    joints = joints_of(take, frame=3)
    x, y = np.rint(joints[SMPLX_55.indices("spine1", "spine2")].mean(0)).astype(int)
    assert np.abs(frames[3].image[y, x].astype(int) - GREY).max() > 60
    corner = frames[3].image[-100:, :100].astype(int)
    assert np.abs(corner - GREY).max() < 12


def test_a_video_of_another_size_is_refused(tmp_path, take: Take) -> None:
    write_video(tmp_path / "clip.mp4", np.arange(3) / 30, (640, 360))
    with pytest.raises(VideoError, match=r"640×360 pixels.*1280×720"):
        write_overlay(take, tmp_path / "clip.mp4", tmp_path / "o.mp4")
    assert not (tmp_path / "o.mp4").exists()


def test_the_video_itself_is_never_written_over(tmp_path, take: Take) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, np.arange(3) / 30)
    before = clip.read_bytes()
    with pytest.raises(VideoError, match="is the video itself"):
        write_overlay(take, clip, tmp_path / "." / "clip.mp4")
    assert clip.read_bytes() == before


def test_image_folders_too(tmp_path) -> None:
    import cv2

    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), GREY, np.uint8))
    take = make_take(frames=3, fps=10.0, still=True)
    record = VideoRecord(str(folder), "0" * 64, 64, 48, 10.0, np.arange(3) / 10)
    path = write_overlay(replace(take, video=record), folder, tmp_path / "o.mp4")
    with open_video(path) as source:
        assert [frame.time for frame in source] == pytest.approx([0, 0.1, 0.2], abs=1e-4)
