"""A take beside its clip, and wrong ones made of it: python benchmarks/wrong_takes.py TAKE.

Masks are made once, from the picture alone, and used for all.
"""

import argparse
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.assets import fetch
from mocap.body import load_body
from mocap.evaluate import compare_with_picture
from mocap.masks import PictureSegmenter, StoredMasks, with_masks
from mocap.take import BodyMotion, Person, Take

MOVING = (
    *("expression", "global_orient", "body_pose", "left_hand_pose", "right_hand_pose"),
    *("jaw_pose", "transl", "joints"),
)


def each(take: Take, change: Callable[[Person, BodyMotion], BodyMotion]) -> Take:
    """A take with everybody's motion changed."""
    people = {
        name: one if one.body is None else replace(one, body=change(one, one.body))
        for name, one in take.people.items()
    }
    return replace(take, people=people)


def at_rows(motion: BodyMotion, rows: np.ndarray) -> BodyMotion:
    """A motion of some of its own frames, the first and the last beyond its ends."""
    rows = np.clip(rows, 0, len(motion.transl) - 1)
    return replace(motion, **{part: getattr(motion, part)[rows] for part in MOVING})


def aside(take: Take, pixels: float) -> Take:
    """Everybody moved to the right in the picture."""
    K, R, t = (part[0] for part in take.camera.at(np.array([0])))

    def change(_: Person, motion: BodyMotion) -> BodyMotion:
        away = motion.transl @ R[2] + t[2]
        step = (pixels * away / K[0, 0])[:, None] * R[0]
        return replace(motion, transl=motion.transl + step)

    return each(take, change)


def late(take: Take, frames: int) -> Take:
    """Everybody where they were some frames ago."""
    return each(take, lambda one, motion: at_rows(motion, np.arange(len(one.frames)) - frames))


def frozen(take: Take) -> Take:
    """Everybody as in the middle of their motion."""
    return each(
        take, lambda one, motion: at_rows(motion, np.full(len(one.frames), len(one.frames) // 2))
    )


def exchanged(take: Take) -> Take:
    """The motion of the first for that of the last, and so on."""
    fitted = [one for one in take.people.values() if one.body is not None]
    others = {one.id: other for one, other in zip(fitted, fitted[::-1], strict=True)}

    def change(one: Person, _: BodyMotion) -> BodyMotion:
        other = others[one.id]
        assert other.body is not None
        return at_rows(other.body, one.frames - other.frames[0])

    return each(take, change)


def main() -> None:
    """Print a line for every case and person."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("take", type=Path, help="a fitted take.h5, whose clip is where it says")
    parser.add_argument("--every", type=int, default=1, help="look at every so many frames")
    given = parser.parse_args()
    take, body = Take.load(given.take), load_body()
    if all(one.body is None for one in take.people.values()):
        parser.error(f"{given.take}: nobody in it has a motion yet; `mocap fit` makes it")
    with closing(PictureSegmenter(fetch("pose_landmarker"))) as segmenter:
        take = with_masks(take, take.video.path, segmenter)
    cases = {
        "as it is": take,
        "10 pixels aside": aside(take, 10),
        "30 pixels aside": aside(take, 30),
        "five frames late": late(take, 5),
        "frozen at its middle": frozen(take),
        "people exchanged": exchanged(take),
    }
    for title, one in cases.items():
        report = compare_with_picture(
            one, take.video.path, body, StoredMasks(one), every=given.every
        )
        for person in report.people:
            print(
                f"{title:22} {person.person}: IoU {person.iou:.3f}, with clothes "
                f"{person.clothed_iou:.3f}, outlines {100 * person.outline_share_of_height:.2f} % "
                f"of height apart, masks in {person.judged_share:.0%} of {person.frames} frames"
            )


if __name__ == "__main__":
    main()
