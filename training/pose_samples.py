"""Poses of the motion corpora, as the fit's coordinates, for learning what bodies do.

Clips are kept apart, so that whole clips and performers can be held out, and so that none counts
for more than its share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.body import Body
from mocap.datasets.motions import Source, sources, to_bodies
from mocap.fitting.freedom import COORDINATES, means, spreads
from mocap.progress import Progress, silent

#: Poses a second: more are nearly copies of one another.
RATE = 12.0
#: Corpora that do not tell how a forearm is turned about its own axis.
_SILENT: dict[str, tuple[str, ...]] = {
    "climbing": ("left_elbow", "right_elbow"),
    "aistpp": ("left_elbow", "right_elbow"),
}
#: Joints that every skeleton has its own idea of straight for: performers' medians are equalled.
_CENTRED = ("neck",)


@dataclass(frozen=True)
class PoseClip:
    """The poses of one clip.

    Attributes:
        corpus: it is of.
        performer: who moves.
        name: of the clip.
        coordinates: (F, C) radians.
    """

    corpus: str
    performer: str
    name: str
    coordinates: Float[np.ndarray, "frames coordinates"]


def collect(
    folder: str | Path, body: Body, *, seed: int = 0, progress: Progress = silent
) -> list[PoseClip]:
    """Every clip of the corpora, turned into motion of the body.

    Args:
        folder: of test data; see :func:`mocap.datasets.motions.sources`.
        body: whose coordinates.
        seed: for what a corpus does not tell, which is drawn from the hand-set spreads.
        progress: called with ``"poses"``, clips done, clips.
    """
    rng = np.random.default_rng(seed)
    everything = sources(folder, body)
    done, found = 0, []
    for group in _by_performer(everything):
        clips = [source.read().resampled(RATE) for source in group]
        motions = to_bodies(clips, body)
        straight = _straight(np.concatenate([m.pose.coordinates for m in motions]))
        for source, motion in zip(group, motions, strict=True):
            drawn = _completed(source.corpus, motion.pose.coordinates - straight, rng)
            found.append(PoseClip(source.corpus, source.performer, motion.name, drawn))
        done += len(group)
        progress("poses", done, len(everything))
    return found


def _straight(coordinates: np.ndarray) -> Float[np.ndarray, " coordinates"]:
    """How far a performer's usual angles are from the usual, where that is the skeleton's doing."""
    centred = [c.joints[0] in _CENTRED for c in COORDINATES]
    return np.where(centred, np.median(coordinates, axis=0) - means(), 0.0)


def _by_performer(everything: Sequence[Source]) -> list[list[Source]]:
    groups: dict[str, list[Source]] = {}
    for source in everything:
        groups.setdefault(source.performer, []).append(source)
    return list(groups.values())


def _completed(corpus: str, coordinates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    out = coordinates.copy()
    for column, coordinate in enumerate(COORDINATES):
        if coordinate.joints[0] in _SILENT.get(corpus, ()) and coordinate.axis == 0:
            out[:, column] = means()[column] + spreads()[column] * rng.normal(size=len(out))
    return out


def mirrored(coordinates: Float[np.ndarray, "*batch coordinates"]) -> np.ndarray:
    """The same poses seen in a mirror: left and right change places.

    Mirroring in the sagittal plane keeps turns about x and reverses those about y and z.
    """
    order, signs = [], []
    names = [(c.joints, c.axis) for c in COORDINATES]
    for joints, axis in names:
        other = tuple(_other_side(joint) for joint in joints)
        order.append(names.index((other, axis)))
        signs.append(1.0 if axis == 0 else -1.0)
    return coordinates[..., order] * np.array(signs)


def _other_side(joint: str) -> str:
    if joint.startswith("left_"):
        return joint.replace("left_", "right_", 1)
    return joint.replace("right_", "left_", 1)


def balanced(
    clips: Sequence[PoseClip], *, most: int = 150, of_performer: int = 1500
) -> Float[np.ndarray, "poses coordinates"]:
    """Poses of many clips and their mirror images, none of them counting for too much.

    Args:
        clips: to draw from, evenly over time.
        most: poses of one clip.
        of_performer: poses of one performer.
    """
    groups: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        chosen = _thinned(clip.coordinates, most)
        groups.setdefault(clip.performer, []).append(chosen)
    kept = [_thinned(np.concatenate(parts), of_performer) for parts in groups.values()]
    poses = np.concatenate(kept)
    return np.concatenate([poses, mirrored(poses)])


def _thinned(poses: np.ndarray, most: int) -> np.ndarray:
    if len(poses) <= most:
        return poses
    return poses[np.linspace(0, len(poses) - 1, most).round().astype(int)]
