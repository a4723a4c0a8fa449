"""PromptHMR's ``results.pkl``, of joblib: several people in one world, and a camera in it.

Layout (Wang et al., CVPR 2025, the video pipeline): ``people`` by number with ``frames`` (N,) and
``smplx_world``: ``pose`` (N, 165) axis-angles of SMPL-X, ``shape`` (N, 10), ``trans`` (N, 3);
``camera_world``: ``Rcw`` (F, 3, 3) and ``Tcw`` (F, 3), world to camera, ``img_focal`` and
``img_center`` (2,), pixels. The world has +Y up and its floor at 0; the pictures are
made smaller than the video's, and quicker videos thinned to 60 frames a second.
"""

from pathlib import Path
from typing import Any

import numpy as np

from mocap.body import Body
from mocap.datasets.results.models import array, frame_numbers, posed
from mocap.datasets.results.recording import Performance, Recording
from mocap.datasets.unpickling import read_arrays
from mocap.geometry import Camera


def read_prompthmr(path: Path, body: Body) -> Recording:
    """Read a result of PromptHMR.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    numbers = content.get("people") if isinstance(content, dict) else None
    if not isinstance(numbers, dict) or not numbers:
        raise KeyError("people")
    people = tuple(_told(content, key, body) for key in numbers)
    centre = array(content, "camera_world", "img_center").reshape(2)
    focal = float(array(content, "camera_world", "img_focal").ravel()[0])
    x, y = centre
    K = np.array([[focal, 0, x], [0, focal, y], [0, 0, 1.0]])
    R, t = array(content, "camera_world", "Rcw"), array(content, "camera_world", "Tcw")
    camera = Camera(
        K[None], R.reshape(-1, 3, 3), t.reshape(-1, 3),
        source="given", gravity_given=True, note="of PromptHMR",
    )  # fmt: skip
    return Recording(
        "PromptHMR",
        "SMPL-X",
        "+Y up, metres",
        people,
        camera,
        gravity="PromptHMR's world",
        size=(round(2 * x), round(2 * y)),
    )


def _told(content: Any, key: Any, body: Body) -> Performance:
    world = (key, "smplx_world")
    return posed(
        f"person-{key}",
        frame_numbers(content, "people", key, "frames"),
        "SMPL-X",
        array(content, "people", *world, "pose"),
        array(content, "people", *world, "trans"),
        array(content, "people", *world, "shape"),
        body,
    )
