"""One performance filmed and looked at by the real detector: training pairs with real errors.

The detector sees crops that follow the person, as it does in a clip: see
:mod:`mocap.keypoints.sweep`; and the same crop's mirror image (in a clip that is a crop about what
was detected, drawn anew here it would cost as much again). Only the crop is ever drawn; points are
told in the whole picture.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float

from mocap.body import Body, BodyPose
from mocap.datasets.detections import landmarks
from mocap.datasets.pairs import Pairs, Sightings, pair_up
from mocap.datasets.pairs.views import camera_centres
from mocap.datasets.synthetic.backdrop import Faults, backdrop, obstacle, photographed, random_room
from mocap.datasets.synthetic.cameras import Shot
from mocap.datasets.synthetic.library import Motion
from mocap.datasets.synthetic.renderer import Lighting, Renderer
from mocap.datasets.synthetic.room import Room
from mocap.datasets.synthetic.wardrobe import Outfit, Tailor, dress, skinned_normals
from mocap.keypoints import Detection, PointDetector
from mocap.keypoints.mirrored import unmirrored
from mocap.keypoints.sweep import distance
from mocap.skeletons import COCO_OF_MEDIAPIPE

#: Side of the crops that are drawn, pixels; the detector looks at them through fewer.
SIDE = 256
#: Side of a crop over the person's extent, as in :class:`mocap.keypoints.SweepConfig`.
_PADDING = 1.25
#: A detection this far from the truth, in sizes of the person, is of something else.
_ELSEWHERE = 0.3
#: Extent of a person in the whole picture, pixels, below which nobody would look for them.
_SMALLEST = 16.0
#: Share of shots in a room, in which floor and walls tell how the camera is held.
_ROOMS = 0.8
#: Height above the floor, metres, from which on a camera can be in a room.
_LOWEST = 0.05


@dataclass(frozen=True)
class Studio:
    """What filming needs and keeps: a body, its measures, something to draw and to look with."""

    body: Body
    tailor: Tailor
    renderer: Renderer
    detector: PointDetector

    @classmethod
    def of(cls, body: Body, detector: PointDetector) -> "Studio":
        """A studio for one body and one thread."""
        return cls(body, Tailor.of(body), Renderer(body.faces.numpy(), SIDE), detector)

    def close(self) -> None:
        """Give back the detector and the graphics."""
        self.detector.close()
        self.renderer.close()


@dataclass(frozen=True)
class Actor:
    """A posed, dressed body over time; world metres.

    Attributes:
        vertices: (F, V, 3) of the clothed surface.
        normals: (F, V, 3).
        points: (F, 33, 3) of MediaPipe.
        outfit: what it wears.
    """

    vertices: Float[np.ndarray, "frames vertices 3"]
    normals: Float[np.ndarray, "frames vertices 3"]
    points: Float[np.ndarray, "frames 33 3"]
    outfit: Outfit


def cast(studio: Studio, motion: Motion, rng: np.random.Generator) -> Actor:
    """Somebody of random shape, hands and clothes who moves so, with the feet's lowest at y = 0."""
    body, frames = studio.body, len(motion)
    tensor = partial(torch.as_tensor, dtype=body.template.dtype)
    hands = tensor(np.tile(rng.normal(0, 0.2, 90), (frames, 1)))
    pose = BodyPose(
        betas=tensor(rng.normal(0, 1.0, body.num_betas)),
        global_orient=tensor(motion.rotations[:, 0]),
        body_pose=tensor(motion.rotations[:, 1:].reshape(frames, -1)),
        left_hand_pose=hands[:, :45],
        right_hand_pose=hands[:, 45:],
        transl=tensor(motion.transl),
    )
    with torch.no_grad():
        posed = body.forward(pose, return_vertices=True, return_landmarks=True)
    assert posed.vertices is not None
    outfit = dress(studio.tailor, rng)
    normals = skinned_normals(body, studio.tailor.normals, posed.rotations)
    lift = np.array([0.0, -float(posed.vertices[..., 1].min()), 0.0], np.float32)
    vertices = posed.vertices.numpy() + lift
    vertices = vertices + outfit.stand_off[:, None].astype(np.float32) * normals
    return Actor(vertices, normals, landmarks(body, posed) + lift, outfit)


def film(
    studio: Studio,
    actor: Actor,
    shot: Shot,
    fps: float,
    rng: np.random.Generator,
    *,
    name: str,
    split: str,
) -> Pairs | None:
    """The pairs of one performance before one camera.

    None if nobody was ever found, or if hips stand above each other in all frames, which tells no
    heading.

    Args:
        studio: what draws and looks.
        actor: who is filmed.
        shot: the camera.
        fps: frames a second.
        rng: lights, backdrop, obstacles, the picture's faults.
        name: of the sequence.
        split: what it is for.
    """
    frames = np.arange(len(actor.points))
    pixels = shot.camera.project(actor.points.astype(float), frames)
    room = _room(actor, shot, rng) if rng.random() < _ROOMS else None
    studio.renderer.dress(actor.outfit.look, _lighting(rng), backdrop(SIDE, rng), room)
    obstacles = _obstacles(pixels, rng)
    faults = Faults.drawn(rng)
    drift = rng.normal(0, 0.02, 2)
    seen = Sightings()
    for frame in frames:
        if not (np.ptp(pixels[frame], axis=0).max() > _SMALLEST):  # nor is NaN
            continue
        truth = Detection(pixels[frame], np.ones(33), actor.points[frame], 1.0)
        drift = 0.8 * drift + rng.normal(0, 0.02, 2)
        corner, side = _crop(pixels[frame], drift, rng)
        picture = _picture(studio.renderer, actor, shot, int(frame), corner, side)
        for box, colour in obstacles:
            obstacle(picture, (box - np.tile(corner, 2)) * (SIDE / side), colour)
        _blacken_outside(picture, corner, side, shot.size)
        where = corner, side, truth
        picture = photographed(picture, faults, rng)
        body = _look(studio.detector, picture, *where)
        if body is not None:
            mirrored = _look(studio.detector, picture, *where, mirror=True)
            seen.add(int(frame), body, mirrored)
    if not len(seen):
        return None
    points = actor.points[:, COCO_OF_MEDIAPIPE].astype(float)
    told = pair_up(seen, points, frames / fps, shot.camera, shot.size, name=name, split=split)
    return told if len(told) else None


def _room(actor: Actor, shot: Shot, rng: np.random.Generator) -> Room | None:
    """A room about the stage that has the camera in it; None for a camera that lies below it."""
    middle = actor.points.reshape(-1, 3).mean(0).astype(float) * [1.0, 0.0, 1.0]
    place = camera_centres(shot.camera.R, shot.camera.t)[0]
    if place[1] < _LOWEST:
        return None
    return random_room(middle, 1.5 * float(np.linalg.norm((place - middle)[[0, 2]])) + 1.0, rng)


def _crop(
    pixels: Float[np.ndarray, "33 2"], drift: Float[np.ndarray, "2"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "2"], float]:
    """Upper left corner and side, pixels, of a crop that follows the person, if not perfectly."""
    low, high = pixels.min(0), pixels.max(0)
    side = float((high - low).max()) * _PADDING * float(np.exp(rng.normal(0, 0.05)))
    return (low + high) / 2 + drift * side - side / 2, side


def _picture(
    renderer: Renderer, actor: Actor, shot: Shot, frame: int, corner: np.ndarray, side: float
) -> np.ndarray:
    K, R, t = (part[0] for part in shot.camera.at(np.array([frame])))
    zoom = SIDE / side
    inside = np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom], [0, 0, 1.0]])
    # The backdrop stands still in the picture while the crop moves over it.
    width = max(shot.size)
    window = (corner[0] / width * 2, corner[1] / width * 2, side / width * 2)
    normals = actor.normals[frame]
    return renderer.draw(actor.vertices[frame], normals, inside @ K, R, t, window)


def _look(
    detector: PointDetector,
    picture: np.ndarray,
    corner: np.ndarray,
    side: float,
    truth: Detection,
    *,
    mirror: bool = False,
) -> Detection | None:
    """The detection nearest to the truth, pixels of the whole picture; None if none is near."""
    found = detector.detect(picture[:, ::-1] if mirror else picture)
    if mirror:
        found = [unmirrored(one, SIDE) for one in found]
    zoom, corner = np.float32(side / SIDE), corner.astype(np.float32)
    found = [replace(one, xy=one.xy * zoom + corner) for one in found]
    nearest = min(found, key=lambda one: distance(one, truth), default=None)
    return None if nearest is None or distance(nearest, truth) > _ELSEWHERE else nearest


def _lighting(rng: np.random.Generator) -> Lighting:
    sun = rng.normal(size=3)
    sun[1] = abs(sun[1]) + 0.5
    warm = 1 + rng.normal(0, 0.08, 3)
    return Lighting(
        sun / np.linalg.norm(sun),
        rng.uniform(0.2, 0.9) * warm,
        rng.uniform(0.3, 0.7) * np.ones(3),
        rng.uniform(0.1, 0.4) * np.ones(3),
        float(rng.random() < 0.6) * rng.uniform(0.1, 0.6),
        0.0,
    )


def _obstacles(
    pixels: Float[np.ndarray, "frames 33 2"], rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes x0 y0 x1 y1 in the whole picture, pixels, that stand before the person, and colours."""
    if rng.random() > 0.12:
        return []
    middle = pixels[len(pixels) // 2]
    if not np.isfinite(middle).all():
        return []
    low, size = middle.min(0), np.ptp(middle, axis=0).max()
    if rng.random() < 0.5:
        # A table or a wall: all below some height.
        top = low[1] + size * rng.uniform(0.45, 0.9)
        box = np.array([low[0] - 3 * size, top, low[0] + 4 * size, top + 3 * size])
    else:
        centre, extent = low + size * rng.uniform(-0.1, 0.8, 2), size * rng.uniform(0.05, 0.2, 2)
        box = np.concatenate([centre - extent, centre + extent * [1.0, 4.0]])
    return [(box, rng.uniform(0, 255, 3))]


def _blacken_outside(
    picture: np.ndarray, corner: np.ndarray, side: float, size: tuple[int, int]
) -> None:
    """Black where the crop reaches beyond the camera's picture."""
    zoom = SIDE / side
    x0, y0 = np.maximum(np.round(-corner * zoom), 0).astype(int)
    x1, y1 = np.clip(np.round((np.array(size) - corner) * zoom), 0, SIDE).astype(int)
    picture[:y0], picture[y1:] = 0, 0
    picture[:, :x0], picture[:, x1:] = 0, 0
