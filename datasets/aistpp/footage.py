"""The videos of a replica: a clothed body drawn before every camera of the rig."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import UInt8

from mocap.datasets.aistpp.performance import Staged
from mocap.datasets.synthetic.backdrop import backdrop
from mocap.datasets.synthetic.renderer import Lighting, Renderer
from mocap.datasets.synthetic.wardrobe import Outfit, Tailor, dress, skinned_normals
from mocap.geometry import Camera
from mocap.video import VideoWriter

Image = UInt8[np.ndarray, "height width 3"]

#: Frames whose surface is held at once.
_CHUNK = 30
#: How much wider than the picture is drawn, for the lens to bend.
_MARGIN = 0.06
#: Deviation of the pictures' noise, 0 to 255.
_NOISE = 2.0


@dataclass(frozen=True)
class _Lens:
    """What makes a camera's picture of a pinhole's.

    Attributes:
        K: (3, 3) intrinsics of the pinhole's picture.
        map: (H, W, 2) where in it each pixel looks, as OpenCV counts pixels.
    """

    K: np.ndarray
    map: np.ndarray

    @classmethod
    def of(cls, camera: Camera, size: tuple[int, int], side: int) -> "_Lens":
        width, height = size
        grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1) + 0.5
        # The project's own inverse is exact to a ten-thousandth of a pixel, and slow for so many.
        ideal = cv2.undistortPoints(
            grid.reshape(-1, 2), camera.K[0], camera.distortion, P=camera.K[0]
        )
        shift = (side - np.array(size)) / 2
        K = camera.K[0].copy()
        K[:2, 2] += shift
        return cls(K, (ideal.reshape(grid.shape) + shift - 0.5).astype(np.float32))

    def bend(self, ideal: Image) -> Image:
        """The lens' picture of the pinhole's."""
        return cv2.remap(ideal, self.map[..., 0], self.map[..., 1], cv2.INTER_LINEAR)


class _Grain:
    """The noise of pictures: parts of one sheet of it, for to draw it anew takes long."""

    def __init__(self, size: tuple[int, int], rng: np.random.Generator) -> None:
        self._size, self._rng = size, rng
        sheet = rng.normal(0, _NOISE, (2 * size[1], 2 * size[0]))
        self._sheet = np.round(sheet).astype(np.int16)

    def on(self, image: Image) -> Image:
        width, height = self._size
        x, y = self._rng.integers(0, (width, height))
        grain = self._sheet[y : y + height, x : x + width, None]
        return np.clip(image + grain, 0, 255).astype(np.uint8)


def film(
    staged: Staged,
    rig: dict[str, Camera],
    size: tuple[int, int],
    paths: dict[str, Path],
    fps: float,
    *,
    looks: int,
    studio: int,
) -> None:
    """Write one performance as every camera sees it.

    Args:
        staged: the performance at the videos' frames.
        rig: the cameras by name.
        size: width and height of the pictures, pixels.
        paths: where the video of each camera goes.
        fps: frames a second.
        looks: seed of the performer's looks.
        studio: seed of the light and of what is behind the performer in each camera.

    Raises:
        MocapError: there is no OpenGL, or a video cannot be written.
    """
    body, side = staged.body, int(np.ceil(max(size) * (1 + 2 * _MARGIN)))
    tailor, light = Tailor.of(body), _light(studio)
    outfit = dress(tailor, np.random.default_rng(looks))
    lenses = {view: _Lens.of(camera, size, side) for view, camera in rig.items()}
    behind = {
        view: backdrop(side, np.random.default_rng([studio, number]))
        for number, view in enumerate(rig)
    }
    grain = _Grain(size, np.random.default_rng([looks, studio]))
    with ExitStack() as stack:
        renderer = Renderer(body.faces.numpy(), side)
        stack.callback(renderer.close)
        writers = {
            view: stack.enter_context(VideoWriter(path, *size, fps, crf=18, threads=1))
            for view, path in paths.items()
        }
        for start in range(0, len(staged.times), _CHUNK):
            part = slice(start, start + _CHUNK)
            vertices, normals = _surface(staged, tailor, outfit, part)
            for view, writer in writers.items():
                renderer.dress(outfit.look, light, behind[view])
                lens, camera = lenses[view], rig[view]
                for shape in zip(vertices, normals, strict=True):
                    ideal = renderer.draw(*shape, lens.K, camera.R[0], camera.t[0])
                    writer.write(grain.on(lens.bend(ideal)))


def _surface(
    staged: Staged, tailor: Tailor, outfit: Outfit, part: slice
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (F, V, 3) of the clothed surface, and normals."""
    body = staged.body
    with torch.no_grad():
        posed = body.forward(staged.pose(part), return_vertices=True)
        normals = skinned_normals(body, tailor.normals, posed.rotations)
    assert posed.vertices is not None
    return posed.vertices.numpy() + outfit.stand_off[:, None] * normals, normals


def _light(seed: int) -> Lighting:
    """A studio's: from above, and much of it from everywhere."""
    rng = np.random.default_rng(seed)
    sun = rng.normal(size=3) * [0.5, 0, 0.5] + [0, 1, 0]
    sky, ground = np.full(3, 0.55), np.full(3, 0.3)
    return Lighting(sun / np.linalg.norm(sun), np.full(3, 0.45), sky, ground, 0.3, 0.0)
