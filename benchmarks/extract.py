"""What `mocap extract` costs over the detector it is built on, and whether memory stays put.

Runs, in turn and as whole processes, the command and a bare loop that decodes the same frames and
gives each to the same detectors; prints the ratio of their times pair by pair. Then runs the
command on the clip repeated ten times over and compares peak memory.

    python benchmarks/extract.py CLIP [--rounds 3] [--no-hands] [--skip-memory]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mocap.assets import fetch
from mocap.keypoints import MediaPipeHands, MediaPipePose
from mocap.video import VideoWriter, open_video


def bare_loop(clip: str, hands: bool) -> None:
    """Decode every frame and run the detectors on it, whole: the least anybody can do."""
    detectors = [MediaPipePose(fetch("pose_landmarker"), most=1, threshold=0.5)]
    if hands:
        detectors.append(MediaPipeHands(fetch("hand_landmarker"), most=2, threshold=0.5))
    with open_video(clip) as source:
        for frame in source:
            for detector in detectors:
                detector.detect(frame.image)
    for detector in detectors:
        detector.close()


def run(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak memory (MiB) of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, errors = process.stderr.read(), process.stderr.close()  # type: ignore[union-attr]
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed: {_.decode(errors='replace')}{errors or ''}")
    wall = time.perf_counter() - started
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def extract_command(clip: Path, out: Path, hands: bool) -> list[str]:
    """The command line under test: as many looks at everybody as the bare loop takes."""
    command = [sys.executable, "-m", "mocap", "extract", str(clip), "--out", str(out), "--force"]
    command.append("--look-once")
    return command if hands else [*command, "--no-hands"]


def repeat(clip: Path, times: int, out: Path) -> int:
    """Write a clip that is another one several times over; returns its number of frames."""
    with open_video(clip) as source:
        info = source.info
        with VideoWriter(out, info.width, info.height, info.fps, crf=18) as writer:
            for _ in range(times):
                for frame in source:
                    writer.write(frame.image)
            return writer.frame_count


def main() -> None:
    """Run both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-hands", action="store_true")
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    hands = not options.no_hands
    if options.bare:
        bare_loop(str(options.clip), hands)
        return
    bare = [sys.executable, __file__, str(options.clip), "--bare"]
    bare += [] if hands else ["--no-hands"]
    with tempfile.TemporaryDirectory() as folder:
        clip, out = options.clip, Path(folder) / "out"
        ratios = []
        print(f"{'':>8} {'extract s':>10} {'bare s':>8} {'ratio':>6} {'cpu ratio':>10} {'MiB':>6}")
        for turn in range(options.rounds):
            ours, theirs = run(extract_command(clip, out, hands)), run(bare)
            ratios.append(ours[0] / theirs[0])
            print(
                f"{'pair ' + str(turn + 1):>8} {ours[0]:10.1f} {theirs[0]:8.1f} {ratios[-1]:6.2f} "
                f"{ours[1] / theirs[1]:10.2f} {ours[2]:6.0f}"
            )
        print(f"median ratio {statistics.median(ratios):.2f}")
        if not options.skip_memory:
            once = run(extract_command(clip, out, hands))[2]
            long = Path(folder) / "long.mp4"
            frames = repeat(clip, 10, long)
            tenfold = run(extract_command(long, out, hands))[2]
            print(
                f"peak memory: {once:.0f} MiB once, {tenfold:.0f} MiB for {frames} frames "
                f"({tenfold / once - 1:+.1%})"
            )


if __name__ == "__main__":
    main()
