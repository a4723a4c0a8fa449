"""The direction of gravity in one uncalibrated camera, from all that hints at it.

Three cues are weighed against each other, each with the tails it has in life: cameras are held
nearly level, but some are not at all; people stand upright, but may lean; edges that people built
are plumb or level, but some are neither. None is trusted beyond its tails, so two that agree
outvote a third. The posterior is computed on a grid of directions, then more finely where it peaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.geometry import Camera
from mocap.scene.verticals import vertical_log_likelihood

#: A direction a person stands along, camera axes, and how far off it may be, radians.
Lean = tuple[Float[np.ndarray, "3"], float]

#: How far "up" may be from the picture's own, and how densely it is sought.
_REACH, _COARSE = np.deg2rad([50.0, 1.25])
#: How wide peaks of the posterior are, at most, and how densely they are sampled.
_WIDTH, _FINE = np.deg2rad([3.5, 0.25])
#: A camera's usual roll and pitch (positive up: most look a little down), and how far off these
#: commonly are; few cameras are far off, hence the heavy tails.
_ROLL, _ROLL_SCALE = np.deg2rad([0.0, 3.5])
_PITCH, _PITCH_SCALE = np.deg2rad([-8.0, 12.0])
_CAMERA_TAIL, _LEAN_TAIL = 2.5, 4.0
#: Peaks that are looked at closely.
_PEAKS = 5
#: No "up" from one picture is better than this: walls lean, lenses bend, focal lengths are guesses.
_LEAST_SIGMA = np.deg2rad(1.0)
#: What a cue must tell beyond the others to be named, nats.
_TELLING = 0.2

_LINES, _PEOPLE, _CAMERA = (
    "vertical lines in the picture",
    "how people stand",
    "the camera, taken as level",
)


@dataclass(frozen=True)
class Gravity:
    """Where "up" is.

    Attributes:
        up: unit vector, camera axes (x right, y down, z forward).
        sigma: how far off it may be: root mean square of the angle, radians.
        source: the cues that decided, in words, the most telling first.
    """

    up: Float[np.ndarray, "3"]
    sigma: float
    source: str


def find_gravity(
    segments: Float[np.ndarray, "segments 4"],
    K: Float[np.ndarray, "3 3"],
    lean: Sequence[Lean] = (),
    *,
    focal_sigma: float = 0.15,
) -> Gravity:
    """The likeliest "up", within 50 degrees of the picture's.

    Args:
        segments: straight edges x0 y0 x1 y1, pixels; may be none.
        K: intrinsics, pixels.
        lean: a direction for each person who stands, feet to neck, and its uncertainty.
        focal_sigma: how far off the focal length may be, a share of it; it sways the pitch.
    """
    evidence = _Evidence(np.asarray(segments, float).reshape(-1, 4), np.asarray(K, float), lean)
    coarse = _directions(_disc(_REACH, _COARSE))
    cues = evidence.cues(coarse)
    total = _sum(cues)
    # The heaviest peak, not the highest: a lucky alignment of strays is high but thin.
    peaks = [_Peak.at(centre, evidence) for centre in _summits(coarse, total)]
    best = max(peaks, key=lambda peak: peak.log_mass)
    best = _Peak.at(best.ups[np.argmax(best.density)], evidence)
    sigma = _spread(best, coarse, total)
    tilt = 0.5 * np.sin(2.0 * np.arcsin(best.up[2])) * focal_sigma
    return Gravity(best.up, float(np.hypot(np.hypot(sigma, tilt), _LEAST_SIGMA)), _named(cues))


def camera_gravity(
    camera: Camera,
    segments: Float[np.ndarray, "segments 4"] | None,
    lean: Sequence[Lean] = (),
) -> Gravity:
    """Up in a camera's axes, in its first frame: told with it, or found.

    Args:
        camera: who looks.
        segments: straight edges x0 y0 x1 y1 as its lens shows them, pixels; None or none.
        lean: as for :func:`find_gravity`.
    """
    if camera.gravity_given:
        return Gravity(camera.R[0] @ [0.0, 1.0, 0.0], 0.0, "given with the camera")
    ends = np.zeros((0, 2, 2)) if segments is None else np.reshape(segments, (-1, 2, 2))
    straight = camera.undistort(ends, np.zeros(len(ends), int)).reshape(-1, 4)
    straight = straight[np.isfinite(straight).all(1)]
    doubt = {"focal_sigma": 0.0} if camera.source == "given" else {}
    return find_gravity(straight, camera.K[0], lean, **doubt)


@dataclass(frozen=True)
class _Evidence:
    segments: Float[np.ndarray, "segments 4"]
    K: Float[np.ndarray, "3 3"]
    lean: Sequence[Lean]

    def cues(self, ups: Float[np.ndarray, "candidates 3"]) -> dict[str, np.ndarray]:
        """What each cue there is says of candidates: (C,) log densities, by its name."""
        told = {_CAMERA: _camera_log_prior(ups)}
        if len(self.segments):
            told[_LINES] = vertical_log_likelihood(self.segments, self.K, ups)
        if len(self.lean):
            told[_PEOPLE] = np.sum([_lean_log_density(ups, *one) for one in self.lean], axis=0)
        return told


def _camera_log_prior(ups: Float[np.ndarray, "candidates 3"]) -> Float[np.ndarray, " candidates"]:
    roll = np.arctan2(ups[:, 0], -ups[:, 1])
    pitch = np.arcsin(np.clip(ups[:, 2], -1.0, 1.0))
    return _student((roll - _ROLL) / _ROLL_SCALE, _CAMERA_TAIL, 1) + _student(
        (pitch - _PITCH) / _PITCH_SCALE, _CAMERA_TAIL, 1
    )


def _lean_log_density(
    ups: Float[np.ndarray, "candidates 3"], direction: Float[np.ndarray, "3"], sigma: float
) -> Float[np.ndarray, " candidates"]:
    cosine = ups @ (np.asarray(direction) / np.linalg.norm(direction))
    return _student(np.arccos(np.clip(cosine, -1.0, 1.0)) / sigma, _LEAN_TAIL, 2)


def _student(z: np.ndarray, tail: float, dimensions: int) -> np.ndarray:
    """Log density of Student's t distribution, but for a constant."""
    return -0.5 * (tail + dimensions) * np.log1p(z**2 / tail)


def _disc(radius: float, step: float) -> Float[np.ndarray, "points 2"]:
    """Points of a square grid within a radius of its middle."""
    axis = np.arange(-np.floor(radius / step), np.floor(radius / step) + 1) * step
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    return points[np.hypot(*points.T) <= radius * (1 + 1e-9)]


def _directions(turns: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 3"]:
    """The picture's up turned to the right and forward, radians, along great circles."""
    angle = np.hypot(*turns.T)
    side = turns * np.sinc(angle / np.pi)[:, None]
    return np.stack([side[:, 0], -np.cos(angle), side[:, 1]], -1)


def _around(
    centre: Float[np.ndarray, "3"], radius: float, step: float
) -> Float[np.ndarray, "points 3"]:
    """Unit vectors on a grid about a direction that is not the camera's own."""
    right = np.cross(centre, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    turns = np.tan(_disc(radius, step))
    near = centre + turns @ np.stack([right, np.cross(right, centre)])
    return near / np.linalg.norm(near, axis=-1, keepdims=True)


def _summits(
    ups: Float[np.ndarray, "candidates 3"], density: Float[np.ndarray, " candidates"]
) -> list[np.ndarray]:
    """The highest candidates that are well apart."""
    found: list[np.ndarray] = []
    for index in np.argsort(-density):
        if all(ups[index] @ other < np.cos(_WIDTH) for other in found):
            found.append(ups[index])
        if len(found) == _PEAKS:
            break
    return found


@dataclass(frozen=True)
class _Peak:
    """A peak of the posterior, finely sampled.

    Attributes:
        ups: (C, 3) unit vectors about it.
        density: (C,) their log densities.
        up: (3,) the posterior's mean among them.
        log_mass: logarithm of the posterior among them.
    """

    ups: Float[np.ndarray, "candidates 3"]
    density: Float[np.ndarray, " candidates"]
    up: Float[np.ndarray, "3"]
    log_mass: float

    @classmethod
    def at(cls, centre: Float[np.ndarray, "3"], evidence: _Evidence) -> "_Peak":
        ups = _around(centre, _WIDTH, _FINE)
        density = _sum(evidence.cues(ups))
        weight = np.exp(density - density.max())
        mean = weight @ ups
        mass = density.max() + np.log(weight.sum() * _FINE**2)
        return cls(ups, density, mean / np.linalg.norm(mean), float(mass))


def _spread(
    peak: _Peak,
    coarse: Float[np.ndarray, "candidates 3"],
    density: Float[np.ndarray, " candidates"],
) -> float:
    """Root mean square angle between the peak's "up" and the posterior, in the peak and beyond."""
    far = coarse @ peak.ups[len(peak.ups) // 2] < np.cos(_WIDTH)
    ups = np.concatenate([peak.ups, coarse[far]])
    told = np.concatenate([peak.density, density[far]])
    area = np.where(np.arange(len(ups)) < len(peak.ups), _FINE**2, _COARSE**2)
    angle = np.arccos(np.clip(ups @ peak.up, -1.0, 1.0))
    return float(np.sqrt(np.average(angle**2, weights=area * np.exp(told - told.max()))))


def _sum(cues: dict[str, np.ndarray]) -> np.ndarray:
    return np.sum(list(cues.values()), axis=0)


def _named(cues: dict[str, np.ndarray]) -> str:
    """The cues without which the posterior would be another, by how much they tell (KL)."""
    total = _sum(cues)
    full = _normalised(total)
    told = {
        name: float(np.exp(full) @ (full - _normalised(total - cue))) for name, cue in cues.items()
    }
    telling = sorted((name for name in told if told[name] > _TELLING), key=told.__getitem__)[::-1]
    names = telling or [max(told, key=told.__getitem__)]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _normalised(log_density: np.ndarray) -> np.ndarray:
    log_density = log_density - log_density.max()
    return log_density - np.log(np.exp(log_density).sum())
