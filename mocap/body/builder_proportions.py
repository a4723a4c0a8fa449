"""Human proportions for sampled bodies: MakeHuman's sliders know no anatomy.

Its average adult has a shank a sixth longer than the thigh, and sampled limbs vary more than
people's do: spans three times, the ratio of shank to thigh five times as much. A fit that has to
believe such bodies cannot tell a short bone from a foreshortened one. So each body is moved, along
the bodies' own covariance with their measures, to people's proportions.

Measures are shares of stature and ratios of bones. Where hips, shoulders and ankles are, how wide
they are, and how the arm is divided is MakeHuman's own mean, rounded. Shank and thigh are about
equal in common tables (between joint centres 0.249 and 0.243 of stature in de Leva's men, 1996,
*Journal of Biomechanics* 29(9)); spans are a little more than statures, feet a seventh of them.
Standard deviations are estimates, rounded, of what is usual among adults of both sexes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mocap.skeletons import SMPLX_55

#: Later passes take what was not linear in the first.
_PASSES = 3

#: Skin below this height at rest, in metres above the floor, is the foot's.
_FOOT = 0.05
#: No skin of a finger's last bone is farther from its joint, metres.
_FINGER = 0.05


@dataclass(frozen=True)
class _Spread:
    mean: float
    sd: float


#: Heights, lengths and widths as shares of stature.
_SHARES: dict[str, _Spread] = {
    "hip height": _Spread(0.521, 0.012),
    "ankle height": _Spread(0.044, 0.003),
    "shoulder height": _Spread(0.797, 0.0085),
    "shoulder width": _Spread(0.209, 0.009),
    "hip width": _Spread(0.101, 0.0055),
    "arm": _Spread(0.299, 0.0095),
    "span": _Spread(1.027, 0.022),
    "foot": _Spread(0.1525, 0.0055),
}
#: Logarithms of the lower bone's length over the upper one's.
_RATIOS: dict[str, _Spread] = {
    "crural": _Spread(float(np.log(1.01)), 0.035),
    "brachial": _Spread(float(np.log(0.90)), 0.035),
}


def with_human_proportions(
    vertices: Float[np.ndarray, "samples vertices 3"], joints: Float[np.ndarray, "samples 55 3"]
) -> tuple[Float[np.ndarray, "samples vertices 3"], Float[np.ndarray, "samples 55 3"]]:
    """Bodies whose measures have people's means and standard deviations.

    Whose limbs were long for the others' stay so, nearly in the same order, and what does not go
    with the measures – stature, girth, sex – is nearly left alone.

    Args:
        vertices: bodies that stand with straight legs, arms anyhow, metres.
        joints: theirs.
    """
    foot, fingertip = _places(vertices.mean(axis=0), joints.mean(axis=0))
    wanted = list((_SHARES | _RATIOS).values())
    means, spreads = np.array([w.mean for w in wanted]), np.array([w.sd for w in wanted])
    count = vertices.shape[1]
    stacked = np.concatenate([vertices, joints], axis=1).reshape(len(vertices), -1)
    for _ in range(_PASSES):
        points = stacked.reshape(len(stacked), -1, 3)
        measured = _measures(points[:, :count], points[:, count:], foot, fingertip)
        away = measured - measured.mean(axis=0)
        target = means + away * (spreads / away.std(axis=0))
        # Stature goes along, so that it is held while the shares of it change.
        stature = np.ptp(points[:, :count, 1], axis=1)
        known = np.column_stack([away, stature - stature.mean()])
        change = np.column_stack([target - measured, np.zeros(len(stature))])
        slopes = np.linalg.solve(known.T @ known, known.T @ (stacked - stacked.mean(axis=0)))
        stacked = stacked + change @ slopes
    points = stacked.reshape(len(stacked), -1, 3)
    return points[:, :count], points[:, count:]


def _places(
    vertices: Float[np.ndarray, "vertices 3"], joints: Float[np.ndarray, "55 3"]
) -> tuple[Int[np.ndarray, " chosen"], int]:
    """The skin of the feet, and the tip of the left middle finger."""
    foot = np.flatnonzero(vertices[:, 1] < vertices[:, 1].min() + _FOOT)
    wrist, knuckle = (joints[SMPLX_55.index(f"left_{name}")] for name in ("wrist", "middle3"))
    near = np.linalg.norm(vertices - knuckle, axis=-1) < _FINGER
    reach = np.linalg.norm(vertices - wrist, axis=-1)
    return foot, int(np.argmax(np.where(near, reach, 0.0)))


def _measures(
    vertices: np.ndarray, joints: np.ndarray, foot: Int[np.ndarray, " chosen"], fingertip: int
) -> Float[np.ndarray, "samples measures"]:
    """The measures of :data:`_SHARES`, then those of :data:`_RATIOS`."""
    floor = vertices[..., 1].min(axis=1)
    stature = vertices[..., 1].max(axis=1) - floor

    def at(name: str) -> np.ndarray:
        return joints[:, SMPLX_55.index(name)]

    def apart(a: str, b: str) -> np.ndarray:
        return np.linalg.norm(at(a) - at(b), axis=-1)

    upper, lower = apart("left_shoulder", "left_elbow"), apart("left_elbow", "left_wrist")
    hand = np.linalg.norm(vertices[:, fingertip] - at("left_wrist"), axis=-1)
    thigh, shank = apart("left_hip", "left_knee"), apart("left_knee", "left_ankle")
    shares = {
        "hip height": at("left_hip")[:, 1] - floor,
        "ankle height": at("left_ankle")[:, 1] - floor,
        "shoulder height": at("left_shoulder")[:, 1] - floor,
        "shoulder width": apart("left_shoulder", "right_shoulder"),
        "hip width": apart("left_hip", "right_hip"),
        "arm": upper + lower,
        "span": apart("left_shoulder", "right_shoulder") + 2 * (upper + lower + hand),
        "foot": np.ptp(vertices[:, foot, 2], axis=1),
    }
    ratios = {"crural": np.log(shank / thigh), "brachial": np.log(lower / upper)}
    return np.column_stack(
        [*(shares[name] / stature for name in _SHARES), *(ratios[name] for name in _RATIOS)]
    )
