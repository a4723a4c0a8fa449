"""A take beside its own clip: the right one lies on the people, wrong ones do not."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from mocap.body import Body
from mocap.errors import MaskError, VideoError
from mocap.evaluate import RenderedVideo, compare_with_picture, through_lens
from mocap.evaluate.outlines import overlap
from mocap.masks import (
    LightSegmenter,
    PictureSegmenter,
    SilhouetteDrawer,
    StoredMasks,
    with_masks,
)
from mocap.take import BodyMotion, Take
from mocap.video import VideoWriter, open_video

#: Parts of a motion that are of each frame.
_MOVING = (
    *("expression", "global_orient", "body_pose", "left_hand_pose", "right_hand_pose"),
    *("jaw_pose", "transl", "joints"),
)


@pytest.fixture(scope="module")
def take(pair_take, pair_clip, pose_bundle) -> Take:
    """With masks that the picture told."""
    with closing(PictureSegmenter(pose_bundle)) as segmenter:
        return with_masks(pair_take, pair_clip, segmenter)


def measured(take: Take, body: Body, **options):
    report = compare_with_picture(take, take.video.path, body, StoredMasks(take), **options)
    return {one.person: one for one in report.people}


def each(take: Take, change: Callable[[str, BodyMotion], BodyMotion]) -> Take:
    people = {
        name: replace(person, body=change(name, person.body))
        for name, person in take.people.items()
    }
    return replace(take, people=people)


def at_rows(motion: BodyMotion, rows: np.ndarray) -> BodyMotion:
    return replace(motion, **{part: getattr(motion, part)[rows] for part in _MOVING})


def shifted(take: Take, pixels: float) -> Take:
    """Everybody moved to the right in the picture."""
    K, R, t = (part[0] for part in take.camera.at(np.array([0])))

    def change(_: str, motion: BodyMotion) -> BodyMotion:
        away = motion.transl @ R[2] + t[2]
        aside = (pixels * away / K[0, 0])[:, None] * R[0]
        return replace(motion, transl=motion.transl + aside, joints=motion.joints + aside[:, None])

    return each(take, change)


def frozen(take: Take) -> Take:
    return each(take, lambda _, motion: at_rows(motion, np.zeros(len(motion.transl), int)))


def swapped(take: Take) -> Take:
    one, other = take.people.values()
    assert np.array_equal(one.frames, other.frames)
    theirs = {one.id: other.body, other.id: one.body}
    return each(take, lambda name, _: theirs[name])


def test_the_right_take_lies_on_its_people(pair_take, body, pose_bundle):
    done = []
    with closing(PictureSegmenter(pose_bundle)) as segmenter:
        report = compare_with_picture(
            pair_take,
            pair_take.video.path,
            body,
            segmenter,
            every=2,
            progress=lambda *step: done.append(step),
        )
    assert done[0] == ("comparing", 0, 24)
    assert done[-1] == ("comparing", 24, 24)
    assert "alone" in report.masks
    assert len(report.people) == 2
    for one in report.people:
        assert one.frames == 12
        assert one.judged_share >= 0.9
        assert one.agrees
        assert one.iou >= 0.7
        assert one.clothed_iou >= 0.75
        assert one.clothed_iou >= one.iou
        assert 0 < one.outline_share_of_height < 0.025
        assert 0 < one.beyond_px < 10
        assert len(one.each) >= 11
        by_frame = {found.frame: found.iou for found in one.each}
        assert by_frame[one.worst[0]] == min(by_frame.values())
        assert np.isnan(one.psnr_db)


@pytest.mark.parametrize(
    ("wrong", "most"),
    [
        (lambda take: shifted(take, 30.0), 0.4),
        (lambda take: shifted(take, -30.0), 0.4),
        (frozen, 0.55),
        (swapped, 0.02),
    ],
    ids=["30 px to the right", "30 px to the left", "frozen", "swapped"],
)
def test_wrong_takes_do_not(take, body, wrong, most):
    right, found = measured(take, body, every=2), measured(wrong(take), body, every=2)
    for name, one in found.items():
        assert one.agrees is False, name
        assert one.clothed_iou < most, name
        assert one.iou < right[name].iou - 0.2
        assert one.outline_px > 2 * right[name].outline_px


def test_a_wrong_take_cannot_vouch_for_itself(take, body, pose_bundle):
    """Masks that `mocap masks` makes of a shifted take follow it somewhat: they are not asked."""
    wrong = shifted(take, 12.0)
    with closing(LightSegmenter(pose_bundle, body)) as segmenter:
        held = with_masks(wrong, wrong.video.path, segmenter)
        with pytest.raises(MaskError, match="can judge nothing"):
            compare_with_picture(held, held.video.path, body, segmenter)
    drawer = SilhouetteDrawer(held, body)
    gains = []
    for frame in range(0, 24, 6):
        for name, drawn in drawer.draw(frame).seen.items():
            masks = held.people[name].masks.at(frame), take.people[name].masks.at(frame)
            if all(mask is not None for mask in masks):
                follows, stays = (overlap(drawn, mask) for mask in masks)
                gains.append(follows - stays)
    assert np.mean(gains) > 0.02


def test_too_few_frames_say_nothing(take, body):
    person = take.people["person-1"]
    lengths = np.split(person.masks.rle, np.cumsum(person.masks.runs)[:-1])
    few = [one if row < 4 else None for row, one in enumerate(lengths)]
    masks = type(person.masks).of(few, take.video.width, take.video.height, "few")
    people = {**take.people, "person-1": replace(person, masks=masks)}
    found = measured(replace(take, people=people), body)
    assert found["person-1"].agrees is None
    assert found["person-1"].judged_share == pytest.approx(4 / 24)
    assert found["person-2"].agrees


def test_one_person_only(take, body):
    assert set(measured(take, body, person="person-2", every=8)) == {"person-2"}


def test_a_demand_of_ones_own(take, body):
    assert not any(one.agrees for one in measured(take, body, every=8, least=0.99).values())


def test_nobody_in_the_pictures(take, body, tmp_path):
    """Of a clip that shows nobody, masks of the picture alone know nobody."""
    unseen = {
        name: replace(
            person,
            masks=replace(
                person.masks, rle=np.zeros(0, np.uint32), runs=np.zeros_like(person.masks.runs)
            ),
        )
        for name, person in take.people.items()
    }
    with pytest.raises(MaskError, match="nobody could be made out"):
        measured(replace(take, people=unseen), body)


@pytest.fixture(scope="module")
def splats(take, body) -> Callable[[int], tuple[torch.Tensor, torch.Tensor]]:
    """Everybody's surface as blobs, coloured by the clip's first picture."""
    pytest.importorskip("numba", reason="numba is not installed")
    from mocap.avatar import Gaussians, constant_harmonics, render

    with open_video(take.video.path) as video:
        picture = next(iter(video)).image / 255.0
    surfaces, colours = {}, []
    for name, person in take.people.items():
        with torch.no_grad():
            posed = body.forward(person.body, return_vertices=True)
        surfaces[name] = posed.vertices
        at = take.camera.project(posed.vertices[:1].double().numpy(), np.array([0]))[0]
        x, y = np.clip(at, 0, [take.video.width - 1, take.video.height - 1]).astype(int).T
        colours.append(picture[y, x])
    harmonics = constant_harmonics(torch.as_tensor(np.concatenate(colours)).float())
    count = len(harmonics)

    def pictures(frame: int) -> tuple[torch.Tensor, torch.Tensor]:
        means = torch.cat([surface[frame] for surface in surfaces.values()]).float()
        found = render(
            Gaussians(
                means,
                torch.full((count, 3), 0.008),
                torch.tensor([1.0, 0, 0, 0]).expand(count, 4),
                torch.full((count,), 0.9),
                harmonics,
            ),
            take.camera,
            (take.video.width, take.video.height),
        )
        return found.colour, found.alpha

    return pictures


@pytest.mark.slow
def test_avatars_are_measured(take, body, splats, tmp_path):
    right = measured(take, body, pictures=splats, every=6)
    frozen_in = measured(take, body, pictures=lambda _: splats(0), every=6)

    def nobody(frame: int) -> tuple[torch.Tensor, torch.Tensor]:
        colour, alpha = splats(frame)
        return torch.zeros_like(colour), torch.zeros_like(alpha)

    absent = measured(take, body, pictures=nobody, every=6)
    for name, one in right.items():
        assert 12 < one.psnr_db < 30
        assert 0.5 < one.ssim < 1
        assert one.avatar_iou > 0.65
        for other in (frozen_in[name], absent[name]):
            assert one.psnr_db > other.psnr_db + 0.5
            assert one.avatar_iou > other.avatar_iou + 0.1
        assert absent[name].avatar_iou == 0.0
        assert one.ssim > absent[name].ssim

    path = tmp_path / "avatars.mp4"
    with VideoWriter(path, take.video.width, take.video.height, take.video.fps, crf=4) as writer:
        for frame in range(24):
            colour = splats(frame - frame % 6)[0]
            writer.write((255 * colour.clamp(0, 1)).round().byte().numpy())
    filmed = measured(take, body, pictures=RenderedVideo(path, take), every=6)
    for name, one in right.items():
        assert filmed[name].psnr_db == pytest.approx(one.psnr_db, abs=0.7)
        assert filmed[name].ssim == pytest.approx(one.ssim, abs=0.05)
        assert filmed[name].avatar_iou == pytest.approx(one.avatar_iou, abs=0.12)


def test_who_is_not_shown_is_compared_with_no_avatar(take, body):
    height, width = take.video.height, take.video.width

    def nobody(_: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(height, width, 3), torch.zeros(height, width)

    first, second = take.people
    found = measured(take, body, pictures=nobody, shown=[second], every=12)
    assert np.isnan([found[first].psnr_db, found[first].ssim, found[first].avatar_iou]).all()
    assert found[first].iou > 0.5
    assert found[second].psnr_db > 0
    assert found[second].avatar_iou == 0.0


def test_avatars_of_another_size_are_refused(take, body, tmp_path):
    with pytest.raises(ValueError, match="the video has"):
        measured(take, body, pictures=lambda _: (torch.zeros(9, 9, 3), torch.zeros(9, 9)))
    path = tmp_path / "small.mp4"
    with VideoWriter(path, 64, 64, 30.0) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(VideoError, match="render it as large as the clip"):
        RenderedVideo(path, take)


def test_a_video_of_avatars_that_ends_early(take, tmp_path):
    path = tmp_path / "short.mp4"
    with VideoWriter(path, take.video.width, take.video.height, take.video.fps) as writer:
        writer.write(np.zeros((take.video.height, take.video.width, 3), np.uint8))
    pictures = RenderedVideo(path, take)
    colour, alpha = pictures(0)
    assert colour.sum() == alpha.sum() == 0
    with pytest.raises(VideoError, match="has no frame 1"):
        pictures(1)


def test_beyond_a_pinholes_picture_there_is_what_a_barrel_shows(take):
    width, height = take.video.width, take.video.height
    bending = replace(take.camera, distortion=np.array([-0.25, 0.05, 0.0, 0.0]))
    columns, rows = bending.border(width, height, 0)
    white = torch.ones(height + 2 * rows, width + 2 * columns)
    lens = replace(take, camera=bending)
    seen = through_lens(lambda _: (white[..., None].expand(*white.shape, 3), white), lens)(0)[1]
    assert seen.shape == (height, width)
    assert torch.allclose(seen, torch.ones_like(seen))
    less = white[rows:-rows, columns:-columns]
    seen = through_lens(lambda _: (less[..., None].expand(*less.shape, 3), less), lens)(0)[1]
    assert seen.mean() < 0.97


def test_a_lens_bends_pictures_as_it_bends_points(take):
    """A dot that a pinhole shows is where the lens shows the point it is of."""
    size = take.video.height, take.video.width
    straight = replace(take.camera, distortion=None)
    bending = replace(take.camera, distortion=np.array([-0.25, 0.05, 0.0, 0.0]))
    point = take.people["person-1"].body.joints[:1, 15:16]
    frames = np.array([0])
    x, y = straight.project(point, frames)[0, 0]
    rows, columns = torch.meshgrid(*(torch.arange(side) + 0.5 for side in size), indexing="ij")
    dot = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)
    dot.requires_grad_()

    def pictures(_: int) -> tuple[torch.Tensor, torch.Tensor]:
        return dot[..., None].expand(*size, 3), dot

    assert through_lens(pictures, take) is pictures
    colour, alpha = through_lens(pictures, replace(take, camera=bending))(0)
    middle = torch.stack([(alpha * columns).sum(), (alpha * rows).sum()]) / alpha.sum()
    wanted = bending.project(point, frames)[0, 0]
    assert np.abs(middle.detach().numpy() - wanted).max() < 0.5
    assert np.linalg.norm(wanted - [x, y]) > 5
    assert torch.allclose(colour[..., 1], alpha)
    # Pictures that show more around the clip's are as good.
    wider = torch.nn.functional.pad(dot, (80, 80, 30, 30))
    lens = replace(take, camera=bending)
    again = through_lens(lambda _: (wider[..., None].expand(*wider.shape, 3), wider), lens)(0)[1]
    assert torch.allclose(again, alpha, atol=1e-4)
    alpha.sum().backward()
    assert dot.grad.abs().sum() > 0
