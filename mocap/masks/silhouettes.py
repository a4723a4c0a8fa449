"""What the camera sees of the fitted bodies: whose surface is nearest, pixel by pixel."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float

from mocap.body import Body, BodyPose
from mocap.errors import MaskError
from mocap.masks.depth_maps import depth_map
from mocap.take import BodyMotion, Mask, Take

#: Frames whose surface is posed at once.
_CHUNK = 32


@dataclass(frozen=True)
class Silhouettes:
    """Everybody who has a body in one frame.

    Attributes:
        whole: each person's silhouette, be it behind somebody else.
        seen: the part of it that nobody else is in front of.
        scale: how many pixels a metre is long where the person is; NaN behind the camera.
    """

    whole: dict[str, Mask]
    seen: dict[str, Mask]
    scale: dict[str, float]


@dataclass(eq=False)
class SilhouetteDrawer:
    """Draws the silhouettes of a take's people, frame after frame.

    Args:
        take: with fitted people.
        body: the model they were fitted with.

    Raises:
        MaskError: nobody was fitted, or somebody with another model.
    """

    take: Take
    body: Body
    _surfaces: dict[tuple[str, int], np.ndarray] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        fitted = [person.body for person in self.take.people.values() if person.body is not None]
        if not fitted:
            raise MaskError("the take has nobody's motion yet; `mocap fit` makes it")
        for motion in fitted:
            if motion.model_sha256 != self.body.sha256:
                raise MaskError(
                    f"the take was fitted with the body {motion.model} "
                    f"({motion.model_sha256[:12]}), not with {self.body.name} "
                    f"({self.body.sha256[:12]}); name the file it was fitted with by --body"
                )

    def draw(self, frame: int) -> Silhouettes:
        """The silhouettes in a video frame."""
        video, frames = self.take.video, np.array([frame])
        K, R, t = (part[0] for part in self.take.camera.at(frames))
        depths, scale = {}, {}
        for person in self.take.people.values():
            row = frame - int(person.frames[0])
            if person.body is None or not 0 <= row < len(person.frames):
                continue
            world = self._surface(person.id, person.body, row)
            away = world @ R[2] + t[2]
            pixels = self.take.camera.project(world[None], frames)[0]
            faces = self.body.faces.numpy()
            # There, whole numbers are the middles of pixels.
            depths[person.id] = depth_map(pixels - 0.5, away, faces, video.width, video.height)
            middle = float(away.mean())
            scale[person.id] = float(K[1, 1]) / middle if middle > 0 else float("nan")
        nearest = _nearest(depths.values())
        return Silhouettes(
            {name: np.isfinite(depth) for name, depth in depths.items()},
            {name: np.isfinite(depth) & (depth <= nearest) for name, depth in depths.items()},
            scale,
        )

    def _surface(self, name: str, motion: BodyMotion, row: int) -> Float[np.ndarray, "vertices 3"]:
        """The body's vertices in one of a person's frames, world metres."""
        chunk = row // _CHUNK
        if (name, chunk) not in self._surfaces:
            # Frames come in order: what was before is not asked for again.
            for old in [key for key in self._surfaces if key[0] == name]:
                del self._surfaces[old]
            rows = slice(chunk * _CHUNK, (chunk + 1) * _CHUNK)
            self._surfaces[name, chunk] = _posed(motion, self.body, rows)
        return self._surfaces[name, chunk][row % _CHUNK]


def _posed(motion: BodyMotion, body: Body, rows: slice) -> np.ndarray:
    pose = BodyPose.of(motion, body.template, rows)
    with torch.no_grad():
        vertices = body.forward(pose, return_vertices=True).vertices
    assert vertices is not None
    return vertices.double().cpu().numpy()


def _nearest(depths: Iterable[np.ndarray]) -> np.ndarray | float:
    nearest: np.ndarray | float = np.inf
    for depth in depths:
        nearest = np.minimum(nearest, depth)
    return nearest
