"""AMASS's archives, and those that `mocap export --format amass` writes.

Layout (Mahmood et al., ICCV 2019): ``poses`` (N, 156) axis-angles of SMPL-H or (N, 165) of SMPL-X,
``trans`` (N, 3) metres, ``betas`` (B,), ``gender``, ``mocap_framerate`` or ``mocap_frame_rate``.
The world has +Z up and its floor at 0. Our own tell the body that the betas belong to, too.
"""

from pathlib import Path

import numpy as np

from mocap.body import Body
from mocap.datasets.results.models import Model, array, is_licensed, posed
from mocap.datasets.results.recording import Recording
from mocap.datasets.unpickling import read_arrays
from mocap.geometry import Z_UP_TO_Y_UP

_RATES = ("mocap_frame_rate", "mocap_framerate")
_SMPLX = 165


def read_amass(path: Path, body: Body) -> Recording:
    """Read a motion of AMASS.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    poses = array(content, "poses")
    poses = poses.reshape(len(poses) if poses.ndim else 0, -1)
    rate = next((name for name in _RATES if name in content), None)
    if rate is None:
        raise KeyError(" or ".join(_RATES))
    model: Model = "SMPL-X" if poses.shape[1] == _SMPLX else "SMPL-H"
    betas = array(content, "betas") if "betas" in content else None
    if _text(content, "body_model_sha256"):
        is_own = _text(content, "body_model_sha256") == body.sha256
    else:
        # Each gender's betas are another model's.
        gender = _text(content, "gender") or "neutral"
        is_own = model == "SMPL-X" and is_licensed(body, gender)
    person = posed(
        "person-1",
        np.arange(len(poses)),
        model,
        poses,
        array(content, "trans"),
        betas,
        body,
        is_own=is_own,
    )
    standing = person.placed(Z_UP_TO_Y_UP, np.zeros(3))
    return Recording(
        "AMASS",
        _text(content, "body_model") or model,
        "+Z up, metres",
        (standing,),
        gravity="the laboratory's floor",
        fps=float(array(content, rate).reshape(-1)[0]),
    )


def _text(content: dict[str, np.ndarray], name: str) -> str:
    """A text of the archive, empty if there is none; old files keep bytes."""
    found = content[name].item() if name in content and content[name].size == 1 else ""
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)
