"""Reads body files in the SMPL-X format, without ever unpickling anything."""

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np

from mocap.body.landmarks import KEYPOINT_ARRAYS
from mocap.errors import BodyError
from mocap.skeletons import SMPLX_55

#: Shape of every array the format requires; ``None`` is free, equal letters are equal sizes.
_REQUIRED: dict[str, tuple[int | str | None, ...]] = {
    "v_template": ("V", 3),
    "f": (None, 3),
    "shapedirs": ("V", 3, None),
    "posedirs": ("V", 3, 486),
    "J_regressor": (55, "V"),
    "weights": ("V", 55),
    "kintree_table": (2, 55),
}
_OPTIONAL = (
    "landmark_names",
    "landmark_vertices",
    "landmark_weights",
    *KEYPOINT_ARRAYS,
    "expression_names",
    "license",
    "version",
    "gender",
)


def read_body_file(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Read and check the arrays of an SMPL-X-format ``.npz``.

    Args:
        path: the file.

    Returns:
        The arrays by key, and the SHA-256 of the file as hexadecimal text.

    Raises:
        BodyError: naming the file, what is wrong with it (missing, not an archive, pickled,
            incomplete, arrays of wrong shape, values that are not finite) and the remedy.
    """
    if not path.is_file():
        raise BodyError(f"{path}: no such file; give an SMPL-X-format .npz, or none for our own")
    if path.suffix.lower() == ".pkl":
        raise BodyError(
            f"{path}: pickles can run code when read and are refused; the SMPL-X site offers the "
            "same model as .npz (SMPLX_NEUTRAL.npz)"
        )
    if not zipfile.is_zipfile(path):
        raise BodyError(f"{path}: not a .npz archive, or cut short; get the file again")
    try:
        with np.load(path, allow_pickle=False) as archive:
            _check_keys(path, archive.files)
            wanted = [k for k in (*_REQUIRED, *_OPTIONAL) if k in archive.files]
            arrays = {key: _read_array(path, archive, key) for key in wanted}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
        raise BodyError(f"{path}: damaged archive ({error}); get the file again") from error
    _check_shapes(path, arrays)
    _check_values(path, arrays)
    _check_landmarks(path, arrays)
    _check_keypoints(path, arrays)
    with path.open("rb") as file:
        return arrays, hashlib.file_digest(file, "sha256").hexdigest()


def _check_keys(path: Path, present: list[str]) -> None:
    missing = [key for key in _REQUIRED if key not in present]
    if missing:
        raise BodyError(
            f"{path}: not in the SMPL-X format, {', '.join(missing)} missing "
            f"(it holds {', '.join(sorted(present)) or 'nothing'}); "
            "files of SMPL and SMPL+H are not read"
        )


def _read_array(path: Path, archive: "np.lib.npyio.NpzFile", key: str) -> np.ndarray:
    try:
        return archive[key]
    except ValueError as error:
        raise BodyError(
            f"{path}: {key} is a pickled object, which is not read, or damaged ({error}); "
            f"save it again as a plain array"
        ) from error


def _check_shapes(path: Path, arrays: dict[str, np.ndarray]) -> None:
    vertices = len(arrays["v_template"]) if arrays["v_template"].ndim else 0
    for key, shape in _REQUIRED.items():
        wanted = tuple(vertices if size == "V" else size for size in shape)
        found = arrays[key].shape
        if len(found) != len(wanted) or any(
            w is not None and w != f for w, f in zip(wanted, found, strict=True)
        ):
            text = ", ".join("any" if w is None else str(w) for w in wanted)
            raise BodyError(f"{path}: {key} has shape {found}, the format wants ({text})")
    parents = arrays["kintree_table"][0].astype(np.int64)[1:]
    if tuple(parents) != SMPLX_55.parents[1:]:
        raise BodyError(f"{path}: kintree_table is not SMPL-X's hierarchy of 55 joints")
    faces = arrays["f"].astype(np.int64)
    if faces.size and (faces.min() < 0 or faces.max() >= vertices):
        raise BodyError(f"{path}: f names vertices outside 0 to {vertices - 1}")
    columns = arrays["shapedirs"].shape[2]
    if columns != 20 and columns < 400:
        raise BodyError(
            f"{path}: shapedirs has {columns} columns; SMPL-X has 400 (300 of shape, 100 of "
            "expression) or, in its first release, 20"
        )


def _check_values(path: Path, arrays: dict[str, np.ndarray]) -> None:
    for key in _REQUIRED:
        if arrays[key].dtype.kind not in "fiu":
            raise BodyError(f"{path}: {key} holds {arrays[key].dtype}, not numbers")
        # A sum is not finite if any element is not, and needs no mask of the array's size.
        if arrays[key].dtype.kind == "f" and not np.isfinite(arrays[key].sum(dtype=np.float64)):
            raise BodyError(f"{path}: {key} holds values that are not finite; get the file again")
    if np.abs(arrays["weights"].sum(axis=1, dtype=np.float64) - 1.0).max() > 1e-2:
        raise BodyError(f"{path}: rows of weights do not sum to 1; get the file again")


def _check_landmarks(path: Path, arrays: dict[str, np.ndarray]) -> None:
    if "landmark_names" not in arrays:
        return
    found = [arrays.get(f"landmark_{part}") for part in ("vertices", "weights")]
    count = arrays["landmark_names"].size
    sound = arrays["landmark_names"].ndim == 1 and all(
        a is not None and a.ndim == 2 and len(a) == count for a in found
    )
    if not sound or arrays["landmark_vertices"].max(initial=0) >= len(arrays["v_template"]):
        raise BodyError(
            f"{path}: landmark_names needs landmark_vertices and landmark_weights of "
            f"{count} rows that name vertices of the mesh"
        )


def _check_keypoints(path: Path, arrays: dict[str, np.ndarray]) -> None:
    given = [key for key in KEYPOINT_ARRAYS if key in arrays]
    if not given:
        return
    missing = [key for key in KEYPOINT_ARRAYS if key not in arrays]
    if missing:
        raise BodyError(f"{path}: {given[0]} needs {', '.join(missing)} beside it")
    names, joints, carriers, offsets = (arrays[key] for key in KEYPOINT_ARRAYS)
    count, known = names.size, len(SMPLX_55.names)
    sound = names.dtype.kind == "U" and names.ndim == 1 and offsets.shape == (count, 3)
    # Nothing that is named after a joint is a metre away from it.
    sound = sound and offsets.dtype.kind == "f" and bool((np.abs(offsets) < 1.0).all())
    for index in (joints, carriers):
        sound = sound and index.shape == (count,) and index.dtype.kind in "iu"
        sound = sound and bool(((index >= 0) & (index < known)).all())
    if not sound:
        raise BodyError(
            f"{path}: keypoint_names must be texts, with as many keypoint_joints and "
            f"keypoint_carriers below {known}, and keypoint_offsets of three numbers below 1 m each"
        )
    taken = [*names.tolist(), *arrays.get("landmark_names", names[:0]).tolist()]
    if len(set(taken)) < len(taken):
        raise BodyError(f"{path}: keypoint_names and landmark_names name a point twice")
    parents = np.array(SMPLX_55.parents)[joints]
    if not np.all((carriers == joints) | (carriers == parents)):
        raise BodyError(f"{path}: keypoint_carriers must be the keypoint_joints or their parents")
