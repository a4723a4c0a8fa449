"""What is behind and before people: random rooms, fields and clutter, and things in the way."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mocap.datasets.synthetic.room import Room

Image = UInt8[np.ndarray, "height width 3"]


def backdrop(side: int, rng: np.random.Generator) -> Image:
    """A picture of nobody, ``side`` pixels square: a wall, a floor, clutter and grain."""
    image: np.ndarray = np.empty((side, side, 3), np.float32)
    wall, floor = _dull_colour(rng), _dull_colour(rng)
    horizon = int(side * np.clip(rng.normal(0.6, 0.2), 0, 1))
    image[:horizon], image[horizon:] = wall, floor
    slope = np.linspace(rng.uniform(0.6, 1.2), rng.uniform(0.6, 1.2), side)
    image *= (
        (slope if rng.random() < 0.5 else slope[:, None])[..., None] if rng.random() < 0.5 else 1
    )
    for scale, strength in ((4, 30.0), (16, 20.0), (64, 14.0)):
        if rng.random() < 0.7:
            image += _noise(side, scale, strength * rng.random(), rng)
    for _ in range(rng.integers(0, 14)):
        _clutter(image, rng)
    if rng.random() < 0.5:
        blur = rng.uniform(0.5, 3.0)
        image = cv2.GaussianBlur(image, (0, 0), blur)
    return np.clip(image, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Faults:
    """What is wrong with all pictures of one camera.

    Attributes:
        coarse: width of the pixels drawn over that of the camera's; at most 1.
        blur: standard deviation, pixels.
        gain: of exposure.
        lift: of black, 0 to 255.
        gamma: of the curve.
        noise: standard deviation, 0 to 255.
        quality: of JPEG compression; 0 for none.
    """

    coarse: float
    blur: float
    gain: float
    lift: float
    gamma: float
    noise: float
    quality: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Faults":
        """Those of some camera."""
        return cls(
            coarse=rng.uniform(0.4, 1.0) if rng.random() < 0.25 else 1.0,
            blur=rng.uniform(0.3, 1.0) if rng.random() < 0.3 else 0.0,
            gain=rng.normal(1.0, 0.12),
            lift=rng.normal(0.0, 6.0),
            gamma=float(np.exp(rng.normal(0, 0.15))),
            noise=rng.uniform(0.0, 6.0),
            quality=int(rng.uniform(40, 90)) if rng.random() < 0.5 else 0,
        )


def photographed(image: Image, faults: Faults, rng: np.random.Generator) -> Image:
    """The picture as a camera would have given it.

    Args:
        image: as drawn.
        faults: of the camera.
        rng: the noise.
    """
    side = image.shape[0]
    if faults.coarse < 1.0:
        share = faults.coarse
        image = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    out: np.ndarray = image.astype(np.float32)
    if faults.blur:
        out = cv2.GaussianBlur(out, (0, 0), faults.blur)
    out = 255 * np.clip((out * faults.gain + faults.lift) / 255, 0, 1) ** faults.gamma
    out += rng.normal(0, faults.noise, out.shape[:2])[..., None]
    out = np.clip(out, 0, 255).astype(np.uint8)
    if faults.quality:
        coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, faults.quality])[1]
        decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        assert decoded is not None
        out = decoded
    return out if len(out) == side else cv2.resize(out, (side, side))


def random_room(centre: Float[np.ndarray, "3"], reach: float, rng: np.random.Generator) -> Room:
    """A room, a hall or open ground, tiled, planked or plain.

    Args:
        centre: of the floor, world metres.
        reach: the least distance of walls from there, metres: no camera is behind one.
        rng: what is drawn from.
    """
    size = reach * np.exp(rng.uniform(0, np.log(6.0), 3))
    size[1] = 0.0 if rng.random() < 0.25 else np.exp(rng.uniform(np.log(2.4), np.log(9.0)))
    return Room(
        centre=centre,
        size=size,
        turn=rng.uniform(0, np.pi),
        floor_tint=_dull_colour(rng) / 255,
        wall_tint=_dull_colour(rng) / 255,
        tiles=float(np.exp(rng.uniform(np.log(0.4), np.log(4.0)))),
        grout=float(rng.random() < 0.6) * rng.uniform(0.1, 0.7),
    )


def obstacle(image: Image, box: Float[np.ndarray, "4"], colour: Float[np.ndarray, "3"]) -> Image:
    """The picture with something flat in front of what it shows.

    Args:
        image: changed in place.
        box: x0 y0 x1 y1, pixels.
        colour: 0 to 255.
    """
    x0, y0, x1, y1 = np.round(box).astype(int)
    cv2.rectangle(image, (int(x0), int(y0)), (int(x1), int(y1)), tuple(map(float, colour)), -1)
    return image


def _dull_colour(rng: np.random.Generator) -> np.ndarray:
    return np.clip(rng.uniform(20, 235) + rng.normal(0, 18, 3), 0, 255)


def _noise(side: int, cells: int, strength: float, rng: np.random.Generator) -> np.ndarray:
    small = rng.normal(0, strength, (cells, cells, 3)).astype(np.float32)
    if rng.random() < 0.5:
        small[:] = small.mean(-1, keepdims=True) * 1.7
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)


def _clutter(image: np.ndarray, rng: np.random.Generator) -> None:
    side = image.shape[0]
    colour = tuple(map(float, rng.uniform(0, 255, 3)))
    a = rng.uniform(-0.2, 1.2, 2) * side
    size = rng.gamma(2.0, 0.08, 2) * side
    kind = rng.integers(0, 3)
    first, last = tuple(map(int, a)), tuple(map(int, a + size))
    if kind == 0:
        cv2.rectangle(image, first, last, colour, -1)
    elif kind == 1:
        cv2.ellipse(image, first, tuple(map(int, size)), rng.uniform(0, 180), 0, 360, colour, -1)
    else:
        cv2.line(
            image,
            first,
            tuple(map(int, rng.uniform(-0.2, 1.2, 2) * side)),
            colour,
            int(rng.integers(1, 6)),
        )
