"""A take beside its clip, and wrong ones made of it: python benchmarks/wrong_takes.py TAKE [EVERY].

Masks are made once, from the picture alone, and used for all.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

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


def each(take: Take, change: Callable[[Person], BodyMotion]) -> Take:
    """A take with everybody's motion changed."""
    people = {name: replace(one, body=change(one)) for name, one in take.people.items()}
    return replace(take, people=people)


def at_rows(motion: BodyMotion, rows: np.ndarray) -> BodyMotion:
    """A motion of some of its own frames, the first and the last beyond its ends."""
    rows = np.clip(rows, 0, len(motion.transl) - 1)
    return replace(motion, **{part: getattr(motion, part)[rows] for part in MOVING})


def aside(take: Take, pixels: float) -> Take:
    """Everybody moved to the right in the picture."""
    K, R, t = (part[0] for part in take.camera.at(np.array([0])))

    def change(person: Person) -> BodyMotion:
        away = person.body.transl @ R[2] + t[2]
        step = (pixels * away / K[0, 0])[:, None] * R[0]
        return replace(person.body, transl=person.body.transl + step)

    return each(take, change)


def late(take: Take, frames: int) -> Take:
    """Everybody where they were some frames ago."""
    return each(take, lambda one: at_rows(one.body, np.arange(len(one.frames)) - frames))


def frozen(take: Take) -> Take:
    """Everybody as in the middle of their motion."""
    return each(take, lambda one: at_rows(one.body, np.full(len(one.frames), len(one.frames) // 2)))


def exchanged(take: Take) -> Take:
    """The motion of the first for that of the last, and so on."""
    others = dict(zip(take.people, [*take.people.values()][::-1], strict=True))
    return each(
        take,
        lambda one: at_rows(others[one.id].body, one.frames - others[one.id].frames[0]),
    )


def main() -> None:
    """Print a line for every case and person."""
    take, body = Take.load(sys.argv[1]), load_body()
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
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
        report = compare_with_picture(one, take.video.path, body, StoredMasks(one), every=every)
        for person in report.people:
            print(
                f"{title:22} {person.person}: IoU {person.iou:.3f}, with clothes "
                f"{person.clothed_iou:.3f}, outlines {100 * person.outline_share_of_height:.2f} % "
                f"of height apart, masks in {person.judged_share:.0%} of {person.frames} frames"
            )


if __name__ == "__main__":
    main()
