"""What a body must do to move as a clip does: targets for points that ride on its joints.

A target is about a weighted sum of points: one point for a place, the difference of two for the
direction of a bone. Bones carry the pose and are compared by direction, so that a skeleton whose
hips or shoulders sit elsewhere bends the body no more than its performer bent. Places only hold
the body where it was.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from mocap.datasets.motions.clip import MotionClip
from mocap.fitting.rig import JOINTS, NAMES, Rig
from mocap.geometry import frame_along, rotation_between, unit_vectors

#: Axes that a body part's rotation is compared by, metres from its joint in the rest pose.
_UP, _AHEAD, _LEFT = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])

# How far corpus and body may be apart: radians, metres.
_BONE, _LATERAL, _TRUNK, _HEAD, _FOOT, _HAND = 0.02, 0.05, 0.08, 0.05, 0.06, 0.15
_PLACE, _COLLAR = 0.06, 0.015

_PLACES = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
_LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))


@dataclass(frozen=True)
class Targets:
    """Weighted targets of sums of points.

    Attributes:
        sums: (T, P) what each target sums: +1 and -1 for the ends of a bone.
        wanted: (F, T, 3) metres.
        weight: (F, T) one over the deviation believed, per metre; 0 where nothing is known.
    """

    sums: Float[np.ndarray, "targets points"]
    wanted: Float[np.ndarray, "frames targets 3"]
    weight: Float[np.ndarray, "frames targets"]

    def __getitem__(self, part: slice) -> "Targets":
        return Targets(self.sums, self.wanted[part], self.weight[part])


def jointed(rig: Rig) -> Rig:
    """The rig with its points replaced: 22 joints, then a point up, ahead and left of each."""
    offsets = np.repeat([np.zeros(3), _UP, _AHEAD, _LEFT], JOINTS, axis=0)
    carriers: Int[np.ndarray, " points"] = np.tile(np.arange(JOINTS), 4)
    shapes = rig.joint_directions.shape[-1]
    return Rig(
        rig.joints,
        rig.joint_directions,
        np.full(len(carriers), -1),
        carriers,
        offsets,
        np.zeros((len(carriers), 3, shapes)),
    )


@dataclass
class _Rows:
    """Targets being collected."""

    frames: int
    sums: list[np.ndarray] = field(default_factory=list)
    wanted: list[np.ndarray] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)

    def add(self, parts: dict[int, float], wanted: np.ndarray, spread: float) -> None:
        row = np.zeros(4 * JOINTS)
        for point, share in parts.items():
            row[point] += share
        self.sums.append(row)
        self.wanted.append(np.broadcast_to(wanted, (self.frames, 3)))
        self.weight.append(1.0 / spread)

    def turn(self, joint: str, turn: np.ndarray, spread: float) -> None:
        """A body part's rotation, radians."""
        at = NAMES.index(joint)
        self.add({at + JOINTS: 1.0, at: -1.0}, turn @ _UP, spread)
        self.add({at + 2 * JOINTS: 1.0, at: -1.0}, turn @ _AHEAD, spread)

    def bone(
        self, start: str, end: str, direction: np.ndarray, length: float, spread: float
    ) -> None:
        """A bone's direction, radians; the length is the body's, so that residuals are angles."""
        a, b = NAMES.index(start), NAMES.index(end)
        self.add({b: 1.0 / length, a: -1.0 / length}, direction, spread)

    def done(self) -> Targets:
        wanted = np.stack(self.wanted, 1)
        known = np.isfinite(wanted).all(-1)
        return Targets(np.array(self.sums), np.nan_to_num(wanted), known * np.array(self.weight))


def targets_of(clip: MotionClip, rig: Rig, betas: np.ndarray) -> Targets:
    """The targets of a clip for a body of a shape.

    Args:
        clip: the motion, in metres of about the body's size.
        rig: any rig of the body.
        betas: the shape.
    """
    rest, _ = rig.shaped(betas)
    rows = _Rows(len(clip))
    _places(clip, rows)
    _limbs(clip, rest, rows)
    lean = _lean(clip, rest)
    for joint in ("pelvis", "spine3"):
        turn = clip.turn(joint)
        if turn is not None:
            rows.turn(joint, turn @ lean, _TRUNK)
    head = clip.turn("head")
    if head is not None:
        rows.turn("head", head, _HEAD)
    chest = clip.turn("spine3")
    if chest is None:
        _trunk(clip, rest, rows)
        chest = chest_frame(clip)
    _collars(clip, rest, chest, chest @ lean, rows)
    _feet_and_hands(clip, rest, rows)
    return rows.done()


def chest_frame(clip: MotionClip) -> Float[np.ndarray, "frames 3 3"]:
    """The chest's rotation from where shoulders and hips are, for clips that do not tell it."""
    left, right = _placed(clip, "left_shoulder"), _placed(clip, "right_shoulder")
    below = clip.place("spine3")
    if below is None:
        below = (_placed(clip, "left_hip") + _placed(clip, "right_hip")) / 2
    return frame_along(left - right, (left + right) / 2 - below)


def pelvis_frame(clip: MotionClip) -> Float[np.ndarray, "frames 3 3"]:
    """The pelvis's rotation from where hips and trunk are."""
    left, right = _placed(clip, "left_hip"), _placed(clip, "right_hip")
    above = clip.place("spine3")
    if above is None:
        above = (_placed(clip, "left_shoulder") + _placed(clip, "right_shoulder")) / 2
    return frame_along(left - right, above - (left + right) / 2)


def _placed(clip: MotionClip, name: str) -> np.ndarray:
    place = clip.place(name)
    return np.full((len(clip), 3), np.nan) if place is None else place


def _places(clip: MotionClip, rows: _Rows) -> None:
    for side in ("left", "right"):
        for joint in _PLACES:
            name = f"{side}_{joint}"
            rows.add({NAMES.index(name): 1.0}, _placed(clip, name), _PLACE)


def _limbs(clip: MotionClip, rest: np.ndarray, rows: _Rows) -> None:
    for side in ("left", "right"):
        for a, b in _LIMBS:
            start, end = f"{side}_{a}", f"{side}_{b}"
            direction = unit_vectors(_placed(clip, end) - _placed(clip, start))
            rows.bone(start, end, direction, _span(rest, start, end), _BONE)
    direction = unit_vectors(_placed(clip, "left_hip") - _placed(clip, "right_hip"))
    rows.bone("right_hip", "left_hip", direction, _span(rest, "left_hip", "right_hip"), _LATERAL)
    _upward(clip, rest, rows)


def _upward(clip: MotionClip, rest: np.ndarray, rows: _Rows) -> None:
    """Where the shoulders' middle is from the hips', whatever bends in between."""
    parts, told, mine = {}, np.zeros((len(clip), 3)), np.zeros(3)
    for joint, sign in (("shoulder", 0.5), ("hip", -0.5)):
        for side in ("left", "right"):
            name = f"{side}_{joint}"
            parts[NAMES.index(name)] = sign
            told = told + sign * _placed(clip, name)
            mine = mine + sign * rest[NAMES.index(name)]
    length = float(np.linalg.norm(mine))
    rows.add(
        {point: share / length for point, share in parts.items()}, unit_vectors(told), _TRUNK / 2
    )


def _trunk(clip: MotionClip, rest: np.ndarray, rows: _Rows) -> None:
    """Trunk and head of a clip that tells no rotations."""
    hips = (_placed(clip, "left_hip") + _placed(clip, "right_hip")) / 2
    low = (rest[NAMES.index("left_hip")] + rest[NAMES.index("right_hip")]) / 2
    left, right, chest = (NAMES.index(name) for name in ("left_hip", "right_hip", "spine3"))
    lower, upper = clip.place("spine3"), _placed(clip, "neck")
    if lower is not None:
        length = float(np.linalg.norm(rest[chest] - low))
        parts = {chest: 1 / length, left: -0.5 / length, right: -0.5 / length}
        rows.add(parts, unit_vectors(lower - hips), _TRUNK)
        rows.bone(
            "spine3", "neck", unit_vectors(upper - lower), _span(rest, "spine3", "neck"), _TRUNK
        )
    span = _span(rest, "left_shoulder", "right_shoulder")
    across = unit_vectors(_placed(clip, "left_shoulder") - _placed(clip, "right_shoulder"))
    rows.bone("right_shoulder", "left_shoulder", across, span, _TRUNK)
    if clip.place("head") is not None and clip.turn("head") is None:
        # The head's joint lies elsewhere in every skeleton: only how it strays from its mean tells.
        axes = chest_frame(clip)
        local = np.einsum("fji,fj->fi", axes, unit_vectors(_placed(clip, "head") - upper))
        nod = unit_vectors(rest[NAMES.index("head")] - rest[NAMES.index("neck")])
        wanted = unit_vectors(local - np.nanmean(local, 0) + nod)
        wanted = np.einsum("fij,fj->fi", axes, wanted)
        rows.bone("neck", "head", wanted, _span(rest, "neck", "head"), 2 * _HEAD)


def _lean(clip: MotionClip, rest: np.ndarray) -> Float[np.ndarray, "3 3"]:
    """From the body's trunk to the clip's when both stand upright.

    Skeletons put hips and shoulders in front of the spine or behind it: CMU's trunk leans back by
    eight degrees at rest. What counts is which way hips and shoulders of the performer went.
    """
    ends = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
    theirs = [clip.at_rest(name) for name in ends]
    if any(place is None for place in theirs):
        return np.eye(3)
    lh, rh, ls, rs = (place for place in theirs if place is not None)
    mine = [rest[NAMES.index(name)] for name in ends]
    # A lean to the side would be a crooked skeleton, not a convention.
    straight = [0.0, 1.0, 1.0]
    return rotation_between(
        unit_vectors((mine[2] + mine[3] - mine[0] - mine[1]) * straight),
        unit_vectors((ls + rs - lh - rh) * straight),
    )


def _collars(
    clip: MotionClip, rest: np.ndarray, theirs: np.ndarray, mine: np.ndarray, rows: _Rows
) -> None:
    """Shoulders move against the chest as the performer's did, from the body's own rest.

    ``theirs`` and ``mine`` (F, 3, 3) are the chest's rotations from the clip's and the body's rest.
    """
    base = clip.place("neck")
    if base is None:
        return
    neck = NAMES.index("neck")
    for name in ("left_shoulder", "right_shoulder"):
        local = np.einsum("fji,fj->fi", theirs, _placed(clip, name) - base)
        at, shoulder, root = NAMES.index(name), clip.at_rest(name), clip.at_rest("neck")
        usual = np.nanmean(local, 0) if shoulder is None or root is None else shoulder - root
        wanted = np.einsum("fij,fj->fi", theirs, local - usual) + mine @ (rest[at] - rest[neck])
        rows.add({at: 1.0, neck: -1.0}, wanted, _COLLAR)


def _feet_and_hands(clip: MotionClip, rest: np.ndarray, rows: _Rows) -> None:
    for side in ("left", "right"):
        ankle, ball, wrist = f"{side}_ankle", f"{side}_foot", f"{side}_wrist"
        turn = clip.turn(ankle)
        if turn is not None:
            rows.turn(ankle, turn @ _splay(clip, rest, side), _FOOT)
        elif clip.place(ball) is not None:
            direction = unit_vectors(_placed(clip, ball) - _placed(clip, ankle))
            rows.bone(ankle, ball, direction, _span(rest, ankle, ball), _FOOT)
        at = NAMES.index(wrist)
        turn, middle = clip.turn(wrist), clip.place(f"{side}_middle1")
        if turn is not None:
            # The thumb's side: the same in a T-pose and with arms hanging.
            rows.add({at + 2 * JOINTS: 1.0, at: -1.0}, turn @ _AHEAD, _HAND)
        if middle is not None:
            along = unit_vectors(middle - _placed(clip, wrist))
            outward = 1.0 if side == "left" else -1.0
            rows.add({at + 3 * JOINTS: outward, at: -outward}, along, _HAND)


def _splay(clip: MotionClip, rest: np.ndarray, side: str) -> Float[np.ndarray, "3 3"]:
    """From the body's foot to the clip's when both are at rest: CMU's stand with legs astride.

    A foot at rest is square to its shank, seen from the front.
    """
    names = (f"{side}_knee", f"{side}_ankle")
    knee, ankle = (clip.at_rest(name) for name in names)
    if knee is None or ankle is None:
        return np.eye(3)
    flat = [1.0, 1.0, 0.0]
    mine = rest[NAMES.index(names[1])] - rest[NAMES.index(names[0])]
    return rotation_between(unit_vectors(mine * flat), unit_vectors((ankle - knee) * flat))


def _span(rest: np.ndarray, a: str, b: str) -> float:
    return float(np.linalg.norm(rest[NAMES.index(a)] - rest[NAMES.index(b)]))
