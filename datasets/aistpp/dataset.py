"""AIST++'s annotations as they lie on disk (Li et al., "AI Choreographer", ICCV 2021).

::

    motions/*.pkl  keypoints3d/*.pkl  keypoints2d/*.pkl      a file a sequence, see `.files`
    cameras/mapping.txt                                      "sequence setting" a line
    cameras/setting1.json ...                                nine cameras each
    splits/pose_train.txt  pose_val.txt  pose_test.txt       by dancer: none is in two parts
    ignore_list.txt                                          sequences whose annotation failed

**The world.** AIST++'s has +Y up and is right-handed, as this project's: its cameras were
initialised on a ring around the origin, c01 on the +Z axis, 1.8 m high, and bundle-adjusted from
there. So centimetres become metres and nothing else changes. A dancer who faces c01 faces +Z, with
the left at +X. Bundle adjustment fixes neither origin nor scale nor, to the last degree, the
vertical: the floor is at another height in every setting, not at y = 0, and a body's true size is
known to a few per cent (``smpl_scaling`` is the same story told of SMPL).
"""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.calibration import Calibration, read_calibration
from mocap.datasets.aistpp.errors import AistError
from mocap.datasets.aistpp.files import (
    FPS,
    SmplMotion,
    ViewKeypoints,
    read_keypoints2d,
    read_keypoints3d,
    read_motion,
)
from mocap.datasets.aistpp.names import VIEWS
from mocap.errors import CalibrationError
from mocap.geometry import Camera

_LOG = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class AistPlusPlus:
    """The annotations in a folder; files are read when asked for.

    Attributes:
        folder: the annotations' own, with ``cameras`` in it.
        settings: the camera setting of every sequence.
        splits: ``train``, ``val`` or ``test`` of the sequences that have one.
        ignored: the sequences whose annotation is known to have failed.
    """

    folder: Path
    settings: dict[str, str]
    splits: dict[str, str]
    ignored: frozenset[str]

    @classmethod
    def open(cls, folder: str | Path) -> "AistPlusPlus":
        """Read which sequences there are.

        Raises:
            AistError: this is no folder of AIST++'s annotations, or its lists are damaged.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise AistError(f"{folder}: no such folder; give that of AIST++'s annotations")
        mapping = folder / "cameras" / "mapping.txt"
        if not mapping.is_file():
            raise AistError(
                f"{folder}: has no cameras/mapping.txt; give the folder that AIST++'s "
                "annotations were unpacked to"
            )
        settings = {}
        for number, line in enumerate(_lines(mapping), start=1):
            words = line.split()
            if len(words) != 2:
                raise AistError(f"{mapping}: line {number} is no sequence and setting: {line!r}")
            settings[words[0]] = words[1]
        return cls(folder, settings, _splits(folder), _ignored(folder))

    @cached_property
    def sequences(self) -> tuple[str, ...]:
        """Every sequence that has a camera setting, the ignored ones too, in order of name."""
        return tuple(sorted(self.settings))

    def of_split(self, split: str) -> tuple[str, ...]:
        """The sequences of a split that are not ignored, in order of name.

        Raises:
            AistError: there is no such split.
        """
        if split not in SPLITS:
            raise AistError(f"no split is called {split!r}; there are {', '.join(SPLITS)}")
        return tuple(
            sequence
            for sequence in self.sequences
            if self.splits.get(sequence) == split and sequence not in self.ignored
        )

    def path(self, kind: str, sequence: str) -> Path:
        """Where the ``motions``, ``keypoints3d`` or ``keypoints2d`` of a sequence should be."""
        return self.folder / kind / f"{sequence}.pkl"

    def keypoints3d(
        self, sequence: str, *, optimised: bool = True
    ) -> Float[np.ndarray, "frames 17 3"]:
        """COCO's points, world metres; see :func:`.read_keypoints3d`."""
        return read_keypoints3d(self.path("keypoints3d", sequence), optimised=optimised)

    def keypoints2d(self, sequence: str) -> ViewKeypoints:
        """What was detected in the nine views; see :func:`.read_keypoints2d`."""
        return read_keypoints2d(self.path("keypoints2d", sequence))

    def motion(self, sequence: str) -> SmplMotion:
        """SMPL's motion; see :func:`.read_motion`."""
        return read_motion(self.path("motions", sequence))

    def times(self, sequence: str, frames: int) -> Float[np.ndarray, " frames"]:
        """When annotated frames were taken, seconds from the start of the videos.

        By the timestamps of the 2D keypoints where they are at hand, make sense and are of these
        frames; else sixty a second, which all annotations are.
        """
        if self.path("keypoints2d", sequence).is_file():
            try:
                times = self.keypoints2d(sequence).times
            except AistError as error:
                _LOG.warning("%s; its frames are taken to be a sixtieth of a second apart", error)
            else:
                if len(times) == frames:
                    return times
        return np.arange(frames) / FPS

    def setting(self, sequence: str) -> Path:
        """Where the cameras of a sequence should be.

        Raises:
            AistError: no setting is known for it.
        """
        if sequence not in self.settings:
            raise AistError(
                f"{self.folder / 'cameras' / 'mapping.txt'}: does not name {sequence}; "
                "check the name"
            )
        return self.folder / "cameras" / f"{self.settings[sequence]}.json"

    def calibration(self, sequence: str, view: str) -> Calibration:
        """One camera of a sequence, for pictures of the size it was calibrated for.

        Raises:
            AistError: no setting is known for the sequence, or its file is missing or damaged.
        """
        path = self.setting(sequence)
        try:
            found = read_calibration(path, view)
        except CalibrationError as error:
            raise AistError(f"{error}; download the annotations again") from error
        if found.rotation is None or found.size is None:
            raise AistError(
                f"{path}: {view} lacks its rotation or its picture's size; download the "
                "annotations again"
            )
        return found

    def camera(self, sequence: str, view: str) -> Camera:
        """The same as a camera in the world, lens and all."""
        return self.calibration(sequence, view).camera()

    def cameras(self, sequence: str) -> dict[str, Camera]:
        """All nine."""
        return {view: self.camera(sequence, view) for view in VIEWS}


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise AistError(f"{path}: cannot be read ({error}); download it again") from error


def _splits(folder: Path) -> dict[str, str]:
    """Which split each sequence is in; nothing where there are no lists."""
    splits: dict[str, str] = {}
    for split in SPLITS:
        path = folder / "splits" / f"pose_{split}.txt"
        for sequence in _lines(path) if path.is_file() else []:
            if splits.setdefault(sequence, split) != split:
                raise AistError(
                    f"{path}: {sequence} is in the split {splits[sequence]} as well; "
                    "download the splits again"
                )
    return splits


def _ignored(folder: Path) -> frozenset[str]:
    path = folder / "ignore_list.txt"
    return frozenset(_lines(path)) if path.is_file() else frozenset()
