"""Gaussians on a body's surface: an avatar of anybody, before a picture has been looked at."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.binding import Binding
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import constant_harmonics
from mocap.avatar.rotations import quaternions
from mocap.body import Body
from mocap.geometry import frame_along
from mocap.skeletons import SMPLX_55

#: How much denser they are on what people look at.
_HEAD, _HANDS = 4.0, 3.0
#: A Gaussian's width along the surface, in the distances between them, and through it, in widths.
_WIDTH, _THICKNESS = 0.6, 0.1
_OPACITY = 0.95
#: Steps of a sequence that fills the unit square evenly (Roberts 2018).
_STEPS = np.array([0.7548776662466927, 0.5698402909980532])
_FINGERS = [
    index
    for index, name in enumerate(SMPLX_55.names)
    if name.startswith(("left_", "right_")) and name.rstrip("123") != name
]


def surface_avatar(
    body: Body,
    betas: Float[Tensor, " betas"],
    count: int = 20_000,
    *,
    colour: tuple[float, float, float] = (0.6, 0.6, 0.6),
    name: str = "",
) -> Avatar:
    """Flat Gaussians all over a body, closer together on face and hands; always the same.

    Args:
        body: the model, in single precision.
        betas: its shape.
        count: how many.
        colour: of them all, red, green and blue, 0 to 1.
        name: of the person.
    """
    with torch.no_grad():
        vertices = body.rest_vertices(betas[None])[0].double().cpu().numpy()
    faces = body.faces.cpu().numpy()
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = 0.5 * np.linalg.norm(normals, axis=1)
    density = _density(body)
    chosen, shares = _spread(areas * density, count)
    spacing = np.sqrt((areas * density).sum() / count / density[chosen])
    turns = frame_along(normals[chosen], corners[chosen, 1] - corners[chosen, 0])
    widths = _WIDTH * spacing
    like = body.template
    on_face = torch.from_numpy(chosen).to(like.device)
    within = torch.from_numpy(shares).to(like)
    weights = (body.weights[body.faces[on_face]] * within[..., None]).sum(1)
    gaussians = Gaussians(
        means=torch.from_numpy(np.einsum("nk,nkd->nd", shares, corners[chosen])).to(like),
        scales=torch.from_numpy(np.stack([_THICKNESS * widths, widths, widths], 1)).to(like),
        rotations=quaternions(torch.from_numpy(turns)).to(like),
        opacities=like.new_full((count,), _OPACITY),
        harmonics=constant_harmonics(like.new_tensor(colour).expand(count, 3)).contiguous(),
    )
    binding = Binding(on_face, within, weights)
    return Avatar(gaussians, binding, betas.to(like), body, name, antialiased=True)


def _density(body: Body) -> np.ndarray:
    """How dense Gaussians are on each face, (faces,)."""
    weights = body.weights.double().cpu().numpy()
    head = weights[:, [SMPLX_55.index(name) for name in ("head", "jaw")]].sum(1)
    hands = weights[:, _FINGERS].sum(1)
    by_vertex = 1 + (_HEAD - 1) * head + (_HANDS - 1) * hands
    return by_vertex[body.faces.cpu().numpy()].mean(1)


def _spread(weights: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces, each as often as it weighs, and places in them as shares of the corners."""
    upto = np.cumsum(weights)
    chosen = np.searchsorted(upto, (np.arange(count) + 0.5) / count * upto[-1])
    places = (0.5 + np.arange(count)[:, None] * _STEPS) % 1
    # The square's other half is folded onto the triangle.
    folded = np.where(places.sum(1, keepdims=True) > 1, 1 - places, places)
    return chosen, np.concatenate([1 - folded.sum(1, keepdims=True), folded], 1)
