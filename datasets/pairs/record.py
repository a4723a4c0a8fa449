"""The training pair: what a detector saw of a pose, and what the pose was.

Facing axes are those of a camera that looks straight at the person's hips: x right, y down, z
away. Heading axes are the person's own: y up, x along the horizontal part of the line from the
right hip to the left, z to the front. Hips-centred means: relative to the middle of the hips.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mocap.datasets.pairs.faults import BOUNDS, PairsError, refuse_where
from mocap.records import dataset

#: What a sequence can be for.
SPLITS = ("train", "val", "test")
#: The name of a sequence that nobody has named.
UNNAMED = "unnamed"


@dataclass(frozen=True)
class Pairs:
    """N frames of one person each; the points are COCO's 17, unless they say otherwise.

    Frames of a sequence follow one another, in the order of time; frames in which the detector
    found nobody are left out, and ``time`` tells the gap. Arrays are float32, or become it.

    Attributes:
        corrupted: the detector's 3D, metres, facing axes, hips-centred.
        ground_truth: the truth, in the same axes.
        visibility: the detector's confidence, 0 to 1.
        pose_2d: the detector's 2D, pixels of the picture.
        azimuth: of the camera about the person, radians: 0 in front, positive on their left.
        elevation: of the camera above the hips' horizon, radians.
        camera_relative: the camera's centre from the hips' middle, metres, heading axes.
        sequence: index into ``sequences``.
        time: seconds within the sequence.
        heading: yaw of the person in the world, radians.
        truth_2d: the true 2D, pixels; may lie outside the picture.
        image_size: width and height of the picture, pixels.
        landmarks_xy: all 33 points of MediaPipe, pixels.
        landmarks_xyz: the same, metres, facing axes, hips-centred.
        landmarks_confidence: of the same, 0 to 1.
        mirrored_xy: the 33 points as the detector sees them in the picture's mirror image, with
            the mirroring undone, pixels; NaN where it did not look, or found nobody.
        mirrored_xyz: the same, metres, facing axes, hips-centred.
        mirrored_confidence: of the same, 0 to 1.
        sequences: the names of the sequences.
        splits: what each sequence is for, one of :data:`SPLITS`.

    Raises:
        PairsError: arrays whose shapes contradict this or one another.
    """

    corrupted: Float[np.ndarray, "frames 17 3"] = dataset("m", "frame,joint,xyz")
    ground_truth: Float[np.ndarray, "frames 17 3"] = dataset("m", "frame,joint,xyz")
    visibility: Float[np.ndarray, "frames 17"] = dataset("1", "frame,joint")
    pose_2d: Float[np.ndarray, "frames 17 2"] = dataset("px", "frame,joint,xy")
    azimuth: Float[np.ndarray, " frames"] = dataset("rad", "frame")
    elevation: Float[np.ndarray, " frames"] = dataset("rad", "frame")
    camera_relative: Float[np.ndarray, "frames 3"] = dataset("m", "frame,xyz")
    sequence: Int[np.ndarray, " frames"] | None = dataset("index", "frame", required=False)
    time: Float[np.ndarray, " frames"] | None = dataset("s", "frame", required=False)
    heading: Float[np.ndarray, " frames"] | None = dataset("rad", "frame", required=False)
    truth_2d: Float[np.ndarray, "frames 17 2"] | None = dataset(
        "px", "frame,joint,xy", required=False
    )
    image_size: Float[np.ndarray, "frames 2"] | None = dataset("px", "frame,wh", required=False)
    landmarks_xy: Float[np.ndarray, "frames 33 2"] | None = dataset(
        "px", "frame,landmark,xy", required=False
    )
    landmarks_xyz: Float[np.ndarray, "frames 33 3"] | None = dataset(
        "m", "frame,landmark,xyz", required=False
    )
    landmarks_confidence: Float[np.ndarray, "frames 33"] | None = dataset(
        "1", "frame,landmark", required=False
    )
    mirrored_xy: Float[np.ndarray, "frames 33 2"] | None = dataset(
        "px", "frame,landmark,xy", required=False
    )
    mirrored_xyz: Float[np.ndarray, "frames 33 3"] | None = dataset(
        "m", "frame,landmark,xyz", required=False
    )
    mirrored_confidence: Float[np.ndarray, "frames 33"] | None = dataset(
        "1", "frame,landmark", required=False
    )
    sequences: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frames = len(np.atleast_1d(self.corrupted))
        for name in ARRAYS:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _array(name, value, frames))
        for name in ("sequences", "splits"):
            object.__setattr__(self, name, tuple(str(one) for one in getattr(self, name)))
        if len(self.sequences) != len(self.splits):
            raise PairsError(f"{len(self.sequences)} sequences have {len(self.splits)} splits")
        if self.sequence is None and self.sequences:
            raise PairsError("sequences are named, but no frame says which is its own")
        if unknown := set(self.splits) - set(SPLITS):
            raise PairsError(f"split {min(unknown)!r} is none of {', '.join(SPLITS)}")
        if self.sequence is not None and len(self):
            first, last = int(self.sequence.min()), int(self.sequence.max())
            if first < 0 or last >= len(self.sequences):
                raise PairsError(
                    f"frames are of sequences {first} to {last}, "
                    f"of which {len(self.sequences)} are named"
                )

    def __len__(self) -> int:
        return len(self.corrupted)

    def without_landmarks(self) -> "Pairs":
        """The same pairs without MediaPipe's own points: most of their memory."""
        nothing: dict[str, Any] = dict.fromkeys(LANDMARKS)
        return replace(self, **nothing)

    def __getitem__(self, chosen: slice | np.ndarray | Sequence[int]) -> "Pairs":
        """Some of the frames: by slice, mask or indices. Sequences without frames are dropped."""
        picked: dict[str, Any] = {
            name: None if (value := getattr(self, name)) is None else value[chosen]
            for name in ARRAYS
        }
        if self.sequence is None:
            return replace(self, **picked)
        kept, picked["sequence"] = np.unique(picked["sequence"], return_inverse=True)
        return replace(
            self,
            **picked,
            sequences=tuple(self.sequences[i] for i in kept),
            splits=tuple(self.splits[i] for i in kept),
        )

    @classmethod
    def nothing(cls) -> "Pairs":
        """No frames at all."""
        empty: dict[str, Any] = {name: np.zeros((0, *SHAPES[name])) for name in REQUIRED}
        return cls(**empty)

    @property
    def present(self) -> tuple[str, ...]:
        """The names of the arrays that are there."""
        return tuple(name for name in ARRAYS if getattr(self, name) is not None)

    def of_split(self, *names: str) -> "Pairs":
        """The frames of the sequences that are for this; all are for training if none says so.

        Raises:
            PairsError: naming a split that is none.
        """
        if unknown := set(names) - set(SPLITS):
            raise PairsError(f"split {min(unknown)!r} is none of {', '.join(SPLITS)}")
        if self.sequence is None:
            return self if "train" in names else self[:0]
        wanted = np.array([split in names for split in self.splits], bool)
        return self[wanted[self.sequence]] if len(wanted) else self

    def runs(self) -> Iterator[slice]:
        """The frames of each sequence, in turn; one run of all where nobody has told them apart."""
        if self.sequence is None:
            if len(self):
                yield slice(0, len(self))
            return
        edges = np.flatnonzero(np.diff(self.sequence)) + 1
        borders = [0, *edges.tolist(), len(self)]
        yield from (slice(a, b) for a, b in itertools.pairwise(borders) if b > a)

    @classmethod
    def concatenate(cls, parts: Iterable["Pairs"]) -> "Pairs":
        """Pairs one after another; sequences stay apart even where their names are equal.

        What only some parts tell is NaN in the frames of the others; a part whose sequences are
        unknown counts as one, for training.
        """
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.nothing()
        present = {name for part in parts for name in part.present}
        if "sequence" in present:
            parts = [part._with_sequence() for part in parts]
        joined: dict[str, Any] = {}
        for name in present - {"sequence"}:
            joined[name] = np.concatenate([part._or_unknown(name) for part in parts])
        if "sequence" in present:
            starts = np.cumsum([0, *(len(part.sequences) for part in parts)])
            joined["sequence"] = np.concatenate(
                [part.sequence + start for part, start in zip(parts, starts, strict=False)]
            )
        return cls(
            **joined,
            sequences=tuple(name for part in parts for name in part.sequences),
            splits=tuple(name for part in parts for name in part.splits),
        )

    def _with_sequence(self) -> "Pairs":
        if self.sequence is not None:
            return self
        zeros = np.zeros(len(self), np.int32)
        return replace(self, sequence=zeros, sequences=(UNNAMED,), splits=("train",))

    def _or_unknown(self, name: str) -> np.ndarray:
        value = getattr(self, name)
        shape = (len(self), *SHAPES[name])
        return np.full(shape, np.nan, np.float32) if value is None else value

    def check(self) -> "Pairs":
        """The same pairs, if their numbers make sense; what writes and reads files asks.

        Raises:
            PairsError: naming the array that holds what it cannot, and the first frame that does.
        """
        for name in (one for one in self.present if one not in ("sequence", "time")):
            value = getattr(self, name)
            wrong = ~np.isfinite(value)
            if name in OPTIONAL:
                # A frame that tells nothing of it, as concatenation makes, is no fault.
                wrong &= ~np.isnan(value).all(tuple(range(1, value.ndim)), keepdims=True)
            refuse_where(wrong, name, "is not finite")
        for name, (low, high, fault) in BOUNDS.items():
            if (value := getattr(self, name)) is not None:
                refuse_where((value < low) | (value > high), name, fault)
        if self.image_size is not None:
            refuse_where(self.image_size <= 0, "image_size", "is not above 0")
        if self.sequence is None:
            return self
        runs = list(self.runs())
        seen: set[int] = set()
        for run in runs:
            index = int(self.sequence[run.start])
            if index in seen:
                raise PairsError(f"the frames of {self.sequences[index]} are not together")
            seen.add(index)
            self._check_times(run, self.sequences[index])
        return self

    def _check_times(self, run: slice, name: str) -> None:
        """Refuse times of a sequence that do not rise; all may be NaN, but not some."""
        if self.time is None or np.isnan(self.time[run]).all():
            return
        times = self.time[run].astype(float)
        wrong = ~np.isfinite(times)
        if wrong.any():
            first = run.start + int(wrong.argmax())
            raise PairsError(f"time is not finite in {name}, first in frame {first}")
        wrong = np.diff(times) <= 0
        if wrong.any():
            first = run.start + 1 + int(wrong.argmax())
            raise PairsError(
                f"time: the frames of {name} are not in time's order, first frame {first}"
            )


#: The numbers of points and coordinates: an array's shape without its frames.
_COUNTS = {"joint": 17, "landmark": 33, "xyz": 3, "xy": 2, "wh": 2}
SHAPES: dict[str, tuple[int, ...]] = {
    item.name: tuple(_COUNTS[axis] for axis in item.metadata["axes"].split(",")[1:])
    for item in fields(Pairs)
    if item.metadata
}
#: The arrays that pairs consist of, those they always have, and those they may have.
ARRAYS = tuple(SHAPES)
REQUIRED = ARRAYS[:7]
OPTIONAL = ARRAYS[7:]
#: Those of all of MediaPipe's points.
LANDMARKS = tuple(name for name in ARRAYS if name.startswith(("landmarks_", "mirrored_")))


def _array(name: str, value: Any, frames: int) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in ("iu" if name == "sequence" else "iuf"):
        raise PairsError(f"{name} holds {array.dtype}, not numbers")
    expected = (frames, *SHAPES[name])
    if array.shape != expected:
        raise PairsError(f"{name} has shape {array.shape}, not {expected}")
    return np.ascontiguousarray(array, np.int32 if name == "sequence" else np.float32)
