"""AIST++'s motions, pickled: a dancer on a floor.

Layout (Li et al., ICCV 2021): ``smpl_poses`` (N, 72) axis-angles of SMPL, ``smpl_trans`` (N, 3), to
be divided by ``smpl_scaling`` (1,), 60 frames a second; +Y is up, there are no betas.
"""

from pathlib import Path

import numpy as np

from mocap.body import Body
from mocap.datasets.aistpp.files import read_motion
from mocap.datasets.motions.smpl import aistpp_performer
from mocap.datasets.results.models import posed
from mocap.datasets.results.recording import Recording

_FPS = 60.0


def read_aistpp(path: Path, body: Body) -> Recording:
    """Read a motion of AIST++.

    Raises:
        MocapError: the file is missing, damaged, no such motion, or holds more than arrays.
    """
    motion = read_motion(path)
    person = posed(
        aistpp_performer(path),
        np.arange(len(motion.poses)),
        "SMPL",
        motion.poses,
        motion.transl / motion.scale,
        None,
        body,
    )
    axes = "+Y up, metres times smpl_scaling"
    return Recording("AIST++", "SMPL", axes, (person,), gravity="the studio's axes", fps=_FPS)
