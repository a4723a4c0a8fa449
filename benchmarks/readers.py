"""What other people's readers make of a take in every format of skeletons.

For every person, format and reader: frames, frame rate, change of bone lengths, and the greatest
distance of any joint at any frame from the take's. Blender is asked where
``MOCAP_BLENDER_PYTHON`` names an interpreter with ``bpy``.

    python benchmarks/readers.py demo-output/take.h5
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import bvhio
import numpy as np
import pufbx
from pxr import Usd, UsdSkel
from scipy.spatial.transform import Rotation

from mocap import Take
from mocap.exporters import ExportConfig, export_take
from mocap.skeletons import SMPLX_55

CHECK = Path(__file__).parents[1] / "tests" / "exporters" / "blender_check.py"
#: Frame rate and joints (F, 55, 3), metres.
Seen = tuple[float, np.ndarray]


def by_bvhio(path: Path) -> Seen:
    """BVH, through its hierarchy."""
    raw = bvhio.readAsBvh(str(path))
    root = bvhio.readAsHierarchy(str(path))
    joints = {joint.Name: joint for joint, _, _ in root.layout()}
    found = np.empty((raw.FrameCount, 55, 3))
    for frame in range(raw.FrameCount):
        root.loadPose(frame)
        found[frame] = [np.array(joints[name].PositionWorld) / 100 for name in SMPLX_55.names]
    return 1 / raw.FrameTime, found


def by_ufbx(path: Path) -> Seen:
    """FBX, as ufbx bakes it."""
    data, times, names = pufbx.anim_to_array(str(path))
    local = data[[names.index(name) for name in SMPLX_55.names]]
    turns = Rotation.from_quat(local[..., 3:7].reshape(-1, 4)).as_matrix()
    turns = turns.reshape(*local.shape[:2], 3, 3)
    places = local[..., :3].copy()
    for i, parent in enumerate(SMPLX_55.parents[1:], 1):
        places[i] = places[parent] + (turns[parent] @ places[i][..., None])[..., 0]
        turns[i] = turns[parent] @ turns[i]
    return (len(times) - 1) / (times[-1] - times[0]), places.transpose(1, 0, 2) / 100


def by_openusd(path: Path) -> Seen:
    """USD, through UsdSkel's own queries."""
    stage = Usd.Stage.Open(str(path))
    [root] = [prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Root)]
    cache = UsdSkel.Cache()
    cache.Populate(UsdSkel.Root(root), Usd.PrimDefaultPredicate)
    skeleton = UsdSkel.Skeleton(stage.GetPrimAtPath(root.GetPath().AppendChild("skeleton")))
    query = cache.GetSkelQuery(skeleton)
    codes = query.GetAnimQuery().GetJointTransformTimeSamples()
    placed = [np.array(query.ComputeJointSkelTransforms(code))[:, 3, :3] for code in codes]
    return stage.GetTimeCodesPerSecond(), np.array(placed)


def in_blender(python: str, fps: float) -> Callable[[Path], Seen]:
    """Anything, in a process of Blender's own."""

    def read(path: Path) -> Seen:
        command = [python, str(CHECK), str(path), "0.01", str(fps)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        seen = json.loads(run.stdout.splitlines()[-1])
        order = [seen["names"].index(name) for name in SMPLX_55.names]
        return seen["fps"], np.array(seen["heads"])[:, order]

    return read


def main() -> None:
    """Print a line a person, format and reader."""
    take = Take.load(Path(sys.argv[1]))
    readers: dict[str, dict[str, Callable[[Path], Seen]]] = {
        "bvh": {"bvhio": by_bvhio},
        "fbx": {"ufbx": by_ufbx},
        "glb": {},
        "usd": {"OpenUSD": by_openusd},
    }
    if python := os.environ.get("MOCAP_BLENDER_PYTHON"):
        for kind in readers.values():
            kind["Blender"] = in_blender(python, take.video.fps)
    people = [name for name, person in take.people.items() if person.body is not None]
    with tempfile.TemporaryDirectory() as folder:
        for kind, ways in readers.items():
            paths = export_take(take, people, kind, folder, ExportConfig(mesh=False))
            for name, path in zip(people, paths, strict=True):
                for reader, read in ways.items():
                    print(f"{name}.{kind} in {reader}: {compared(take, name, *read(path))}")


def compared(take: Take, name: str, fps: float, joints: np.ndarray) -> str:
    """What was read, beside the take."""
    person = take.people[name]
    assert person.body is not None
    bones = np.linalg.norm(joints[:, 1:] - joints[:, SMPLX_55.parents[1:]], axis=-1)
    frames = len(person.frames)
    counts = f"{len(joints)} frames (take {frames}), {fps:.4f} fps (video {take.video.fps:.4f})"
    # Blender shows a clip from its beginning, and people come later: the last frames are theirs.
    away = np.linalg.norm(joints[-frames:] - person.body.joints, axis=-1).max()
    return (
        f"{counts}, bones vary by {1000 * np.ptp(bones, axis=0).max():.4f} mm, joints off by "
        f"{1000 * away:.4f} mm"
    )


if __name__ == "__main__":
    main()
