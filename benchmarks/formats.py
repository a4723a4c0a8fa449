"""Seconds to write 55 joints in every format of skeletons, and how long BVH takes beside them.

    python benchmarks/formats.py [FRAMES]

The median of five runs each, in turns, so that a machine busy with something else slows all.
"""

import sys
from statistics import median

from bvh import random_motion, seconds

from mocap.exporters import Performer
from mocap.exporters.bvh import encode_bvh
from mocap.exporters.fbx import encode_fbx
from mocap.exporters.glb import encode_glb
from mocap.exporters.usd import encode_usd

RUNS = 5


def main() -> None:
    """Measure in turns and print the medians."""
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    one = Performer("dancer", random_motion(frames))
    writers = {
        "bvh": lambda: encode_bvh(one.motion),
        "fbx": lambda: encode_fbx([one]),
        "glb": lambda: encode_glb([one]),
        "usd": lambda: encode_usd([one]),
    }
    for write in writers.values():  # Libraries load when they are first needed.
        write()
    spent: dict[str, list[float]] = {name: [] for name in writers}
    for _ in range(RUNS):
        for name, write in writers.items():
            spent[name].append(seconds(write))
    for name, times in spent.items():
        ratio = median(times) / median(spent["bvh"])
        print(f"{name}: {frames} frames in {median(times):.3f} s, {ratio:.1f} x bvh")


if __name__ == "__main__":
    main()
