"""Cameras that were never there: rings as in a dance studio, and freer ones, high and low."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.geometry import Camera, look_at

#: Pictures' widths and heights, and how common they are.
_SIZES = ((1920, 1080), (1280, 720), (1080, 1920), (1080, 1080), (640, 480))
_COMMON = (0.4, 0.2, 0.2, 0.1, 0.1)
#: A studio's ring: cameras of one height, evenly about the stage.
_RING = 9


@dataclass(frozen=True)
class Shot:
    """A camera and the size of its pictures, width and height in pixels."""

    camera: Camera
    size: tuple[int, int]


def random_shot(middle: Float[np.ndarray, "3"], reach: float, rng: np.random.Generator) -> Shot:
    """Somewhere about a stage.

    Args:
        middle: of the stage, world metres.
        reach: radius of what should be in the picture, mostly, metres.
        rng: what is drawn from.
    """
    size = _SIZES[rng.choice(len(_SIZES), p=_COMMON)]
    if rng.random() < 0.3:
        azimuth = 2 * np.pi * int(rng.integers(0, _RING)) / _RING
        elevation, distance = np.arctan2(rng.uniform(-0.1, 0.9), 4.0), rng.uniform(3.2, 5.0)
        angle, roll = np.deg2rad(65.0), rng.normal(0, 0.01)
    else:
        azimuth = rng.uniform(0, 2 * np.pi)
        low = rng.random() < 0.6
        elevation = np.deg2rad(rng.normal(4.0, 8.0) if low else rng.uniform(-25.0, 60.0))
        angle = np.deg2rad(np.exp(rng.uniform(np.log(30.0), np.log(85.0))))
        distance = np.exp(rng.uniform(np.log(2.2), np.log(9.0)))
        roll = rng.normal(0, np.deg2rad(12.0) if rng.random() < 0.1 else np.deg2rad(1.5))
    # From so near that nothing fits is no picture anybody takes; partly outside it is.
    shorter = angle * min(size) / max(size)
    distance = max(distance, 0.9 * reach / np.tan(0.5 * shorter), 1.6)
    away = np.array(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ]
    )
    room = max(distance * np.tan(0.5 * shorter) - reach, 0.05 * reach)
    aim = middle + rng.normal(0, 0.35, 3) * room
    R, t = look_at(middle + distance * away, aim, roll)
    focal = 0.5 * max(size) / np.tan(0.5 * angle)
    K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    return Shot(Camera(K[None], R[None], t[None], "given"), size)
