"""Avatars as files: a splat that every viewer opens, and beside it what binds it to a body.

``anna.ply`` is the avatar at rest (:mod:`mocap.avatar.ply`); ``anna.binding.npz`` says, for each of
its Gaussians in turn, which face of which body it belongs to and which joints move it.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mocap.avatar.avatar import Avatar
from mocap.avatar.binding import Binding
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.ply import read_splat, write_splat
from mocap.body import Body
from mocap.errors import AvatarError
from mocap.files import writing_whole

_FORMAT, _VERSION = "mocap-avatar", 1
#: Joints that move one Gaussian; more have no share worth telling.
_JOINTS = 8


def binding_file(path: str | Path) -> Path:
    """Where the binding of a splat is: ``anna.ply`` → ``anna.binding.npz``."""
    return Path(path).with_suffix(".binding.npz")


def write_avatar(avatar: Avatar, path: str | Path) -> tuple[Path, Path]:
    """Write an avatar as a splat and its binding.

    Args:
        avatar: to write.
        path: of the splat, which ends in ``.ply``.

    Returns:
        Both files.

    Raises:
        AvatarError: they cannot be written.
    """
    path = Path(path)
    weights, joints = avatar.binding.weights.detach().cpu().double().topk(_JOINTS, 1)
    weights = weights / weights.sum(1, keepdim=True)
    arrays: dict[str, Any] = {
        "format": _FORMAT,
        "version": _VERSION,
        "name": avatar.name,
        "body": avatar.body.name,
        "body_sha256": avatar.body.sha256,
        "body_licence": avatar.body.licence,
        "betas": avatar.betas.detach().cpu().numpy().astype(np.float32),
        "faces": avatar.binding.faces.cpu().numpy().astype(np.int32),
        "shares": avatar.binding.shares.detach().cpu().numpy().astype(np.float32),
        "joints": joints.numpy().astype(np.uint8),
        "weights": weights.numpy().astype(np.float32),
    }
    beside = binding_file(path)
    # A splat without its binding is bound anew; a binding of another splat would be wrong.
    beside.unlink(missing_ok=True)
    write_splat(avatar.gaussians, path)
    try:
        with writing_whole(beside) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
    except OSError as refused:
        raise AvatarError(
            f"{beside}: cannot be written ({refused.strerror or refused}); free some space or "
            "choose another folder"
        ) from refused
    return path, beside


def read_avatar(path: str | Path, body: Body) -> Avatar:
    """Read an avatar that this program has written.

    Args:
        path: of the splat.
        body: the model that it is bound to, in single precision.

    Raises:
        AvatarError: one of its files is missing, damaged, or of another splat or body.
    """
    gaussians = read_splat(path)
    return bound_by_file(gaussians, binding_file(path), body)


def bound_by_file(gaussians: Gaussians, path: Path, body: Body) -> Avatar:
    """Gaussians at rest, and the binding that was written for them.

    Raises:
        AvatarError: the binding is missing, damaged, or of other Gaussians or another body.
    """
    found = _arrays(path)
    if str(found["body_sha256"]) != body.sha256:
        raise AvatarError(
            f"{path}: was made with the body {found['body']}, not with {body.name}; name that "
            "body's file by --body"
        )
    faces, shares, joints, weights = (
        np.asarray(found[name]) for name in ("faces", "shares", "joints", "weights")
    )
    count = len(faces)
    whole = (
        shares.shape == (count, 3)
        and joints.shape == weights.shape == (count, _JOINTS)
        and {faces.dtype.kind, joints.dtype.kind} <= set("iu")
        and (not count or (faces.min() >= 0 and faces.max() < len(body.faces)))
        and (not count or joints.max() < 55)
        and all(np.isfinite(part).all() for part in (shares, weights, found["betas"]))
        and np.ndim(found["betas"]) == 1
    )
    if not whole:
        raise AvatarError(f"{path}: is damaged; remove it, and the splat is bound anew")
    if count != len(gaussians):
        raise AvatarError(
            f"{path}: binds {count} Gaussians, but its splat has {len(gaussians)}; remove it, and "
            "the splat is bound anew"
        )
    dense = torch.zeros(count, 55).scatter_add_(
        1, torch.from_numpy(joints.astype(np.int64)), torch.from_numpy(weights).float()
    )
    binding = Binding(
        torch.from_numpy(faces.astype(np.int64)), torch.from_numpy(shares).float(), dense
    )
    betas = torch.from_numpy(np.asarray(found["betas"])).float()
    return Avatar(gaussians, binding, betas, body, str(found["name"]))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    names = ["format", "version", "name", "body", "body_sha256", "betas"]
    names += ["faces", "shares", "joints", "weights"]
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in names}
    except FileNotFoundError as missing:
        raise AvatarError(f"{path}: is not there") from missing
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as fault:
        raise AvatarError(
            f"{path}: is no binding of an avatar, or damaged; remove it, and the splat beside it "
            "is bound anew"
        ) from fault
    if str(found["format"]) != _FORMAT or int(found["version"]) > _VERSION:
        raise AvatarError(
            f"{path}: is {found['format']} version {found['version']}, which this program does not "
            "know; get a newer one"
        )
    return found
