"""Films of avatars: whole, with their times, or not at all; and into the clip's own pictures."""

from dataclasses import replace

import av
import numpy as np
import pytest
import torch
from takes import embodied, make_take

from avatar.filmed import FPS, SIZE, Filmed, filmed
from mocap.avatar import Act, act_of, film, film_over, orbit, seen_in, surface_avatar
from mocap.avatar.colouring import with_colours
from mocap.body import Body
from mocap.errors import VideoError
from mocap.geometry import Camera
from mocap.masks import SilhouetteDrawer
from mocap.video import open_video


@pytest.fixture(scope="module")
def clip(body: Body, tmp_path_factory) -> Filmed:
    return filmed(tmp_path_factory.mktemp("clip"), body, people=2, frames=8)


@pytest.fixture(scope="module")
def acts(clip: Filmed) -> list:
    return [
        act_of(avatar.thinned(1000), clip.take.people[name])
        for name, avatar in clip.avatars.items()
    ]


def pictures(path) -> list[np.ndarray]:
    with open_video(path) as video:
        return [frame.image.astype(int) for frame in video]


def test_a_film_has_all_frames_at_their_times(acts, tmp_path):
    # The clip's beat was not even.
    times = np.array([0.0, 0.1, 0.2, 0.35, 0.4, 0.5, 0.6, 0.7])
    views = orbit([act.pelvis for act in acts], (96, 64), 0.5, FPS)
    told = []
    path = tmp_path / "round.mp4"
    found = film(acts, views, (96, 64), times, FPS, path, progress=lambda *step: told.append(step))
    assert found == path
    assert told == [("filming", done, 8) for done in range(9)]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert (stream.width, stream.height, len(frames)) == (96, 64, 8)
        np.testing.assert_allclose([float(frame.time) for frame in frames], times, atol=1e-3)
    # The studio is light; the people in it are not, and move.
    seen = pictures(path)
    assert np.mean(seen[0][:8]) > 200
    assert all(np.ptp(one) > 60 for one in seen)
    assert np.abs(seen[0] - seen[7]).mean() > 1


def test_a_plain_background_is_plain_where_nobody_is(acts, tmp_path):
    shifted = [replace(act, frames=act.frames + 2) for act in acts]
    view = orbit([acts[0].pelvis], (64, 64), 0.0, FPS)[:1]
    path = film(
        shifted,
        view,
        (64, 64),
        np.arange(4) / FPS,
        FPS,
        tmp_path / "g.mp4",
        background=(0.0, 1.0, 0.0),
    )
    seen = pictures(path)
    assert len(seen) == 4
    for one in seen[:2]:
        assert np.abs(one - [0, 255, 0]).max() <= 6
    assert np.abs(seen[2] - [0, 255, 0]).max() > 100


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
def test_whoever_stops_it_finds_nothing_there(acts, clip, tmp_path, fault):
    def stop(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise fault

    path = tmp_path / "half.mp4"
    views = orbit([acts[0].pelvis], (32, 32), 0.0, FPS)
    threads = torch.get_num_threads()
    with pytest.raises(fault):
        film(acts, views, (32, 32), np.arange(8) / FPS, FPS, path, progress=stop)
    with pytest.raises(fault):
        film_over(acts, clip.take.camera, clip.video, FPS, path, progress=stop)
    assert list(tmp_path.iterdir()) == []
    assert torch.get_num_threads() == threads


def test_names_that_cannot_be_are_refused_first(acts, clip, tmp_path):
    def untouched(view, size):
        raise AssertionError("rendered in vain")

    for name in ("film.gif", "no folder/film.mp4"):
        with pytest.raises(VideoError):
            film(acts, [], (32, 32), np.arange(8), FPS, tmp_path / name, background=untouched)
        with pytest.raises(VideoError):
            film_over(acts, clip.take.camera, clip.video, FPS, tmp_path / name)
    before = clip.video.read_bytes()
    with pytest.raises(VideoError, match="is the clip itself"):
        film_over(acts, clip.take.camera, clip.video, FPS, clip.video)
    assert clip.video.read_bytes() == before
    there = tmp_path / "there.mp4"
    there.write_bytes(b"earlier")
    with pytest.raises(VideoError, match=r"gone\.mp4"):
        film_over(acts, clip.take.camera, tmp_path / "gone.mp4", FPS, there)
    assert there.read_bytes() == b"earlier"


def test_in_the_clip_avatars_cover_their_people(clip, tmp_path):
    green = torch.tensor([0.0, 1.0, 0.0])
    found = pictures(
        film_over(
            [
                act_of(with_colours(one, green.expand(len(one), 3)), clip.take.people[name])
                for name, one in clip.avatars.items()
            ],
            clip.take.camera,
            clip.video,
            FPS,
            tmp_path / "over.mp4",
        )
    )
    before = pictures(clip.video)
    assert len(found) == len(before) == 8
    assert found[0].shape == (SIZE[1], SIZE[0], 3)
    for frame, (shown, picture) in enumerate(zip(found, before, strict=True)):
        covered = np.any([person.masks.at(frame) for person in clip.take.people.values()], 0)
        assert np.abs(shown - [0, 255, 0])[covered].mean() < 20
        assert np.abs(shown - picture)[~covered].mean() < 4


def test_who_was_made_for_it_is_filmed_antialiased_and_whoever_is_with_others_as_they_are(
    acts, clip
):
    camera = replace(clip.take.camera, K=0.3 * clip.take.camera.K)
    classic = [replace(act, avatar=replace(act.avatar, antialiased=False)) for act in acts]

    def covered(*some: Act) -> float:
        planes = seen_in(some, camera, (96, 72), 0)
        assert planes is not None
        return float(planes[..., 3].sum())

    assert covered(*acts) < 0.95 * covered(*classic)
    assert covered(acts[0], classic[1]) == covered(*classic)


def test_frames_without_anybody_are_the_clips(acts, clip, tmp_path):
    late = [
        replace(act, frames=act.frames[:4] + 4, pose=act.pose, pelvis=act.pelvis[:4])
        for act in acts[:1]
    ]
    # Elsewhere than the clip's person, so that one sees it.
    aside = replace(late[0].pose, transl=late[0].pose.transl + torch.tensor([0.7, 0.0, 0.0]))
    found = pictures(
        film_over(
            [replace(late[0], pose=aside)],
            clip.take.camera,
            clip.video,
            FPS,
            tmp_path / "late.mp4",
        )
    )
    before = pictures(clip.video)
    changed = [np.abs(a - b).mean() for a, b in zip(found, before, strict=True)]
    assert max(changed[:4]) < 3
    assert min(changed[4:]) > 1.5 * max(changed[:4])


def test_a_bent_lens_bends_avatars_as_it_bent_people(body, tmp_path):
    bent = filmed(tmp_path, body, frames=3, lens=(-0.3, 0.08, 0.0, 0.0, 0.0))
    avatar, person = bent.avatars["person-1"], bent.take.people["person-1"]
    over = film_over(
        [act_of(avatar, person)], bent.take.camera, bent.video, FPS, tmp_path / "over.mp4"
    )
    straight = replace(bent.take.camera, distortion=None)
    wrong = film_over([act_of(avatar, person)], straight, bent.video, FPS, tmp_path / "wrong.mp4")
    before = pictures(bent.video)
    off, off_wrong = (
        np.mean([np.abs(a - b).mean() for a, b in zip(pictures(path), before, strict=True)])
        for path in (over, wrong)
    )
    assert off < 3
    assert off_wrong > 1.3 * off


def test_who_is_at_the_border_of_a_barrel_lens_is_whole(body):
    """Where a pinhole's picture has long ended."""
    width, height = SIZE
    take = embodied(make_take(frames=2, still=True), body)
    camera = replace(
        Camera.assumed(*SIZE, field_of_view=np.pi / 2),
        t=np.array([[-2.9, 0.95, 0.0]]),
        distortion=np.array([-0.25, 0.05, 0.0, 0.0]),
    )
    take = replace(take, camera=camera, video=replace(take.video, width=width, height=height))
    person = take.people["person-1"]
    ends = camera.project(person.body.joints[:1], np.array([0]))[0]
    straight = replace(camera, distortion=None).project(person.body.joints[:1], np.array([0]))[0]
    assert ends.min() > 0
    assert np.mean(straight[:, 0] < 0) > 0.3
    told = SilhouetteDrawer(take, body).draw(0).whole["person-1"]
    avatar = surface_avatar(body, torch.from_numpy(person.body.betas).float(), 4000)
    planes = seen_in([act_of(avatar, person)], camera, SIZE, 0)
    assert planes.shape == (height, width, 4)
    shown = planes[..., 3] > 0.5
    assert (shown & told).sum() > 0.97 * told.sum()
    assert shown.sum() < 1.3 * told.sum()
