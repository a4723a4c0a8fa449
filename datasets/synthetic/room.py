"""What a body stands in: floor and walls, which tell an eye how the camera is held."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: Corners of all triangles: two for the floor and for each of four walls.
CORNERS = 5 * 6


@dataclass(frozen=True)
class Room:
    """What a body stands in: a floor and four walls, or open ground as far as the eye sees.

    Attributes:
        centre: (3,) of the floor, world metres.
        size: (3,) half width, height and half depth of the walls, metres.
        turn: of the walls about the vertical, radians.
        floor_tint: (3,) colour of the floor, 0 to 1.
        wall_tint: (3,) of the walls.
        tiles: of floor and walls, 1/m.
        grout: how dark their joints are, 0 to 1.
    """

    centre: Float[np.ndarray, "3"]
    size: Float[np.ndarray, "3"]
    turn: float
    floor_tint: Float[np.ndarray, "3"]
    wall_tint: Float[np.ndarray, "3"]
    tiles: float
    grout: float


def corners(room: Room) -> bytes:
    """Triangles of floor and walls, as float32: place, spot on the surface (metres), 1 on walls."""
    x, y, z = room.size
    quads = [([-x, 0, -z], [2 * x, 0, 0], [0, 0, 2 * z], 0.0)]
    for corner, along in (
        ([-x, 0, -z], [2 * x, 0, 0]),
        ([-x, 0, z], [2 * x, 0, 0]),
        ([-x, 0, -z], [0, 0, 2 * z]),
        ([x, 0, -z], [0, 0, 2 * z]),
    ):
        quads.append((corner, along, [0, y, 0], 1.0))
    sine, cosine = np.sin(room.turn), np.cos(room.turn)
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    rows = []
    for corner, along, across, wall in quads:
        for a, b in ((0, 0), (1, 0), (0, 1), (0, 1), (1, 0), (1, 1)):
            place = turn @ (np.array(corner) + a * np.array(along) + b * np.array(across))
            spot = a * np.linalg.norm(along), b * np.linalg.norm(across)
            rows.append([*(place + room.centre), *spot, wall])
    return np.array(rows, np.float32).tobytes()
