"""Clothes, skin and hair for a body: colours of its vertices, and how far cloth stands off.

Garments are cut along the body itself: which joint carries a vertex, and how far out along the
limb it lies. Loose cloth moves vertices along their normals, which is what hides shape and
displaces outlines in real pictures.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from mocap.body import Body
from mocap.datasets.synthetic.renderer import Look
from mocap.skeletons import SMPLX_55

#: Skin from light to dark, hair from black to grey; sRGB.
_SKIN = np.array([[244, 213, 190], [224, 172, 130], [190, 130, 90], [141, 85, 54], [80, 48, 32]])
_HAIR = np.array([[20, 16, 14], [60, 40, 28], [110, 76, 44], [190, 150, 90], [150, 150, 152]])
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar")


@dataclass(frozen=True)
class Tailor:
    """What is measured once of a body, to dress it many times.

    Attributes:
        carrier: (V,) the joint that carries most of each vertex.
        rest: (V, 3) the mean body at rest, metres.
        normals: (V, 3) its normals.
        along: (V,) how far along its limb a vertex lies: 0 at the upper joint, 1 at the lower.
        scalp: (V,) whether hair grows there.
        eyes: (V,) whether it is an eye or a brow.
        lips: (V,) whether it is a lip.
    """

    carrier: Int[np.ndarray, " vertices"]
    rest: Float[np.ndarray, "vertices 3"]
    normals: Float[np.ndarray, "vertices 3"]
    along: Float[np.ndarray, " vertices"]
    scalp: Bool[np.ndarray, " vertices"]
    eyes: Bool[np.ndarray, " vertices"]
    lips: Bool[np.ndarray, " vertices"]

    @classmethod
    def of(cls, body: Body) -> "Tailor":
        """Measure a body."""
        rest = body.template.double().numpy()
        joints = body.joint_template.double().numpy()
        carrier = body.weights.numpy().argmax(1)
        normals = vertex_normals(rest, body.faces.numpy())
        children = {p: i for i, p in reversed(list(enumerate(body.parents))) if p >= 0}
        along = np.zeros(len(rest))
        for joint in range(22):
            mine = carrier == joint
            bone = joints[children.get(joint, joint)] - joints[joint]
            length = max(float(bone @ bone), 1e-6)
            along[mine] = (rest[mine] - joints[joint]) @ bone / length
        marks = dict(zip(body.landmark_names, _marks(body, rest), strict=True))
        face = {name: marks[name] for name in ("nose", "left_eye", "right_eye", "left_ear")}
        ear, eye = face["left_ear"], (face["left_eye"] + face["right_eye"]) / 2
        on_head = carrier == SMPLX_55.index("head")
        above = rest[:, 1] > eye[1] + 0.055
        behind = (rest[:, 2] < ear[2] + 0.01) & (rest[:, 1] > ear[1] - 0.04)
        brow = np.zeros(len(rest), bool)
        for side in ("left_eye", "right_eye"):
            brow |= np.linalg.norm((rest - face[side]) * [0.7, 1.0, 0.5], axis=1) < 0.013
            lifted = rest - face[side] - [0.0, 0.022, 0.0]
            brow |= (np.abs(lifted[:, 1]) < 0.005) & (np.abs(lifted[:, 0]) < 0.022)
        in_front = rest[:, 2] > face["nose"][2] - 0.06
        mouth = (
            (marks["mouth_left"] + marks["mouth_right"]) / 2
            if "mouth_left" in marks
            else face["nose"] - [0, 0.05, 0]
        )
        lips = np.linalg.norm((rest - mouth) * [0.45, 1.0, 0.5], axis=1) < 0.011
        return cls(carrier, rest, normals, along, on_head & (above | behind), brow & in_front, lips)


@dataclass(frozen=True)
class Outfit:
    """Somebody's looks, and how their surface is changed by what they wear.

    Attributes:
        look: what the renderer needs.
        stand_off: (V,) metres along the normal.
    """

    look: Look
    stand_off: Float[np.ndarray, " vertices"]


def dress(tailor: Tailor, rng: np.random.Generator) -> Outfit:
    """Random skin, hair and clothes."""
    names = np.array(SMPLX_55.names)[tailor.carrier]
    skin = _between(_SKIN, rng)
    colours = np.tile(skin, (len(names), 1))
    cloth, off = np.zeros(len(names)), np.zeros(len(names))

    upper_arm = np.char.endswith(names, "shoulder") | np.char.endswith(names, "collar")
    forearm = np.char.endswith(names, "elbow")
    thigh, shank = np.char.endswith(names, "_hip"), np.char.endswith(names, "knee")
    foot = np.char.endswith(names, "ankle") | np.char.endswith(names, "foot")
    trunk = np.isin(names, _TRUNK)
    pelvis = names == "pelvis"

    sleeves = rng.choice([0.0, 0.5, 1.0, 1.6, 2.0], p=[0.1, 0.35, 0.15, 0.1, 0.3])
    shirt = (trunk & ~pelvis) | (upper_arm & (tailor.along < sleeves))
    shirt |= forearm & (tailor.along < sleeves - 1.0)
    legs = rng.choice([0.3, 0.9, 1.5, 2.1], p=[0.15, 0.2, 0.1, 0.55])
    trousers = pelvis | (thigh & (tailor.along < legs)) | (shank & (tailor.along < legs - 1.0))
    if rng.random() < 0.1:
        # One piece: an overall or a leotard.
        trousers_colour = shirt_colour = _cloth_colour(rng)
    else:
        shirt_colour, trousers_colour = _cloth_colour(rng), _cloth_colour(rng)
    colours[shirt], colours[trousers] = shirt_colour, trousers_colour
    cloth[shirt] = 1.0
    cloth[trousers] = float(rng.random() < 0.25)
    ease = rng.gamma(1.5, 0.006)
    folds = _folds(tailor.rest, rng)
    off[shirt] = np.clip(ease * (1 + 0.5 * folds[shirt]), 0, 0.04)
    off[trousers] = np.clip(rng.gamma(1.5, 0.006) * (1 + 0.5 * folds[trousers]), 0, 0.04)

    if rng.random() < 0.8:
        shoes = foot | (shank & (tailor.along > rng.uniform(0.85, 1.0)))
        colours[shoes & ~trousers | foot] = _cloth_colour(rng)
        off[foot] = rng.uniform(0.0, 0.01)
    if rng.random() < 0.92:
        colours[tailor.scalp] = _between(_HAIR, rng)
        off[tailor.scalp] = rng.uniform(0.003, 0.03)
    colours[tailor.eyes] = np.array([40, 30, 28]) / 255
    colours[tailor.lips] = skin * [0.85, 0.6, 0.6]
    pattern = rng.normal(size=3) * rng.choice([30.0, 80.0, 160.0])
    look = Look(
        colours,
        cloth,
        tailor.rest,
        pattern,
        _cloth_colour(rng),
        float(rng.random() < 0.5) * rng.uniform(0.2, 0.9),
    )
    return Outfit(look, off)


def vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals, means of those of the triangles about a vertex, by area."""
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _marks(body: Body, rest: np.ndarray) -> np.ndarray:
    marks = body.landmarks
    return np.einsum("lp,lpa->la", marks.weights, rest[marks.vertices])


def _between(colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour somewhere on the line from the first to the last."""
    at = rng.uniform(0, len(colours) - 1)
    low = min(int(at), len(colours) - 2)
    mixed = colours[low] + (at - low) * (colours[low + 1] - colours[low])
    return np.clip(mixed / 255 + rng.normal(0, 0.02, 3), 0.02, 1.0)


def _cloth_colour(rng: np.random.Generator) -> np.ndarray:
    """Many garments are black, white or grey; the rest have any hue."""
    if rng.random() < 0.4:
        return np.clip(
            np.full(3, rng.choice([0.06, 0.2, 0.5, 0.85])) + rng.normal(0, 0.03, 3), 0, 1
        )
    hue, strength, value = rng.random(), rng.uniform(0.3, 0.95), rng.uniform(0.15, 0.95)
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return value * (1 - strength + strength * wheel)


def _folds(rest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random field over the surface, about -1 to 1."""
    waves = rng.normal(size=(4, 3)) * 18.0
    return np.sin(rest @ waves.T + rng.uniform(0, 2 * np.pi, 4)).mean(1) * 2.0


def skinned_normals(
    body: Body, normals: Float[np.ndarray, "vertices 3"], rotations: torch.Tensor
) -> Float[np.ndarray, "frames vertices 3"]:
    """Rest normals turned with the skin.

    Args:
        body: the body.
        normals: at rest.
        rotations: (F, 55, 3, 3) of the joints, from rest to the world.
    """
    turn = (body.weights.to(rotations.dtype) @ rotations.flatten(2)).unflatten(2, (3, 3))
    turned = (turn @ torch.as_tensor(normals, dtype=rotations.dtype)[:, :, None])[..., 0]
    return torch.nn.functional.normalize(turned, dim=-1).numpy()
