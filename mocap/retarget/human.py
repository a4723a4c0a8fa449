"""Motion of a person as a robot needs it: joints, the turns of parts, soles and when they rest.

World: metres, +Y up, as :mod:`mocap.geometry` has it, an even beat, no frame missing.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation, Slerp

from mocap.errors import RetargetError
from mocap.feet import BALL, DEPTH, HEEL, rests_of
from mocap.geometry import rotation_matrices, world_rotations
from mocap.retarget.resting import contradicted, resting
from mocap.skeletons import SMPLX_55
from mocap.take import Take

#: SMPL-X's joints of the body, without hands and face.
JOINTS = 22
NAMES = SMPLX_55.names[:JOINTS]
_PARENTS = SMPLX_55.parents[:JOINTS]
#: Flesh around joints, metres.
_FLESH = 0.05
#: How unevenly frames may come before they are resampled, seconds.
_JITTER = 2e-3
#: Longest gap that is filled in, seconds.
_GAP = 0.5
#: The share of rests on the floor from which somebody counts as standing there too.
_ON_FLOOR = 0.02
#: Share of labels of rest that motion may contradict without a word.
_CONTRADICTED = 0.2

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class HumanMotion:
    """The motion of one person.

    Attributes:
        name: whose.
        fps: frames a second, even.
        joints: (F, 22, 3) SMPL-X's, world metres, +Y up.
        turns: (F, 22, 3, 3) from the axes of the person who stands upright and faces +Z to the
            world's, for every joint.
        contacts: (F, 4) whether left heel, left ball, right heel, right ball rest.
        level: height of what the person stands on, metres.
        sigma: (F, 22) how far joints may be off, metres; None where nobody tells.
        observed: (F,) whether the person was seen.
    """

    name: str
    fps: float
    joints: Float[np.ndarray, "frames 22 3"]
    turns: Float[np.ndarray, "frames 22 3 3"]
    contacts: Bool[np.ndarray, "frames 4"]
    level: float = 0.0
    sigma: Float[np.ndarray, "frames 22"] | None = None
    observed: Bool[np.ndarray, " frames"] | None = None

    def __len__(self) -> int:
        return len(self.joints)

    def place(self, name: str) -> Float[np.ndarray, "frames 3"]:
        """A joint over time."""
        return self.joints[:, NAMES.index(name)]

    def turn(self, name: str) -> Float[np.ndarray, "frames 3 3"]:
        """A joint's turn over time."""
        return self.turns[:, NAMES.index(name)]

    def resampled(self, fps: float) -> "HumanMotion":
        """The same motion at another even rate, from the same first instant."""
        times = np.arange(len(self)) / self.fps
        wanted = np.arange(int(times[-1] * fps + 1e-6) + 1) / fps
        nearest = np.clip(np.rint(wanted * self.fps).astype(int), 0, len(self) - 1)
        joints, turns = _resampled(self.joints, self.turns, times, wanted)
        return replace(
            self,
            fps=float(fps),
            joints=joints,
            turns=turns,
            contacts=self.contacts[nearest],
            sigma=None if self.sigma is None else self.sigma[nearest],
            observed=None if self.observed is None else self.observed[nearest],
        )

    def lifted(self, by: float) -> "HumanMotion":
        """The same motion higher up, metres, with what the person stands on."""
        return replace(self, joints=self.joints + [0.0, by, 0.0], level=self.level + by)

    def leg(self) -> float:
        """From hip to sole with straight knees, metres."""
        lengths = []
        for side in ("left", "right"):
            chain = [self.place(f"{side}_{joint}") for joint in ("hip", "knee", "ankle")]
            bones = np.linalg.norm(np.diff(np.stack(chain), axis=0), axis=-1).sum(0)
            lengths.append(np.median(bones) + sole_points(self.joints, self.turns, side)[1])
        return float(np.mean(lengths))


def sole_points(
    joints: Float[np.ndarray, "frames 22 3"], turns: Float[np.ndarray, "frames 22 3 3"], side: str
) -> tuple[Float[np.ndarray, "frames 3 3"], float]:
    """(F, 3, 3) heel, ball and what is under the ankle, on the sole; the ankle's height over it."""
    hip, knee, ankle, ball = (
        NAMES.index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle", "foot")
    )
    bones = np.linalg.norm(np.diff(joints[:, [hip, knee, ankle]], axis=1), axis=-1)
    leg = float(np.median(bones.sum(1)))
    away = np.einsum("fab,fa->fb", turns[:, ankle], joints[:, ball] - joints[:, ankle])
    rest = np.median(away, axis=0)
    height = float(-rest[1] + DEPTH * leg)
    flat = np.array([rest[0], 0.0, rest[2]])
    local = np.stack([HEEL * flat, BALL * flat, 0 * flat]) - [0.0, height, 0.0]
    placed = joints[:, ankle, None] + np.einsum("fab,pb->fpa", turns[:, ankle], local)
    return placed, height


def human_motion(
    name: str,
    joints: Float[np.ndarray, "frames joints 3"],
    vectors: Float[np.ndarray, "frames parts 3"],
    times: Float[np.ndarray, " frames"],
    *,
    contacts: Float[np.ndarray, "frames 4"] | None = None,
    labels: Float[np.ndarray, "frames 4"] | None = None,
    level: float | None = None,
    sigma: Float[np.ndarray, "frames joints"] | None = None,
    observed: Bool[np.ndarray, " frames"] | None = None,
) -> HumanMotion:
    """Motion of SMPL-X's joints as a robot needs it.

    Args:
        name: whose.
        joints: (F, 22 or more, 3) world metres, +Y up.
        vectors: (F, 22 or more, 3) axis-angle of each against its parent, radians.
        times: (F,) seconds.
        contacts: (F, 4) how likely left heel, left ball, right heel and right ball rest; found by
            speed and height if None. The floor is then put under what rests.
        labels: (F, 4) the same as somebody labelled it, NaN where nobody did: evidence beside speed
            and height where there are no ``contacts``.
        level: height of what the person stands on, metres.
        sigma: (F, 22 or more) how far joints may be off, metres.
        observed: (F,) whether the person was seen.

    Raises:
        RetargetError: there are no two frames, or too many of them are not numbers.
    """
    joints, vectors = np.array(joints[:, :JOINTS], float), np.array(vectors[:, :JOINTS], float)
    if len(joints) < 2:
        count = "one frame" if len(joints) else "no frames"
        raise RetargetError(f"{name}: has {count}; a motion takes two at least")
    times = np.asarray(times, float)
    if not (np.diff(times) > 0).all():
        raise RetargetError(f"{name}: its times do not increase; make the motion anew")
    good = np.isfinite(joints).all((1, 2)) & np.isfinite(vectors).all((1, 2))
    _check_gaps(name, good, times)
    fps = float((len(times) - 1) / (times[-1] - times[0]))
    even = times[0] + np.arange(len(times)) / fps
    shaky = np.abs(times - even).max() > _JITTER
    local = rotation_matrices(np.where(good[:, None, None], vectors, 0.0))
    turns = world_rotations(local, _PARENTS)
    if shaky or not good.all():
        wanted = even if shaky else times
        joints, turns = _resampled(joints[good], turns[good], times[good], wanted)
        nearest = np.clip(np.searchsorted(times, wanted - 0.5 / fps), 0, len(times) - 1)
        contacts = None if contacts is None else contacts[nearest]
        labels = None if labels is None else labels[nearest]
        sigma = None if sigma is None else sigma[nearest]
        observed = (np.ones(len(times), bool) if observed is None else observed)[nearest]
        observed = observed & good[nearest]
    soles = np.concatenate(
        [sole_points(joints, turns, side)[0][:, :2] for side in ("left", "right")], axis=1
    )
    flesh = [row for row, name in enumerate(NAMES) if not name.endswith(("ankle", "foot"))]
    lowest = np.minimum(soles[..., 1].min(1), (joints[:, flesh, 1] - _FLESH).min(1))
    if contacts is not None:
        rests = rests_of(contacts, fps)
    else:
        rests, floor = resting(soles, lowest, labels, fps)
        joints = joints - [0.0, floor, 0.0]
        if labels is not None and (share := contradicted(labels, rests)) > _CONTRADICTED:
            _LOG.warning(
                "%s: of the feet labelled as resting, %d%% move as in the air: these do not rest",
                name,
                round(100 * share),
            )
    return HumanMotion(
        name,
        fps,
        joints,
        turns,
        rests,
        level or 0.0,
        None if sigma is None else np.array(sigma[:, :JOINTS], float),
        observed,
    )


def human_of_person(take: Take, person_id: str) -> HumanMotion:
    """The motion of one person of a take.

    A robot's ground is at 0: who stands on a stage, or below the others' floor, and never on that
    floor, is put on it.

    Raises:
        RetargetError: there is no such person, or nobody has fitted a body to them.
    """
    if person_id not in take.people:
        known = ", ".join(take.people) or "nobody"
        raise RetargetError(f"person {person_id}: not in this take, which has {known}")
    person = take.people[person_id]
    body = person.body
    if body is None:
        raise RetargetError(f"{person_id}: has no body motion yet; `mocap fit` makes it")
    frames = len(body.transl)
    pose = np.concatenate([body.global_orient, body.body_pose], 1).reshape(frames, -1, 3)
    found = human_motion(
        person_id,
        body.joints,
        pose,
        take.times(person),
        contacts=None if person.contacts is None else person.contacts.stacked(),
        level=None if person.contacts is None else person.contacts.level,
        sigma=body.joint_sigma,
        observed=person.observed,
    )
    return found if _knows_the_floor(found) else found.lifted(-found.level)


def _knows_the_floor(motion: HumanMotion) -> bool:
    """Whether somebody who stands on something else also stands on the floor."""
    sides = ("left", "right")
    soles = [sole_points(motion.joints, motion.turns, side)[0][:, :2, 1] for side in sides]
    heights = np.concatenate(soles, axis=1)[motion.contacts]
    if not len(heights) or motion.level == 0.0:
        return True
    on_floor = np.abs(heights) < np.abs(heights - motion.level)
    return bool(motion.level > 0 and on_floor.mean() > _ON_FLOOR)


def _check_gaps(name: str, good: np.ndarray, times: np.ndarray) -> None:
    if good.sum() < 2:
        raise RetargetError(f"{name}: has no two frames that are numbers; make the motion anew")
    usual = float(np.median(np.diff(times)))
    edges = np.flatnonzero(np.diff(np.concatenate([[True], good, [True]])))
    for first, after in edges.reshape(-1, 2):
        start = times[first - 1] if first else times[0]
        missing = float(times[min(after, len(times) - 1)] - start) - (usual if first else 0.0)
        if missing > _GAP:
            raise RetargetError(
                f"{name}: is not a number for {missing:.2f} s from {times[first]:.2f} s on; "
                "cut the motion there, or fit it again"
            )


def _resampled(
    joints: np.ndarray, turns: np.ndarray, times: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Joints and turns at other times; beyond the ends, those of the ends."""
    wanted = np.clip(wanted, times[0], times[-1])
    placed = PchipInterpolator(times, joints.reshape(len(joints), -1))(wanted)
    spun = [
        Slerp(times, Rotation.from_matrix(turns[:, joint]))(wanted).as_matrix()
        for joint in range(turns.shape[1])
    ]
    return placed.reshape(len(wanted), *joints.shape[1:]), np.stack(spun, 1)
