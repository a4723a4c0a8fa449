"""Rooms made from nothing: plumb, level and stray edges, seen by a camera of known tilt."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

#: Pixels of the pictures.
WIDTH, HEIGHT = 1280, 720


@dataclass(frozen=True)
class Room:
    """What a camera sees of a room.

    Attributes:
        segments: (S, 4) edges, pixels.
        K: (3, 3) the true intrinsics.
        up: (3,) the true "up", camera axes.
    """

    segments: np.ndarray
    K: np.ndarray
    up: np.ndarray


def up_of(roll: float, pitch: float) -> np.ndarray:
    """The "up" that a camera turned by degrees sees; positive pitch looks up."""
    r, p = np.deg2rad([roll, pitch])
    return np.array([np.sin(r) * np.cos(p), -np.cos(r) * np.cos(p), np.sin(p)])


def intrinsics(field_of_view: float, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """K of a camera whose longer side spans so many degrees."""
    focal = 0.5 * max(width, height) / np.tan(np.deg2rad(field_of_view) / 2)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])


def room(
    rng: np.random.Generator,
    roll: float,
    pitch: float,
    *,
    field_of_view: float = 60.0,
    furniture: int = 8,
    frames: int = 6,
    clutter: int = 60,
    found: float = 0.5,
    plumb: bool = True,
) -> Room:
    """A room of random size with doors, windows, furniture and a rug, and stray edges.

    Args:
        rng: of everything that is left to chance.
        roll: of the camera, degrees.
        pitch: of the camera, degrees, positive up.
        field_of_view: of the camera along the longer side, degrees.
        furniture: boxes on the floor, half of them not along the walls.
        frames: rectangles on the walls.
        clutter: stray edges.
        found: share of edges that a detector finds, in part.
        plumb: whether there are vertical edges at all.
    """
    size = rng.uniform([4, 2.4, 5], [8, 3.5, 10])
    edges = [*_box(np.zeros(3), size, 0.0)]
    for _ in range(furniture):
        measure = rng.uniform([0.3, 0.3, 0.3], [1.2, 1.9, 1.2])
        place = rng.uniform([-0.5, 0, -0.5], [0.5, 0, 0.5]) * size
        edges += _box(place, measure, rng.choice([0.0, rng.uniform(0, np.pi)]))
    for number in range(frames):
        edges += _frame_on_wall(rng, size, slats=12 * (number % 4 == 0))
    lines = np.array(edges)
    if not plumb:
        lines = lines[np.abs(np.diff(lines[..., 1], axis=1)[:, 0]) < 1e-6]
    # Nothing is built or hung exactly.
    lines += rng.normal(0, 0.005, lines.shape)
    up = up_of(roll, pitch)
    # From one end of the room, towards its middle.
    eye = rng.uniform([-0.3, 0.3, -0.5], [0.3, 0.8, -0.4]) * size
    R = _orientation(up, np.arctan2(eye[0], -eye[2]) + rng.uniform(-0.5, 0.5))
    K = intrinsics(field_of_view)
    segments = _seen((lines - eye) @ R.T, K)
    segments = _detected(rng, segments, found)
    start = rng.uniform(0, [WIDTH, HEIGHT], (clutter, 2))
    angle, length = rng.uniform(0, np.pi, clutter), rng.uniform(40, 150, clutter)
    end = start + length[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    return Room(np.concatenate([segments, np.concatenate([start, end], 1)]), K, up)


def _box(place: np.ndarray, size: np.ndarray, turn: float) -> list[np.ndarray]:
    """The twelve edges of a box on the floor, turned about the vertical."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (0, 1) for z in (-0.5, 0.5)])
    turned = place + corners * size @ Rotation.from_rotvec([0, turn, 0]).as_matrix().T
    pairs = [(i, j) for i in range(8) for j in range(i) if np.sum(corners[i] != corners[j]) == 1]
    return [turned[[i, j]] for i, j in pairs]


def _frame_on_wall(rng: np.random.Generator, size: np.ndarray, slats: int) -> list[np.ndarray]:
    """A door, window or picture: a rectangle on one of the four walls, maybe with a blind."""
    along, off = rng.permutation([0, 2])
    low, high = np.sort(rng.uniform(0, size[1], 2))
    left = rng.uniform(-0.5, 0.4) * size[along]
    right = min(left + rng.uniform(0.4, 1.5), 0.5 * size[along])
    corners = np.zeros((4, 3))
    corners[:, off] = rng.choice([-0.5, 0.5]) * size[off]
    corners[:, along], corners[:, 1] = [left, right, right, left], [low, low, high, high]
    rise = (corners[3] - corners[0]) * np.linspace(0, 1, slats + 2)[1:-1, None]
    blind = [corners[:2] + step for step in rise]
    return [corners[[i, (i + 1) % 4]] for i in range(4)] + blind


def _orientation(up: np.ndarray, heading: float) -> np.ndarray:
    """A rotation, world to camera, that takes +Y to ``up``."""
    right = np.cross(up, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    level = np.stack([right, up, np.cross(right, up)], 1)
    return level @ Rotation.from_rotvec([0, heading, 0]).as_matrix()


def _seen(lines: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Segments, pixels, of lines (L, 2, 3) in camera axes, cut off at the picture's border."""
    samples = np.linspace(0, 1, 400)[:, None]
    found = []
    for start, end in lines:
        points = start + samples * (end - start)
        pixels = points @ K.T
        with np.errstate(divide="ignore", invalid="ignore"):
            xy = pixels[:, :2] / pixels[:, 2:]
        inside = (points[:, 2] > 0.2) & np.all((xy > 0) & (xy < [WIDTH, HEIGHT]), axis=1)
        if inside.sum() > 1:
            found.append(np.concatenate([xy[inside][0], xy[inside][-1]]))
    return np.array(found).reshape(-1, 4)


def _detected(rng: np.random.Generator, segments: np.ndarray, share: float) -> np.ndarray:
    """What a detector makes of edges: some, in part, and not exactly where they are."""
    segments = segments[rng.uniform(size=len(segments)) < share].reshape(-1, 2, 2)
    start = rng.uniform(0, 0.4, (len(segments), 1))
    end = rng.uniform(0.6, 1, (len(segments), 1))
    span = segments[:, 1] - segments[:, 0]
    cut = np.stack([segments[:, 0] + start * span, segments[:, 0] + end * span], 1)
    long = np.hypot(*span.T) > 45
    return (cut + rng.normal(0, 0.7, cut.shape))[long].reshape(-1, 4)
