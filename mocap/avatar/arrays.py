"""Arrays by name from files of strangers, none of whose objects is ever made.

``.npz`` without pickles; ``.pt`` and ``.pth`` as plain tensors in a dictionary (PyTorch's
``weights_only``).
"""

import pickle
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import torch

from mocap.errors import AvatarError

#: What readers of archives raise when these are damaged, encrypted, packed in other ways, or are
#: something else.
DAMAGE = (
    *(OSError, ValueError, TypeError, LookupError, EOFError, AttributeError, MemoryError),
    *(RuntimeError, OverflowError, AssertionError, SyntaxError, TokenError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
#: Names that ExAvatar's networks have in its snapshots (``snapshot_N.pth``, of which ``network`` is
#: the state; mks0601/ExAvatar_RELEASE, ``avatar/common/base.py``).
_NETWORK, _NETWORKS = "network", "human_gaussian."


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Every array of a file by its name, on the CPU.

    Raises:
        AvatarError: it cannot be read, holds objects, or is a state of networks.
    """
    if not path.is_file():
        raise AvatarError(f"{path}: is not there, or no file")
    return _of_npz(path) if path.suffix.lower() == ".npz" else _of_torch(path)


def _of_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive.files}
    except DAMAGE as fault:
        raise AvatarError(
            f"{path}: is no archive of arrays, or damaged, or holds objects; export it anew, or as "
            "a splat (.ply)"
        ) from fault


def _of_torch(path: Path) -> dict[str, np.ndarray]:
    try:
        with warnings.catch_warnings():
            # Of pickles of other versions, which are read or refused all the same.
            warnings.simplefilter("ignore", UserWarning)
            found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as refused:
        if "LHM." in str(refused):
            raise AvatarError(
                f"{path}: holds objects of LHM's own; write a splat instead, as its "
                "inference_mesh.sh does (GaussianModel.save_ply)"
            ) from refused
        raise AvatarError(
            f"{path}: is damaged, or holds objects, which may run anything when they are opened; "
            "save a dictionary of tensors, or a splat (.ply)"
        ) from refused
    except DAMAGE as fault:
        raise AvatarError(f"{path}: is no file of tensors, or damaged; get it anew") from fault
    if not isinstance(found, dict):
        raise AvatarError(f"{path}: holds no dictionary of tensors; save one, or a splat (.ply)")
    network = found.get(_NETWORK, found)
    if isinstance(network, dict) and any(_NETWORKS in str(name) for name in network):
        raise AvatarError(
            f"{path}: is a snapshot of ExAvatar's networks, without a Gaussian in it: save what "
            "they give, human_asset, as in its avatar/main/get_neutral_pose.py (torch.save)"
        )
    tensors = {str(name): one for name, one in found.items() if isinstance(one, torch.Tensor)}
    try:
        return {name: _numbers(one) for name, one in tensors.items()}
    except DAMAGE as fault:
        raise AvatarError(
            f"{path}: its tensors are not plain ones; save ordinary tensors anew"
        ) from fault


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
