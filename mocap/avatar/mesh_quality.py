"""How near a mesh is to a true surface."""

from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Float
from scipy.spatial import cKDTree

from mocap.avatar.occupancy import occupancy
from mocap.errors import AvatarError

#: The grid's first point, in steps: no vertex is likely to have the x and y of a point.
_JITTER = np.array([0.4142, 0.7321, 0.2361])
#: Triangles near a point that are looked at for the nearest one.
_CANDIDATES = 8


@dataclass(frozen=True)
class MeshQuality:
    """How near a mesh is to the truth.

    Attributes:
        iou: volume inside of both, divided by volume inside of either.
        chamfer: metres; the mean distance of one surface's points to the other, of both ways.
        accuracy: metres; the mean distance of the mesh's points to the truth.
        completeness: metres; the mean distance of the truth's points to the mesh. What of it lies
            inside (mouth, eyeballs) counts.
        outward: metres; by how much the mesh lies outside of the truth, on average.
        normal_consistency: the mean cosine between the normals of a surface's points and of the
            nearest ones on the other, of both ways.
    """

    iou: float
    chamfer: float
    accuracy: float
    completeness: float
    outward: float
    normal_consistency: float


def compare_meshes(
    mesh: trimesh.Trimesh,
    truth: trimesh.Trimesh,
    *,
    spacing: float = 0.003,
    samples: int = 100_000,
    seed: int = 0,
) -> MeshQuality:
    """Measure a mesh, both in metres in one world.

    Args:
        mesh: closed.
        truth: closed; it may overlap itself, and have several parts.
        spacing: metres between the points that tell volumes.
        samples: points of each surface that tell distances.
        seed: of what points these are.

    Raises:
        AvatarError: one of them is not closed.
    """
    for name, surface in (("mesh", mesh), ("true surface", truth)):
        if not surface.is_watertight:
            raise AvatarError(f"the {name} has holes, and so no volume; compare closed surfaces")
    low = np.minimum(mesh.bounds[0], truth.bounds[0]) - spacing
    high = np.maximum(mesh.bounds[1], truth.bounds[1])
    x, y, z = (np.ceil((high - low) / spacing).astype(int) + 1).tolist()
    ours, theirs = (
        occupancy(surface, low + spacing * _JITTER, spacing, (x, y, z)) for surface in (mesh, truth)
    )
    there, there_cosines, outward = _nearest(mesh, truth, samples, seed)
    back, back_cosines, _ = _nearest(truth, mesh, samples, seed)
    accuracy, completeness = float(there.mean()), float(back.mean())
    return MeshQuality(
        iou=float((ours & theirs).sum() / (ours | theirs).sum()),
        chamfer=0.5 * (accuracy + completeness),
        accuracy=accuracy,
        completeness=completeness,
        outward=float(outward.mean()),
        normal_consistency=0.5 * float(there_cosines.mean() + back_cosines.mean()),
    )


def _nearest(
    start: trimesh.Trimesh, end: trimesh.Trimesh, samples: int, seed: int
) -> tuple[
    Float[np.ndarray, " samples"], Float[np.ndarray, " samples"], Float[np.ndarray, " samples"]
]:
    """Of points of one surface, the distances to another, cosines, and how far outside they are."""
    points, faces = trimesh.sample.sample_surface(start, samples, seed=seed)
    # Large triangles by points on them, small ones by their middles.
    spread, owners = trimesh.sample.sample_surface(end, samples, seed=seed + 1)
    owners = np.concatenate([owners, np.arange(len(end.faces))])
    tree = cKDTree(np.concatenate([spread, end.triangles_center]))
    candidates = owners[tree.query(points, _CANDIDATES)[1]]
    nearest = trimesh.triangles.closest_point(
        end.triangles[candidates.ravel()], np.repeat(points, _CANDIDATES, 0)
    ).reshape(-1, _CANDIDATES, 3)
    away = points[:, None] - nearest
    best = np.linalg.norm(away, axis=-1).argmin(1)
    rows = np.arange(len(points))
    away, normals = away[rows, best], end.face_normals[candidates[rows, best]]
    cosines = np.einsum("ni,ni->n", start.face_normals[faces], normals)
    return np.linalg.norm(away, axis=-1), cosines, np.einsum("ni,ni->n", away, normals)
