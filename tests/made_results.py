"""One known motion, seen by a moving camera, in the files of every system.

The camera is ours to know, so that where people are to be seen does not depend on how a reader
turns axes about.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

FRAMES, WIDTH, HEIGHT = 40, 1280, 720
#: From the pelvis joint to the hips' middle at rest.
TO_HIPS = np.array([0.0, -0.087, -0.010])
#: Where the pelvis joint is at rest, which SMPL's and SMPL-X's users look up in their model.
PELVIS = {"SMPL": np.array([-0.002, -0.241, 0.029]), "SMPL-X": np.array([0.003, -0.351, 0.012])}


@dataclass(frozen=True)
class Known:
    """A motion of SMPL-X's joints, and a camera.

    Attributes:
        turns: (F, 55, 3) axis-angles; hands and face included.
        pelvis: (F, 3) the pelvis joint, world metres, +Y up.
        K: (3, 3) intrinsics.
        R: (F, 3, 3) world to camera.
        t: (F, 3) world to camera.
    """

    turns: Float[np.ndarray, "frames 55 3"]
    pelvis: Float[np.ndarray, "frames 3"]
    K: Float[np.ndarray, "3 3"]
    R: Float[np.ndarray, "frames 3 3"]
    t: Float[np.ndarray, "frames 3"]

    @property
    def camera_root(self) -> np.ndarray:
        """(F, 3) the root's rotation in the camera's axes."""
        return (Rotation.from_matrix(self.R) * Rotation.from_rotvec(self.turns[:, 0])).as_rotvec()

    @property
    def camera_pelvis(self) -> np.ndarray:
        """(F, 3) the pelvis joint in the camera's axes."""
        return np.einsum("fij,fj->fi", self.R, self.pelvis) + self.t

    @property
    def hips(self) -> np.ndarray:
        """(F, 3) the hips' middle, world metres."""
        return self.pelvis + Rotation.from_rotvec(self.turns[:, 0]).apply(TO_HIPS)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(F, 2) where world points are seen."""
        seen = np.einsum("fij,fj->fi", self.R, points) + self.t
        return (seen @ self.K.T)[:, :2] / seen[:, 2:]

    def smpl(self, root: np.ndarray) -> np.ndarray:
        """(F, 72) SMPL's pose; its hands are rigid."""
        body = self.turns[:, 1:22].reshape(FRAMES, -1)
        return np.concatenate([root, body, np.zeros((FRAMES, 6))], axis=1)


def known_motion() -> Known:
    """Somebody who walks on a curve while every joint swings."""
    time = np.arange(FRAMES) / 30.0
    random = np.random.default_rng(3)
    swing = np.sin(2 * np.pi * (time[:, None, None] + random.uniform(0, 1, (55, 3))))
    turns = 0.2 * swing
    heading = Rotation.from_euler("y", 20 + 40 * time[:, None], degrees=True)
    turns[:, 0] = (heading * Rotation.from_rotvec(0.1 * swing[:, 0])).as_rotvec()
    pelvis = np.stack([0.4 * time, 0.95 + 0.02 * np.sin(9 * time), -0.3 * time], axis=1)
    # The camera turns to the right while it moves to the left.
    R = (
        Rotation.from_euler("x", 0.1) * Rotation.from_euler("y", 0.05 * time[:, None])
    ).as_matrix() @ np.diag([-1.0, -1.0, 1.0])
    place = np.stack([-0.1 * time, np.full(FRAMES, 1.5), np.full(FRAMES, -4.0)], axis=1)
    t = -np.einsum("fij,fj->fi", R, place)
    K = np.array([[1100.0, 0, WIDTH / 2], [0, 1100.0, HEIGHT / 2], [0, 0, 1.0]])
    return Known(turns, pelvis, K, R, t)


def write_gvhmr(known: Known, path: Path) -> Path:
    def part(root: np.ndarray, pelvis: np.ndarray) -> dict[str, torch.Tensor]:
        values = {
            "body_pose": known.turns[:, 1:22].reshape(FRAMES, -1),
            "betas": np.full((FRAMES, 10), 0.3),
            "global_orient": root,
            "transl": pelvis - PELVIS["SMPL-X"],
        }
        return {name: torch.as_tensor(value).float() for name, value in values.items()}

    torch.save(
        {
            "smpl_params_global": part(known.turns[:, 0], known.pelvis),
            "smpl_params_incam": part(known.camera_root, known.camera_pelvis),
            "K_fullimg": torch.as_tensor(known.K).float().repeat(FRAMES, 1, 1),
            "net_outputs": {"model_output": torch.zeros(1, FRAMES, 3)},
        },
        path,
    )
    return path


def write_wham(known: Known, path: Path, frames: np.ndarray | None = None) -> Path:
    rows = np.arange(FRAMES) if frames is None else frames
    person = {
        "pose": known.smpl(known.camera_root)[rows].astype(np.float32),
        "trans": (known.camera_pelvis - PELVIS["SMPL"])[rows].astype(np.float32),
        "pose_world": known.smpl(known.turns[:, 0])[rows].astype(np.float32),
        # WHAM draws its world's people by the middle of the hips.
        "trans_world": known.hips[rows].astype(np.float32),
        "betas": np.full((len(rows), 10), 0.3, np.float32),
        "verts": np.zeros((len(rows), 12, 3), np.float32),
        "frame_ids": rows,
    }
    # Somebody else, a metre to the right of the first in the picture, in a world of their own.
    other = {name: value.copy()[:20] for name, value in person.items()}
    other["trans"] += [1.0, 0.0, 0.0]
    other["trans_world"] += [7.0, 3.0, 5.0]
    joblib.dump({0: person, 4: other}, path)
    return path


def write_phalp(known: Known, path: Path) -> Path:
    content = {}
    matrices = Rotation.from_rotvec(known.smpl(known.camera_root).reshape(-1, 3)).as_matrix()
    matrices = matrices.reshape(FRAMES, 24, 3, 3).astype(np.float32)
    for frame in range(FRAMES):
        smpl = {
            "global_orient": matrices[frame, :1],
            "body_pose": matrices[frame, 1:],
            "betas": np.full(10, 0.3, np.float32),
        }
        # Seen through its lens, 5,000 pixels of 256, people are that much farther away.
        near = known.camera_pelvis[frame] * [1.0, 1.0, 5000.0 / 256.0 * WIDTH / known.K[0, 0]]
        place = near - PELVIS["SMPL"]
        content[f"_DEMO/clip/img/{frame:06d}.jpg"] = {
            "time": frame,
            "shot": 0,
            "frame_path": f"_DEMO/clip/img/{frame:06d}.jpg",
            "tid": [1, 2],
            "tracked_ids": [1],
            # The second is not seen here, only guessed.
            "tracked_time": [0, 3],
            "smpl": [smpl, smpl],
            "camera": [place.astype(np.float32), place + 9.0],
            "size": [[HEIGHT, WIDTH], [HEIGHT, WIDTH]],
            "conf": [0.9, 0.9],
        }
    joblib.dump(content, path, compress=3)
    return path


def write_prompthmr(known: Known, path: Path) -> Path:
    pose = known.turns.reshape(FRAMES, -1).astype(np.float32)
    world = {
        "pose": pose,
        "shape": np.full((FRAMES, 10), 0.3, np.float32),
        "trans": (known.pelvis - PELVIS["SMPL-X"]).astype(np.float32),
    }
    camera = {
        "Rcw": known.R.astype(np.float32),
        "Tcw": known.t.astype(np.float32),
        "img_focal": np.float32(known.K[0, 0]),
        "img_center": known.K[:2, 2].astype(np.float32),
    }
    person = {"frames": np.arange(FRAMES), "track_id": 1, "smplx_world": world}
    joblib.dump({"people": {1: person}, "camera_world": camera, "has_slam": True}, path)
    return path


def write_glamr(known: Known, path: Path) -> Path:
    # A world with +Z up: what is ours turned by a quarter about x.
    up = Rotation.from_euler("x", 90, degrees=True)
    root = (up * Rotation.from_rotvec(known.turns[:, 0])).as_rotvec()
    cam_pose = np.tile(np.eye(4), (FRAMES, 1, 1))
    cam_pose[:, :3, :3] = known.R @ up.inv().as_matrix()
    cam_pose[:, :3, 3] = known.t
    person = {
        "frames": np.arange(FRAMES),
        "smpl_orient_world": root,
        "smpl_pose": known.smpl(root)[:, 3:],
        "smpl_beta": np.full((FRAMES, 10), 0.3),
        "root_trans_world": up.apply(known.pelvis),
        "cam_K": np.tile(known.K, (FRAMES, 1, 1)),
    }
    path.write_bytes(pickle.dumps({"person_data": {0: person}, "cam_pose": cam_pose}))
    return path


def write_aistpp(known: Known, path: Path) -> Path:
    content = {
        "smpl_poses": known.smpl(known.turns[:, 0]),
        "smpl_scaling": np.array([95.0]),
        "smpl_trans": 95.0 * (known.pelvis - PELVIS["SMPL"]),
    }
    path.write_bytes(pickle.dumps(content))
    return path


def write_amass(known: Known, path: Path, *, is_smplx: bool) -> Path:
    up = Rotation.from_euler("x", 90, degrees=True)
    poses = known.turns.copy()
    poses[:, 0] = (up * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    if not is_smplx:
        poses = np.delete(poses, [22, 23, 24], axis=1)
    pelvis = PELVIS["SMPL-X" if is_smplx else "SMPL"]
    np.savez(
        path,
        poses=poses.reshape(FRAMES, -1),
        trans=up.apply(known.pelvis) - pelvis,
        betas=np.full(16, 0.3),
        gender=np.array(b"male"),
        mocap_framerate=np.array(120.0),
    )
    return path
