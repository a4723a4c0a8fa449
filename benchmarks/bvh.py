"""Seconds to write and read BVH, beside bvhio's hierarchy, on the same motion and machine.

    python benchmarks/bvh.py [FRAMES]

bvhio reads a tenth of the frames, and its time is multiplied: it is linear in them. Runs of ours
are paired with runs of bvhio's, and the ratio is the median over pairs, so that a machine busy
with something else slows both.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import bvhio
import numpy as np
from scipy.spatial.transform import Rotation

from mocap.exporters.bvh import encode_bvh, read_bvh
from mocap.exporters.motion import SkeletalMotion
from mocap.files import write_whole
from mocap.skeletons import SMPLX_55

PAIRS = 3


def random_motion(frames: int) -> SkeletalMotion:
    """Slow random swings of SMPL-X's 55 joints; every bone points somewhere."""
    rng = np.random.default_rng(0)
    times = np.arange(frames)[:, None, None] / 30
    rate, size = rng.uniform(0.2, 1.0, (2, 55, 3))
    turns = Rotation.from_rotvec((size * np.sin(2 * np.pi * rate * times)).reshape(-1, 3))
    return SkeletalMotion(
        names=SMPLX_55.names,
        parents=SMPLX_55.parents,
        rest_offsets=rng.normal(0, 0.1, (55, 3)),
        rotations=turns.as_matrix().reshape(frames, 55, 3, 3),
        root_position=rng.normal(0, 1, (frames, 3)),
        fps=30.0,
    )


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure in pairs and print the medians."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    motion, short = random_motion(frames), random_motion(max(1, frames // 10))
    factor = len(motion) / len(short)
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder, "all.bvh"), Path(folder, "small.bvh")
        theirs_out = str(Path(folder, "theirs.bvh"))
        write_whole(path, encode_bvh(motion))
        write_whole(small, encode_bvh(short))
        rows: dict[str, list[tuple[float, float]]] = {"read": [], "write": []}
        for _ in range(PAIRS):
            ours = seconds(lambda: read_bvh(path))
            loaded = []
            theirs = seconds(lambda: loaded.append(bvhio.readAsHierarchy(str(small))))  # noqa: B023
            rows["read"].append((ours, theirs * factor))
            ours = seconds(lambda: write_whole(path, encode_bvh(motion)))
            root = loaded[0]
            theirs = seconds(lambda: bvhio.writeHierarchy(theirs_out, root, 1 / 30))  # noqa: B023
            rows["write"].append((ours, theirs * factor))
        size = path.stat().st_size / 1e6
    print(f"55 joints x {frames} frames, {size:.1f} MB")
    for name, pairs in rows.items():
        ours, theirs = np.median(pairs, axis=0)
        ratio = np.median([b / a for a, b in pairs])
        print(f"{name:6} {ours:7.3f} s   bvhio's hierarchy {theirs:7.2f} s   ratio {ratio:6.1f}")


if __name__ == "__main__":
    main()
