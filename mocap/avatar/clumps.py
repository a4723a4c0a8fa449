"""Which Gaussians belong to one thing, and which only float about."""

import math

import numpy as np
import torch
from scipy import sparse
from scipy.spatial import cKDTree

from mocap.avatar.gaussians import Gaussians
from mocap.avatar.projection import LEAST_ALPHA
from mocap.errors import AvatarError

#: Metres: what is farther from everything else belongs to something else, unless Gaussians are as
#: large as that themselves.
_APART = 0.05
#: In standard deviations of the middle one of them.
_LARGE = 4.0


def largest_clump(gaussians: Gaussians) -> Gaussians:
    """The Gaussians that are visible at all and lie near each other, where most of them do.

    Raises:
        AvatarError: there are none, or some are not finite.
    """
    parts = (gaussians.means, gaussians.scales, gaussians.rotations, gaussians.opacities)
    finite = np.ones(len(gaussians), bool)
    for part in (*parts, gaussians.harmonics):
        rows = part.detach().isfinite().reshape(len(gaussians), math.prod(part.shape[1:]))
        finite &= rows.all(1).cpu().numpy()
    if not finite.all():
        raise AvatarError(
            f"number {int(finite.argmin())} of the {len(gaussians)} Gaussians is not finite, and "
            "so no mesh can be made of them; make the avatar anew"
        )
    visible = gaussians.where(gaussians.opacities.detach() >= LEAST_ALPHA)
    if not len(visible):
        raise AvatarError("there are no visible Gaussians to make a mesh of; give an avatar's")
    scales = visible.scales.detach().amax(1).cpu().double().numpy()
    size = max(_APART, _LARGE * float(np.median(scales)))
    cells, inverse = np.unique(
        np.floor(visible.means.detach().cpu().double().numpy() / size), axis=0, return_inverse=True
    )
    # Also those that meet at a corner.
    pairs = cKDTree(cells).query_pairs(1.8, output_type="ndarray")
    links = sparse.coo_array((np.ones(len(pairs), bool), tuple(pairs.T)), 2 * (len(cells),))
    _, clumps = sparse.csgraph.connected_components(links, directed=False)
    clump = clumps[inverse.ravel()]
    weights = np.bincount(clump, visible.opacities.detach().cpu().double().numpy())
    return visible.where(torch.from_numpy(clump == weights.argmax()).to(visible.means.device))
