"""Avatars as files: a splat that every viewer opens, and beside it what binds it to a body.

``anna.ply`` is the avatar at rest (:mod:`mocap.avatar.ply`); ``anna.binding.npz`` says, for each of
its Gaussians in turn, which face of which body it belongs to and which joints move it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mocap.avatar.arrays import DAMAGE
from mocap.avatar.avatar import Avatar
from mocap.avatar.binding import Binding
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.ply import encode_splat, read_splat
from mocap.body import Body
from mocap.errors import AvatarError
from mocap.files import writing_whole
from mocap.skeletons import SMPLX_55

_FORMAT, _VERSION = "mocap-avatar", 1
#: Joints that move one Gaussian; more have no share worth telling.
_JOINTS = 8
#: Standard deviations from the mean that no body is beyond, and how far shares may be off by
#: rounding.
_FARTHEST, _UNEVEN = 50.0, 0.02


def binding_file(path: str | Path) -> Path:
    """Where the binding of a splat is: ``anna.ply`` → ``anna.binding.npz``."""
    return Path(path).with_suffix(".binding.npz")


def write_avatar(avatar: Avatar, path: str | Path, *, bound_from: str = "") -> tuple[Path, Path]:
    """Write an avatar as a splat and its binding.

    Args:
        avatar: to write.
        path: of the splat, which ends in ``.ply``.
        bound_from: what it was bound from, if it was not made of a clip.

    Returns:
        Both files.

    Raises:
        AvatarError: they cannot be written; an earlier avatar is left as it was.
    """
    path = Path(path)
    weights, joints = avatar.binding.weights.detach().cpu().double().topk(_JOINTS, 1)
    weights = weights / weights.sum(1, keepdim=True)
    arrays: dict[str, Any] = {
        "format": _FORMAT,
        "version": _VERSION,
        "name": avatar.name,
        "antialiased": avatar.antialiased,
        "bound_from": bound_from,
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
    for one in (path, beside):
        if one.is_dir():
            raise AvatarError(f"{one}: cannot be written: it is a folder; choose another name")
    try:
        with writing_whole(beside) as binding, writing_whole(path) as splat:
            with splat.open("wb") as file:
                file.writelines(encode_splat(avatar.gaussians, path))
            with binding.open("wb") as file:
                np.savez_compressed(file, **arrays)
            # Whoever is stopped between the two leaves a splat without a binding, which is bound
            # anew; the binding of another splat would be wrong.
            beside.unlink(missing_ok=True)
    except OSError as refused:
        raise AvatarError(
            f"{path}: cannot be written ({refused.strerror or refused}); free some space or "
            "choose another folder"
        ) from refused
    return path, beside


def bound_from(path: str | Path) -> str | None:
    """What a splat was bound from; empty if it was made of a clip, None if it has no binding.

    Raises:
        AvatarError: the binding is damaged.
    """
    beside = binding_file(path)
    return str(_arrays(beside)["bound_from"]) if beside.exists() else None


def read_avatar(path: str | Path, body: Body) -> Avatar:
    """Read an avatar that this program has written.

    Args:
        path: of the splat.
        body: the model that it is bound to, in single precision; the avatar is where it is.

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
        if str(found["body"]) == body.name:
            raise AvatarError(
                f"{path}: was made with another {body.name} than this one, whose shape differs; "
                "make the avatar anew (`mocap avatar create` or `bind`), or name the file of the "
                "body that it was made with by --body"
            )
        raise AvatarError(
            f"{path}: was made with the body {found['body']}, not with {body.name}; name that "
            "body's file by --body"
        )
    if not _whole(found, body):
        raise AvatarError(f"{path}: is damaged; remove it, and the splat is bound anew")
    faces, shares, joints, weights, betas = (
        torch.from_numpy(found[name].astype(kind))
        for name, kind in (
            *(("faces", np.int64), ("shares", np.float32), ("joints", np.int64)),
            *(("weights", np.float32), ("betas", np.float32)),
        )
    )
    count = len(faces)
    if count != len(gaussians):
        raise AvatarError(
            f"{path}: binds {count} Gaussians, but its splat has {len(gaussians)}; remove it, and "
            "the splat is bound anew"
        )
    dense = torch.zeros(count, len(SMPLX_55)).scatter_add_(1, joints, weights)
    binding = Binding(faces, shares, dense)
    antialiased = bool(found["antialiased"])
    device = body.template.device
    return Avatar(
        *(gaussians.to(device), binding.to(device), betas.to(device)),
        *(body, str(found["name"]), antialiased),
    )


def _whole(found: dict[str, np.ndarray], body: Body) -> bool:
    """Whether a binding's arrays go together, and with the body."""
    faces, joints, betas = (found[name] for name in ("faces", "joints", "betas"))
    shapes = {
        "faces": (faces.size,),
        "shares": (faces.size, 3),
        "joints": (faces.size, _JOINTS),
        "weights": (faces.size, _JOINTS),
        "betas": (min(max(betas.size, 1), body.num_betas),),
        "antialiased": (),
    }
    if any(found[name].shape != shape for name, shape in shapes.items()):
        return False
    indices, numbers = (faces, joints), [found[name] for name in ("shares", "weights", "betas")]
    shares = [found[name] for name in ("shares", "weights")]
    return (
        found["antialiased"].dtype == bool
        and all(part.dtype.kind in "iu" for part in indices)
        and all(part.dtype.kind == "f" and np.isfinite(part).all() for part in numbers)
        and np.abs(betas).max(initial=0) <= _FARTHEST
        and all(part.min(initial=0) >= -_UNEVEN for part in shares)
        and all((np.abs(part.sum(1, dtype=float) - 1) <= _UNEVEN).all() for part in shares)
        and all(part.min(initial=0) >= 0 for part in indices)
        and faces.max(initial=0) < len(body.faces)
        and joints.max(initial=0) < len(SMPLX_55)
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    names = ["format", "version", "name", "body", "body_sha256", "betas"]
    names += ["faces", "shares", "joints", "weights"]
    try:
        with np.load(path, allow_pickle=False) as archive:
            # What is in the archive without being an array comes as bytes.
            found = {name: np.asarray(archive[name]) for name in names}
            # Files that do not tell are of avatars that were made without.
            found["antialiased"] = np.asarray(archive.get("antialiased", False))
            found["bound_from"] = np.asarray(archive.get("bound_from", ""))
        known = str(found["format"]) == _FORMAT and int(found["version"]) <= _VERSION
    except FileNotFoundError as missing:
        raise AvatarError(f"{path}: is not there") from missing
    except DAMAGE as fault:
        raise AvatarError(
            f"{path}: is no binding of an avatar, or damaged; remove it, and the splat beside it "
            "is bound anew"
        ) from fault
    if not known:
        raise AvatarError(
            f"{path}: is {found['format']} version {found['version']}, which this program does not "
            "know; get a newer one"
        )
    return found
