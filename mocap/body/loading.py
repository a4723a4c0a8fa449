"""From a body file to a :class:`Body`."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mocap.body.file import read_body_file
from mocap.body.landmarks import landmarks_of_file
from mocap.body.model import Body

#: The body shipped with the package, CC0.
OPEN_BODY = Path(__file__).parent / "data" / "open_body.npz"


def load_body(path: Path | str | None = None) -> Body:
    """Load a body model.

    Args:
        path: an SMPL-X-format ``.npz`` (a licensed ``SMPLX_NEUTRAL.npz``, say); ``None`` for the
            open body shipped with the package.

    Raises:
        BodyError: naming the file, what is wrong with it, and the remedy.
    """
    file = OPEN_BODY if path is None else Path(path).expanduser()
    arrays, sha256 = read_body_file(file)
    shapes = arrays["shapedirs"].astype(np.float32)
    split = 300 if shapes.shape[2] >= 400 else 10
    shape, expression = shapes[..., :split], shapes[..., split : split + min(100, split)]
    num_betas, num_expressions = _used_columns(shape), _used_columns(expression)
    directions = np.concatenate([shape[..., :num_betas], expression[..., :num_expressions]], axis=2)
    regressor = arrays["J_regressor"].astype(np.float64)
    template = arrays["v_template"].astype(np.float64)
    count = len(template)
    flat = directions.astype(np.float64).reshape(count, -1)
    entries = np.flatnonzero(np.any(arrays["posedirs"] != 0, axis=(0, 1)))
    pose_directions = arrays["posedirs"][..., entries].astype(np.float32).transpose(2, 0, 1)

    def tensor(array: np.ndarray, kind: Any = np.float32) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=kind))

    return Body(
        template=tensor(template),
        directions=tensor(directions),
        joint_template=tensor(regressor @ template),
        joint_directions=tensor((regressor @ flat).reshape(55, 3, -1)),
        pose_directions=tensor(pose_directions),
        pose_entries=tensor(entries, np.int64),
        weights=tensor(arrays["weights"]),
        faces=tensor(arrays["f"], np.int64),
        landmarks=landmarks_of_file(arrays),
        num_betas=num_betas,
        num_expressions=num_expressions,
        expression_names=tuple(str(name) for name in arrays.get("expression_names", ())),
        name="open-body" if "license" in arrays else file.stem,
        path=file,
        sha256=sha256,
        licence=str(arrays.get("license", "as the file's owner granted it")),
    )


def _used_columns(directions: np.ndarray) -> int:
    """Columns up to the last that moves anything: the format pads with zeros."""
    used = np.flatnonzero(np.any(directions != 0, axis=(0, 1)))
    return int(used[-1]) + 1 if len(used) else 0
