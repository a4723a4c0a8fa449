"""GVHMR's ``hmr4d_results.pt``: one person, seen by a camera that may move.

Layout (Shen et al., SIGGRAPH Asia 2024), tensors: ``smpl_params_global`` and ``smpl_params_incam``,
each ``global_orient`` (N, 3), ``body_pose`` (N, 63), ``betas`` (N, 10) and ``transl`` (N, 3) of
SMPL-X; ``K_fullimg`` (N, 3, 3), pixels. The global world has +Y up and no floor; the camera's axes
are x right, y down, z away. A row is a frame of the video.
"""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mocap.body import Body
from mocap.datasets.results.models import array, posed
from mocap.datasets.results.recording import Performance, Recording, camera_between
from mocap.errors import MocapError
from mocap.geometry import Camera


def read_gvhmr(path: Path, body: Body) -> Recording:
    """Read a result of GVHMR.

    Raises:
        MocapError: the file is missing, damaged, or holds more than tensors.
        KeyError: what it lacks.
    """
    content = _tensors(path)
    world = _told(content, "smpl_params_global", body)
    seen = _told(content, "smpl_params_incam", body)
    K = array(content, "K_fullimg").reshape(-1, 3, 3)
    R, t = camera_between(world, seen, len(world.frames))
    camera = Camera(K, R, t, source="given", gravity_given=True, note="of GVHMR")
    width, height = (round(2 * value) for value in K[0, :2, 2])
    return Recording(
        "GVHMR",
        "SMPL-X",
        "+Y up, metres",
        (world,),
        camera,
        gravity="GVHMR's gravity-view coordinates",
        size=(width, height),
    )


def _told(content: Any, part: str, body: Body) -> Performance:
    root, pose = array(content, part, "global_orient"), array(content, part, "body_pose")
    angles = np.concatenate([root, pose], axis=1)
    place, betas = array(content, part, "transl"), array(content, part, "betas")
    return posed("person-1", np.arange(len(angles)), "SMPL-X", angles, place, betas, body)


def _tensors(path: Path) -> Any:
    """What PyTorch's own restricted reader finds in a file."""
    try:
        with warnings.catch_warnings():
            # It warns of pickles that are not its own, which it then refuses.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error.strerror})") from error
    except (
        *(pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError),
        *(AttributeError, TypeError, IndexError, ArithmeticError, MemoryError, AssertionError),
    ) as error:
        raise MocapError(
            f"{path}: is not read, for it is damaged, or holds more than tensors; GVHMR's results "
            "are in hmr4d_results.pt"
        ) from error
