"""AIST++'s motions, pickled: a dancer on a floor.

Layout (Li et al., ICCV 2021): ``smpl_poses`` (N, 72) axis-angles of SMPL, ``smpl_trans`` (N, 3), to
be divided by ``smpl_scaling`` (1,), 60 frames a second; +Y is up, there are no betas.
"""

from pathlib import Path

import numpy as np

from mocap.body import Body
from mocap.datasets.motions.smpl import aistpp_performer
from mocap.datasets.results.models import array, posed
from mocap.datasets.results.recording import Recording
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError

_FPS = 60.0


def read_aistpp(path: Path, body: Body) -> Recording:
    """Read a motion of AIST++.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    poses, scale = array(content, "smpl_poses"), float(array(content, "smpl_scaling").ravel()[0])
    if not scale > 0:
        raise MocapError(f"{path}: is no AIST++ motion: its scale is {scale}")
    person = posed(
        aistpp_performer(path),
        np.arange(len(poses)),
        "SMPL",
        poses,
        array(content, "smpl_trans") / scale,
        None,
        body,
    )
    axes = "+Y up, metres times smpl_scaling"
    return Recording("AIST++", "SMPL", axes, (person,), gravity="the studio's axes", fps=_FPS)
