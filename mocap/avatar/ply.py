"""Splats in PLY files, as the original 3D Gaussian Splatting writes them (Kerbl et al. 2023).

Each vertex is a Gaussian: ``x y z``, normals (zeros), ``f_dc_*`` and ``f_rest_*`` (harmonics of
degree 0 and of all others, channel after channel), ``opacity`` (its logit), ``scale_*``
(logarithms) and ``rot_*`` (a quaternion ``wxyz``). All three encodings of PLY and any type of
number are read; other properties and other elements are passed over. Written is binary,
little-endian, in single precision, which is what viewers expect.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from scipy.special import expit, logit

from mocap.avatar.gaussians import COEFFICIENTS, Gaussians
from mocap.avatar.ply_header import Header, read_header, shortened
from mocap.errors import AvatarError
from mocap.files import writing_whole

_MEANS, _NORMALS, _CONSTANT = ["x", "y", "z"], ["nx", "ny", "nz"], ["f_dc_0", "f_dc_1", "f_dc_2"]
_SCALES, _ROTATIONS = ["scale_0", "scale_1", "scale_2"], ["rot_0", "rot_1", "rot_2", "rot_3"]
_NEEDED = [*_MEANS, *_CONSTANT, "opacity", *_SCALES, *_ROTATIONS]
#: Rows at once: as many as stay in a processor's cache while columns are picked out of them.
_ROWS = 8192
#: How near to 0 and 1 an opacity is written: their own logits are infinite.
_EDGE = 2.0**-24
_LEAST_SCALE = float(np.finfo(np.float32).tiny)


def read_splat(path: str | Path) -> Gaussians:
    """Read a splat, in single precision and on the CPU.

    Raises:
        AvatarError: the file cannot be read, is no splat, is cut short, or has numbers that are
            none, or quaternions of zeros.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            header = read_header(path, file)
            rest = _rest(path, header.row)
            _expect_all(path, file, header)
            return _read(path, file, header, rest)
    except OSError as refused:
        raise AvatarError(f"{path}: cannot be read ({refused.strerror or refused})") from refused


def write_splat(gaussians: Gaussians, path: str | Path) -> Path:
    """Write Gaussians for viewers of splats; read again, they are the same within rounding.

    Raises:
        AvatarError: something of them is not finite, or the file cannot be written.
    """
    path = Path(path)
    try:
        with writing_whole(path) as temporary, temporary.open("wb") as file:
            file.writelines(encode_splat(gaussians, path))
    except OSError as refused:
        raise AvatarError(
            f"{path}: cannot be written ({refused.strerror or refused}); free some space or choose "
            "another folder"
        ) from refused
    return path


def encode_splat(gaussians: Gaussians, path: Path) -> Iterator[bytes]:
    """The bytes of a splat's file, piece by piece.

    Raises:
        AvatarError: something of the Gaussians is not finite; the file is named by ``path``.
    """
    names = [*_MEANS, *_NORMALS, *_CONSTANT, *_rest_names(gaussians.harmonics.shape[1])]
    names += ["opacity", *_SCALES, *_ROTATIONS]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(gaussians)}"]
    lines += [*(f"property float {name}" for name in names), "end_header", ""]
    yield "\n".join(lines).encode()
    for first in range(0, len(gaussians), _ROWS):
        yield _rows_of(path, gaussians, slice(first, first + _ROWS)).tobytes()


def _rows_of(path: Path, gaussians: Gaussians, rows: slice) -> np.ndarray:
    """Some Gaussians as a file has them, (rows, properties) of ``<f4``."""
    means, scales, rotations, opacities, harmonics = (
        part[rows].detach().cpu().double().numpy()
        for part in (
            *(gaussians.means, gaussians.scales, gaussians.rotations),
            *(gaussians.opacities, gaussians.harmonics),
        )
    )
    columns = [
        means,
        np.zeros_like(means),
        harmonics[:, 0],
        harmonics[:, 1:].transpose(0, 2, 1).reshape(len(means), 3 * (harmonics.shape[1] - 1)),
        logit(opacities.clip(_EDGE, 1 - _EDGE))[:, None],
        np.log(scales.clip(_LEAST_SCALE)),
        rotations,
    ]
    found = np.concatenate(columns, 1).astype("<f4")
    if not np.isfinite(found).all():
        raise AvatarError(f"{path}: not written: some of the Gaussians are not finite")
    return found


def _rest_names(coefficients: int) -> list[str]:
    return [f"f_rest_{index}" for index in range(3 * (coefficients - 1))]


def _rest(path: Path, row: np.dtype) -> list[str]:
    """The names of the harmonics above degree 0, if the vertices are Gaussians."""
    names = set(row.names or ())
    if "packed_position" in names:
        raise AvatarError(
            f"{path}: is a compressed splat (SuperSplat's); export it there as an ordinary .ply"
        )
    missing = [name for name in _NEEDED if name not in names]
    if len(missing) > len(_SCALES):
        raise AvatarError(
            f"{path}: is a mesh or a point cloud, no Gaussian splat: its vertices have no "
            f"{missing[0]}; choose one that a trainer of splats has written"
        )
    if missing:
        raise AvatarError(f"{path}: its Gaussians have no {' and no '.join(missing)}; export anew")
    rest = {name for name in names if name.startswith("f_rest_")}
    for coefficients in COEFFICIENTS:
        if rest == set(_rest_names(coefficients)):
            return _rest_names(coefficients)
    raise AvatarError(
        f"{path}: has {len(rest)} f_rest properties; degrees 0 to 3 have 0, 9, 24 or 45, numbered "
        "from 0: export it with one of these degrees"
    )


def _expect_all(path: Path, file: BinaryIO, header: Header) -> None:
    """Nothing is set aside for more Gaussians than a file can hold."""
    has = path.stat().st_size - file.tell()
    if header.is_text:
        # The end of every line before, and a digit and a space for every number.
        possible = has >= header.before + 2 * header.count * len(header.row.names or ()) - 1
    else:
        possible = has >= header.before + header.count * header.row.itemsize
    if not possible:
        raise _cut_short(path, header)


def _cut_short(path: Path, header: Header) -> AvatarError:
    return AvatarError(
        f"{path}: is cut short: not all of its {header.count} Gaussians are there; get it anew"
    )


def _read(path: Path, file: BinaryIO, header: Header, rest: list[str]) -> Gaussians:
    coefficients = 1 + len(rest) // 3
    means, scales = (np.empty((header.count, 3), np.float32) for _ in range(2))
    rotations = np.empty((header.count, 4), np.float32)
    opacities = np.empty(header.count, np.float32)
    harmonics = np.empty((header.count, coefficients, 3), np.float32)
    done = 0
    for block in _blocks(path, file, header):
        rows = slice(done, done + len(block))
        means[rows] = _columns(block, _MEANS)
        rotations[rows] = _columns(block, _ROTATIONS)
        harmonics[rows, 0] = _columns(block, _CONSTANT)
        if rest:
            by_channel = _columns(block, rest).reshape(len(block), 3, coefficients - 1)
            harmonics[rows, 1:] = by_channel.transpose(0, 2, 1)
        # What overflows is reported below.
        with np.errstate(over="ignore", invalid="ignore"):
            scales[rows] = np.exp(_columns(block, _SCALES))
            opacities[rows] = expit(_columns(block, ["opacity"])[:, 0])
        for part in (means, scales, rotations, opacities, harmonics):
            finite = np.isfinite(part[rows].reshape(len(block), -1)).all(1)
            if not finite.all():
                raise AvatarError(
                    f"{path}: number {done + int(np.argmin(finite))} of its {header.count} "
                    "Gaussians is not finite; clean it in an editor of splats (SuperSplat)"
                )
        turned = rotations[rows].any(1)
        if not turned.all():
            raise AvatarError(
                f"{path}: the quaternion of number {done + int(np.argmin(turned))} of its "
                f"{header.count} Gaussians is zero, which is no rotation; export it anew"
            )
        done += len(block)
    parts = (means, scales, rotations, opacities, harmonics)
    return Gaussians(*(torch.from_numpy(part) for part in parts))


def _columns(block: np.ndarray, names: list[str]) -> np.ndarray:
    return np.stack([block[name] for name in names], 1).astype(np.float64)


def _blocks(path: Path, file: BinaryIO, header: Header) -> Iterator[np.ndarray]:
    """The vertices, some thousands at a time, as structured arrays."""
    if header.is_text:
        for _ in range(header.before):
            file.readline()
    else:
        file.seek(header.before, 1)
    for first in range(0, header.count, _ROWS):
        count = min(_ROWS, header.count - first)
        if header.is_text:
            block = _text_block(path, file, header, count)
        else:
            block = np.frombuffer(file.read(count * header.row.itemsize), header.row)
        if len(block) < count:
            raise _cut_short(path, header)
        yield block


def _text_block(path: Path, file: BinaryIO, header: Header, count: int) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            # Of a file without any more rows.
            warnings.simplefilter("ignore", UserWarning)
            return np.loadtxt(file, header.row, comments=None, max_rows=count, ndmin=1)
    except ValueError as fault:
        said = shortened(str(fault))
        raise AvatarError(f"{path}: its numbers are damaged ({said}); get it anew") from fault
