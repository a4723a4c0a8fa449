"""What of a body's surface carries each Gaussian of an avatar."""

from dataclasses import dataclass, replace

import numpy as np
import torch
import trimesh
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor

from mocap.body import Body

#: Vertices about a point whose faces may be the nearest.
_CANDIDATES = 6
#: Vertices that carry what is away from the surface together, and points looked at together.
_TOGETHER, _CHUNK = 24, 8192
#: Metres from the surface from which on that is so; nearer, the skin alone carries.
_LOOSE = 0.02


@dataclass(frozen=True)
class Binding:
    """The place on the surface, and the joints, that each of N Gaussians goes with.

    Attributes:
        faces: (N,) the nearest triangle of the body.
        shares: (N, 3) barycentric coordinates in it; they sum to 1.
        weights: (N, 55) skinning weights; they sum to 1.
    """

    faces: Int[Tensor, " gaussians"]
    shares: Float[Tensor, "gaussians 3"]
    weights: Float[Tensor, "gaussians 55"]

    def __post_init__(self) -> None:
        count = len(self.faces)
        if self.shares.shape != (count, 3) or self.weights.shape != (count, 55):
            raise ValueError(
                f"shares {(*self.shares.shape,)} and weights {(*self.weights.shape,)} of {count}"
            )

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, chosen: Tensor | slice) -> "Binding":
        return Binding(self.faces[chosen], self.shares[chosen], self.weights[chosen])

    def to(self, where: torch.device | torch.dtype | str) -> "Binding":
        """The same on another device or in another floating-point type."""
        whole = where if not isinstance(where, torch.dtype) else self.faces.dtype
        return Binding(self.faces.to(whole), self.shares.to(where), self.weights.to(where))

    def between(
        self, values: Float[Tensor, "vertices ..."], faces: Int[Tensor, "faces 3"]
    ) -> Float[Tensor, "gaussians ..."]:
        """Values of the body's vertices, as they are where the Gaussians belong."""
        corners = faces[self.faces]
        shares = self.shares.to(values).reshape(len(self), 3, *(1,) * (values.ndim - 1))
        # In place: there may be hundreds of values of each, and many Gaussians.
        total = values[corners[:, 0]].mul_(shares[:, 0])
        for k in (1, 2):
            total += values[corners[:, k]].mul_(shares[:, k])
        return total

    def carrier(self, body: Body) -> Body:
        """A body whose vertices are these places on the surface; it has no faces."""
        bent = self.between(body.pose_directions.transpose(0, 1), body.faces)
        return replace(
            body,
            template=self.between(body.template, body.faces),
            directions=self.between(body.directions, body.faces),
            pose_directions=bent.transpose(0, 1).contiguous(),
            weights=self.weights,
            faces=body.faces[:0],
        )


def bind(
    points: Float[Tensor, "gaussians 3"], vertices: Float[Tensor, "vertices 3"], body: Body
) -> tuple[Binding, Float[Tensor, " gaussians"]]:
    """Bind points to the nearest places of a body in the same pose.

    On the skin, weights are the skin's own. What is farther away, as hair and skirts are, goes with
    all of the surface about as far from it: between the legs, with both.

    Args:
        points: metres.
        vertices: of the body's surface, metres.
        body: whose vertices these are.

    Returns:
        The binding, and how far each point is from the surface, metres.
    """
    where, surface = points.detach().cpu().double().numpy(), vertices.detach().cpu().double()
    mesh = trimesh.Trimesh(surface.numpy(), body.faces.cpu().numpy(), process=False)
    tree = cKDTree(mesh.vertices)
    faces, shares = np.empty(len(where), np.int64), np.empty((len(where), 3))
    away = np.empty(len(where))
    weights = np.empty((len(where), body.weights.shape[1]), np.float32)
    skin = body.weights.cpu().numpy()
    for first in range(0, len(where), _CHUNK):
        rows = slice(first, first + _CHUNK)
        faces[rows], shares[rows], away[rows] = _nearest(where[rows], mesh, tree)
        own = (skin[mesh.faces[faces[rows]]] * shares[rows, :, None]).sum(1)
        weights[rows] = _loosened(own, where[rows], away[rows], tree, skin)
    binding = Binding(
        torch.from_numpy(faces).to(points.device),
        torch.from_numpy(shares).to(points),
        torch.from_numpy(weights).to(points),
    )
    return binding, torch.from_numpy(away).to(points)


def _nearest(
    points: np.ndarray, mesh: trimesh.Trimesh, tree: cKDTree
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The nearest face, barycentric coordinates in it, and the distance to it."""
    _, near = tree.query(points, k=_CANDIDATES)
    # Vertices of few faces are padded with -1: the last face, which may be the nearest as well.
    around = mesh.vertex_faces[near].reshape(len(points), -1) % len(mesh.faces)
    corners = mesh.triangles[around]
    asked = np.repeat(points[:, None], around.shape[1], 1)
    found = trimesh.triangles.closest_point(corners.reshape(-1, 3, 3), asked.reshape(-1, 3))
    found = found.reshape(*around.shape, 3)
    gaps = np.linalg.norm(found - points[:, None], axis=-1)
    best = gaps.argmin(1)
    rows = np.arange(len(points))
    # A triangle without an area has no shares.
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = trimesh.triangles.points_to_barycentric(corners[rows, best], found[rows, best])
    shares = np.where(np.isfinite(shares).all(1, keepdims=True), shares, 1 / 3).clip(0)
    return around[rows, best], shares / shares.sum(1, keepdims=True), gaps[rows, best]


def _loosened(
    own: np.ndarray, points: np.ndarray, away: np.ndarray, tree: cKDTree, skin: np.ndarray
) -> np.ndarray:
    """Skin weights, those of what is far from the skin blended over the surface around."""
    far = np.flatnonzero(away > _LOOSE)
    if not len(far):
        return own
    # Spread over the surface about as far as the point is from it, not only next to its foot.
    gaps, near = tree.query(points[far], k=_TOGETHER * 8)
    gaps, near = gaps[:, ::8], near[:, ::8]
    kernel = np.exp(-0.5 * (gaps**2 - gaps[:, :1] ** 2) / (0.5 * away[far, None]) ** 2)
    blended = np.einsum("nk,nkj->nj", kernel / kernel.sum(1, keepdims=True), skin[near])
    loose = np.clip((away[far, None] - _LOOSE) / _LOOSE, 0, 1)
    mixed = own.copy()
    mixed[far] = (1 - loose) * own[far] + loose * blended
    return mixed
