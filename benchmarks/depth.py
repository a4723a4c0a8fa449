"""How quick the depth refiner is: poses a second in batches, one pose alone, a share of an extract.

Takes a checkpoint, or the shipped one, or where there is none the usual network untrained, which is
as quick. Every figure is the best of many rounds: what the machine can do when nobody else is at
it.

    python benchmarks/depth.py [--checkpoint FILE | --single-frame] [--take TAKE]
        [--traced] [--rounds 20]
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mocap.depth import MIRRORED, DepthNetwork, DepthRefiner, refine_take, shipped_refiner
from mocap.take import Take
from mocap.training.depth.config import WINDOWS

BATCHES = (1, 64, 1024)
THREADS = (1, 2)


def best(work: Callable[[], object], rounds: int) -> float:
    """Seconds of the quickest of several rounds, after two that warm up."""
    for _ in range(2):
        work()
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return min(took)


def detected(poses: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Something like detections: pixels, metres, confidence, seconds at 30 frames a second."""
    rng = np.random.default_rng(0)
    xy = 500 + 100 * rng.normal(size=(poses, 17, 2))
    xyz = 0.4 * rng.normal(size=(poses, 17, 3))
    return xy, xyz, rng.uniform(0.3, 1, (poses, 17)), np.arange(poses) / 30


def rates(refiner: DepthRefiner, rounds: int) -> None:
    """Print poses a second by batch and number of threads; singles, and a track of each length."""
    print(f"{'poses':>8} {'threads':>8} {'ms':>9} {'poses/s':>9} {'track ms':>9} {'frames/s':>9}")
    for threads in THREADS:
        torch.set_num_threads(threads)
        for poses in BATCHES:
            xy, xyz, confidence, times = detected(poses)
            single = best(partial(refiner.refine, xy, xyz, confidence), rounds)
            track = best(partial(refiner.refine_track, xy, xyz, confidence, times), rounds)
            print(
                f"{poses:8} {threads:8} {1e3 * single:9.2f} {poses / single:9.0f} "
                f"{1e3 * track:9.2f} {poses / track:9.0f}"
            )


def share(refiner: DepthRefiner, take: Take, rounds: int) -> None:
    """Print what refining a take costs beside the other stages it went through."""
    torch.set_num_threads(2)
    as_extracting = DepthRefiner(refiner.network, mirrored=MIRRORED)
    seconds = best(lambda: refine_take(take, as_extracting), max(2, rounds // 4))
    others = sum(stage.seconds for stage in take.provenance if stage.name != "depth")
    frames = sum(len(person.frames) for person in take.people.values())
    print(
        f"refining {frames} frames of {len(take.people)} people: {seconds:.2f} s, "
        f"{seconds / others:.1%} of the {others:.1f} s of the other stages"
    )


def loaded(checkpoint: Path | None, single_frame: bool, traced: bool) -> DepthRefiner:
    """The refiner to measure."""
    path = checkpoint or shipped_refiner(single_frame=single_frame)
    if path is None:
        print("untrained: no checkpoint is given or shipped")
        return DepthRefiner(DepthNetwork(WINDOWS), traced=traced)
    print(path)
    return DepthRefiner.load(path, traced=traced)


def main() -> None:
    """Measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--single-frame", action="store_true", help="the shipped one of that kind")
    parser.add_argument("--take", type=Path, help="for the share of an extract")
    parser.add_argument("--traced", action="store_true", help="run the network without Python")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    take = None if options.take is None else Take.load(options.take)
    refiner = loaded(options.checkpoint, options.single_frame, options.traced)
    network = refiner.network
    print(
        f"{sum(weight.numel() for weight in network.parameters())} parameters, windows of "
        f"{network.config.frames} frames, torch {torch.__version__}"
    )
    rates(refiner, options.rounds)
    if take is not None:
        share(refiner, take, options.rounds)


if __name__ == "__main__":
    main()
