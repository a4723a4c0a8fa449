"""Canonical people as dictionaries of arrays, with the skin weights that their system gave them.

Read from ``.npz``, and from ``.pt`` or ``.pth`` that hold plain tensors, in two vocabularies:

========================== ================ ==========================
Habitat-GS                 ExAvatar         what it is, for N Gaussians
========================== ================ ==========================
``means``                  ``mean_3d``      (N, 3) metres
``scales``                 ``scale``        (N, 3) metres, no logarithms
``quats``                  ``rotation``     (N, 4) quaternions ``wxyz``
``opacities``              ``opacity``      (N,) or (N, 1), 0 to 1
``shs``                    ``rgb``          (N, 3) or (N, K, 3); (N, 3)
``lbs_weights``            ``skinning_weight``            (N, 55)
``joints_inv_bind_matrix`` ``transform_mat_neutral_pose`` (55, 4, 4)
========================== ================ ==========================

Habitat-GS writes the first, as ``canonical_gs.npz``, of Animatable Gaussians and GaussianAvatar
(zju3dv/habitat-gs, ``tools_gs/export_animatable_to_canonical.py``; its reader is
``src/esp/assets/GaussianAvatarImporter.cpp``, after which one harmonic that is within 0 and 1 is a
colour). Weights may be of SMPL's 24 joints there. ExAvatar's are the names of what its networks
give (mks0601/ExAvatar_RELEASE, ``HumanGaussian.forward`` in ``avatar/common/nets/module.py``);
weights and matrices have theirs in asd56585452/ExAvatar_to_Unity,
``avatar/main/export_onnx.py``, and may be missing. Joints are SMPL-X's 55 in their order; matrices,
one a joint, bring the canonical pose (legs apart) to the T-pose.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.adopting import Tell, adopt, untold
from mocap.avatar.arrays import read_arrays
from mocap.avatar.avatar import Avatar
from mocap.avatar.gaussians import COEFFICIENTS, Gaussians
from mocap.avatar.harmonics import constant_harmonics, turned
from mocap.avatar.rotations import blended, product
from mocap.body import Body
from mocap.errors import AvatarError
from mocap.skeletons import SMPLX_55

#: Joints of SMPL's that SMPL-X has not: its hands, which go with the wrists.
_SMPL_HANDS = {22: "left_wrist", 23: "right_wrist"}
_SMPL_JOINTS = 24
#: How far colours and opacities may be outside 0 to 1 by rounding, and weights off a sum of 1.
_ROUNDING, _UNEVEN = 1e-3, 0.05


@dataclass(frozen=True)
class Vocabulary:
    """What a system calls the arrays of its people."""

    system: str
    means: str
    scales: str
    rotations: str
    opacities: str
    colours: str
    weights: str
    matrices: str

    @property
    def needed(self) -> tuple[str, ...]:
        """Arrays without which there are no Gaussians."""
        return (self.means, self.scales, self.rotations, self.opacities, self.colours)


HABITAT = Vocabulary(
    *("Habitat-GS", "means", "scales", "quats", "opacities", "shs"),
    *("lbs_weights", "joints_inv_bind_matrix"),
)
EXAVATAR = Vocabulary(
    *("ExAvatar", "mean_3d", "scale", "rotation", "opacity", "rgb"),
    *("skinning_weight", "transform_mat_neutral_pose"),
)
_VOCABULARIES = (HABITAT, EXAVATAR)


def read_dictionary(path: Path, body: Body, tell: Tell = untold) -> Avatar:
    """An avatar from a dictionary of arrays, in the pose that its system keeps people in.

    Args:
        path: of the ``.npz``, ``.pt`` or ``.pth``.
        body: the model, in single precision.
        tell: told what was found.

    Raises:
        AvatarError: it holds no person, or arrays that are missing, damaged or do not go together.
    """
    found = read_arrays(path)
    words = _words(path, found)
    gaussians = _gaussians(path, found, words)
    weights = _weights(path, found, words, len(gaussians))
    if weights is None:
        if words.matrices in found:
            raise AvatarError(
                f"{path}: has {words.matrices} and no {words.weights}, which say what it moves; "
                "write both, or neither"
            )
        tell(f"{words.system}'s, without skin weights: they are the body's own")
    else:
        matrices = _matrices(path, found, words)
        tell(f"{words.system}'s, with its own skin weights")
        if matrices is not None:
            gaussians = _unposed(gaussians, weights, matrices)
    return adopt(gaussians, body, path.stem, str(path), weights=weights, tell=tell)


def _words(path: Path, found: dict[str, Any]) -> Vocabulary:
    """The vocabulary of which the most words are there."""
    known = {words: [one for one in words.needed if one in found] for words in _VOCABULARIES}
    words = max(_VOCABULARIES, key=lambda one: len(known[one]))
    if words.means not in found:
        raise AvatarError(
            f"{path}: has no Gaussians by names that are known ({HABITAT.means}, as Habitat-GS "
            f"has them, or {EXAVATAR.means}, as ExAvatar has): export a splat (.ply)"
        )
    missing = [name for name in words.needed if name not in found]
    if missing:
        raise AvatarError(
            f"{path}: has {words.system}'s {words.means}, but no {' and no '.join(missing)}; "
            "export it anew with all of them"
        )
    return words


def _gaussians(path: Path, found: dict[str, Any], words: Vocabulary) -> Gaussians:
    means = _array(path, found, words.means, (None, 3))
    count = len(means)
    if not count:
        raise AvatarError(f"{path}: its {words.means} is empty: nobody is in it; export it anew")
    scales = _array(path, found, words.scales, (count, 3), (count, 1)).expand(count, 3)
    rotations = _array(path, found, words.rotations, (count, 4))
    opacities = _array(path, found, words.opacities, (count,), (count, 1)).reshape(count)
    if (scales <= 0).any():
        raise AvatarError(
            f"{path}: its {words.scales} are not all above zero: they are metres here, not their "
            "logarithms; export it anew"
        )
    if (rotations.norm(dim=1) == 0).any():
        raise AvatarError(f"{path}: some of its {words.rotations} are zero; export it anew")
    if not _is_share(opacities):
        raise AvatarError(
            f"{path}: its {words.opacities} are outside 0 to 1: they are no logits here; export "
            "it anew"
        )
    harmonics = _harmonics(path, found, words, count)
    return Gaussians(means, scales, rotations, opacities.clamp(0, 1), harmonics)


def _harmonics(path: Path, found: dict[str, Any], words: Vocabulary, count: int) -> Tensor:
    """Colours, or their harmonics."""
    if words is EXAVATAR:
        colours = _array(path, found, words.colours, (count, 3))
        if not _is_share(colours):
            raise AvatarError(f"{path}: its {words.colours} is outside 0 to 1; export it anew")
        return constant_harmonics(colours).contiguous()
    shapes = [(count, coefficients, 3) for coefficients in COEFFICIENTS]
    values = _array(path, found, words.colours, (count, 3), *shapes).reshape(count, -1, 3)
    if values.shape[1] == 1 and _is_share(values):
        return constant_harmonics(values[:, 0]).contiguous()
    return values


def _is_share(values: Tensor) -> bool:
    return bool((values >= -_ROUNDING).all() and (values <= 1 + _ROUNDING).all())


def _weights(
    path: Path, found: dict[str, Any], words: Vocabulary, count: int
) -> Float[Tensor, "gaussians 55"] | None:
    """Skin weights of SMPL-X's joints, which sum to 1."""
    if words.weights not in found:
        return None
    shapes = (count, len(SMPLX_55)), (count, _SMPL_JOINTS)
    weights = _array(path, found, words.weights, *shapes)
    total = weights.sum(1, keepdim=True)
    if (weights < -_ROUNDING).any() or ((total - 1).abs() > _UNEVEN).any():
        raise AvatarError(
            f"{path}: its {words.weights} are no shares that sum to 1; export it anew"
        )
    return _of_smplx(weights.clamp_min(0) / weights.clamp_min(0).sum(1, keepdim=True))


def _of_smplx(weights: Float[Tensor, "gaussians joints"]) -> Float[Tensor, "gaussians 55"]:
    if weights.shape[1] == len(SMPLX_55):
        return weights
    # SMPL's first joints are SMPL-X's.
    same = len(_SMPL_HANDS)
    whole = weights.new_zeros(len(weights), len(SMPLX_55))
    whole[:, : _SMPL_JOINTS - same] = weights[:, :-same]
    for joint, wrist in _SMPL_HANDS.items():
        whole[:, SMPLX_55.index(wrist)] += weights[:, joint]
    return whole


def _matrices(
    path: Path, found: dict[str, Any], words: Vocabulary
) -> Float[Tensor, "55 4 4"] | None:
    """By which each joint is brought to the T-pose."""
    if words.matrices not in found:
        return None
    joints = np.shape(found[words.weights])[1]
    shapes = (joints, 4, 4), (1, joints, 4, 4), (joints, 16)
    matrices = _array(path, found, words.matrices, *shapes).reshape(joints, 4, 4)
    rotations = matrices[:, :3, :3]
    off = (rotations @ rotations.mT - torch.eye(3)).abs().amax()
    if off > 0.01 or (torch.linalg.det(rotations) < 0).any():
        raise AvatarError(f"{path}: its {words.matrices} are no rigid motions; export it anew")
    if joints == len(SMPLX_55):
        return matrices
    whole = torch.eye(4).repeat(len(SMPLX_55), 1, 1)
    whole[: _SMPL_JOINTS - len(_SMPL_HANDS)] = matrices[: -len(_SMPL_HANDS)]
    return whole


def _unposed(
    gaussians: Gaussians, weights: Float[Tensor, "n 55"], matrices: Float[Tensor, "55 4 4"]
) -> Gaussians:
    """Brought to the T-pose by linear blend skinning, as their own system does."""
    moves = (weights @ matrices.flatten(1)).unflatten(1, (4, 4))
    turns = blended(weights, matrices[:, :3, :3])
    return replace(
        gaussians,
        means=(moves[:, :3, :3] @ gaussians.means[..., None])[..., 0] + moves[:, :3, 3],
        rotations=product(turns, gaussians.rotations),
        harmonics=turned(gaussians.harmonics, turns),
    )


def _array(path: Path, found: dict[str, Any], name: str, *shapes: tuple[int | None, ...]) -> Tensor:
    """An array in single precision, of one of some shapes (None: of any length), and finite."""
    array = np.asarray(found[name])
    if array.dtype.kind not in "fiu":
        raise AvatarError(f"{path}: its {name} holds no numbers ({array.dtype}); export it anew")
    fits = any(
        len(array.shape) == len(shape)
        and all(want in (None, has) for want, has in zip(shape, array.shape, strict=True))
        for shape in shapes
    )
    if not fits:
        wanted = " or ".join(str(shape).replace("None", "N") for shape in shapes)
        raise AvatarError(f"{path}: its {name} is {array.shape}, not {wanted}; export it anew")
    with np.errstate(over="ignore"):
        single = torch.from_numpy(np.ascontiguousarray(array, np.float32))
    if not single.isfinite().all():
        raise AvatarError(f"{path}: its {name} has numbers that are not finite; export it anew")
    return single
