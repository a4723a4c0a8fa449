"""From AIST++ to a store of training pairs: the project's own detector over the videos.

An item is a video. Items are made in worker processes or on a cluster, each with one video in hand,
so memory does not grow with their number; what is done is kept, and a second call goes on where
the first one stopped.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mocap.assets import fetch
from mocap.datasets.aistpp.clock import sample
from mocap.datasets.aistpp.dancer import Watcher, nearest
from mocap.datasets.aistpp.dataset import AistPlusPlus
from mocap.datasets.aistpp.errors import AistError
from mocap.datasets.aistpp.inventory import VideoItem, take_inventory
from mocap.datasets.jobs import Outcome, let_go, run_items, when_let_go
from mocap.datasets.pairs import Pairs, PairStore, pair_up
from mocap.errors import CalibrationError
from mocap.progress import Progress, silent

#: Changes when the pairs of a video do.
VERSION = 3


@dataclass(frozen=True)
class Conversion:
    """What came of a conversion.

    Attributes:
        outcome: of the videos that could be converted.
        skipped: the names of the others, by the reason why.
    """

    outcome: Outcome
    skipped: dict[str, list[str]]


@dataclass(frozen=True)
class VideoConverter:
    """Makes the pairs of a video; picklable, for it is sent to workers.

    Attributes:
        annotations: the folder of annotations.
        every: of so many frames one is looked at.
        look_once: whether people are not looked at in the mirror as well.
    """

    annotations: Path
    every: int
    look_once: bool = False

    def __call__(self, item: VideoItem) -> Pairs:
        """The pairs of a video, none if the dancer was never found.

        Raises:
            AistError: an annotation is missing or damaged.
            CalibrationError: the video's picture is not one that the camera was calibrated for.
            VideoError: the video cannot be read.
        """
        annotations = _annotations(self.annotations)
        points = annotations.keypoints3d(item.sequence)
        times = annotations.times(item.sequence, len(points))
        calibration = annotations.calibration(item.sequence, item.view)
        watched = _watcher(self.look_once).watch(item.video, self.every)
        try:
            camera = calibration.fitted(*watched.size, watched.rotation).camera()
        except CalibrationError as error:
            raise CalibrationError(f"{item.video}: {error}") from error
        truth = sample(points, times, watched.times)
        seen = nearest(watched.tracklets, camera.project(truth, np.arange(len(truth))))
        return pair_up(
            seen, truth, watched.times, camera, watched.size, name=item.key, split=item.split
        )


def convert(
    root: str | Path,
    videos: str | Path,
    out: str | Path,
    *,
    workers: int = 1,
    ray_address: str | None = None,
    every: int = 4,
    look_once: bool = False,
    splits: Collection[str] | None = None,
    sequences: Collection[str] | None = None,
    progress: Progress = silent,
) -> Conversion:
    """Convert the videos of a folder, as far as they are not in the store yet.

    Args:
        root: the folder of AIST++'s annotations.
        videos: the folder of the AIST Dance DB's videos.
        out: the store's; made if need be, and gone on with if it was made by the same call. What
            ``splits`` and ``sequences`` leave out can be added later.
        workers: processes; 0 works in this one. With Ray, the most videos at once; as many as the
            cluster can if 0.
        ray_address: of a Ray cluster to work on instead; folders must be there under the same
            paths.
        every: of so many frames one is looked at: 4 makes 15 a second of 60.
        look_once: without a look at the mirror image, which `mocap extract` averages with the
            first: half as many detections.
        splits: only these of ``train``, ``val`` and ``test``; all if None.
        sequences: only these; all if None.
        progress: told of videos done.

    Raises:
        AistError: something is missing without which nothing can be converted.
        AssetError: the detector's model cannot be had.
        PairsError: the store is in use, cannot be written, or was made with other options.
    """
    if every < 1:
        raise AistError(f"every {every}th frame is none; give 1 for all frames, or more")
    annotations = AistPlusPlus.open(root)
    inventory = take_inventory(annotations, videos, splits=splits, sequences=sequences)
    # Here and not in every worker at once.
    fetch("pose_landmarker", progress=progress)
    parameters = {"every": every, "look_once": look_once, "version": VERSION}
    store = PairStore.make(out, "aistpp", parameters)
    try:
        outcome = run_items(
            inventory.items,
            VideoConverter(annotations.folder.resolve(), every, look_once),
            store,
            workers=workers,
            ray_address=ray_address,
            progress=progress,
            stage="videos",
        )
    finally:
        let_go()
    return Conversion(outcome, inventory.skipped)


@lru_cache(maxsize=1)
def _annotations(folder: Path) -> AistPlusPlus:
    """Opened once a worker."""
    when_let_go(_annotations.cache_clear)
    return AistPlusPlus.open(folder)


@lru_cache(maxsize=1)
def _watcher(look_once: bool) -> Watcher:
    """Loaded once a worker, for as long as it lives."""
    watcher = Watcher(fetch("pose_landmarker"), look_once=look_once)
    when_let_go(watcher.close)
    when_let_go(_watcher.cache_clear)
    return watcher
