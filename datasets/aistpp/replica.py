"""A small data set in AIST++'s layout, names and units, out of motions and a renderer.

For tests, and to measure on a rig like the real one what cannot be measured without the gated
videos. Annotations are exact where AIST++'s are fitted; what its own detector and triangulation
would have added is imitated by a little noise in ``keypoints2d`` and ``keypoints3d``, not in
``keypoints3d_optim``. Splits are by dancer, test ones being every third, as AIST++'s are.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.body import Body
from mocap.datasets.aistpp.dataset import SPLITS
from mocap.datasets.aistpp.errors import ELSEWHERE, AistError
from mocap.datasets.aistpp.files import CENTIMETRE, FPS
from mocap.datasets.aistpp.footage import film
from mocap.datasets.aistpp.names import VIEWS, dancer, video_name
from mocap.datasets.aistpp.performance import Staged
from mocap.datasets.aistpp.rig import make_rig, write_setting
from mocap.datasets.motions import BodyClip
from mocap.files import write_whole
from mocap.geometry import Camera
from mocap.progress import Progress, silent

_GENRES = ("BR", "PO", "LO", "MH", "LH", "HO", "WA", "KR", "JS", "JB")
#: Deviations of imitated errors: pixels for a picture 1920 wide, and metres.
_PIXELS, _METRES = 3.0, 0.008


@dataclass(frozen=True)
class Replica:
    """What was written.

    Attributes:
        annotations: the folder of annotations.
        videos: the folder of videos.
        sequences: names of the sequences, in the order of the clips.
    """

    annotations: Path
    videos: Path
    sequences: tuple[str, ...]


def write_replica(
    folder: str | Path,
    clips: Sequence[BodyClip],
    body: Body,
    *,
    seconds: float,
    fps: float = FPS,
    size: tuple[int, int] = (960, 540),
    seed: int = 0,
    settings: int = 1,
    views: Sequence[str] = VIEWS,
    progress: Progress = silent,
) -> Replica:
    """Write a replica: each clip a sequence before nine cameras.

    Args:
        folder: where ``annotations`` and ``videos`` are made.
        clips: what is danced; clips of one performer are of one dancer and one split.
        body: who dances.
        seconds: of each clip, at most.
        fps: of the videos; annotations are sixty a second.
        size: width and height of the pictures, pixels.
        seed: of cameras, looks and noise.
        settings: rigs, used in turn.
        views: whose videos to draw; with none of them, annotations alone, no renderer is needed.
        progress: told how many sequences are done.

    Raises:
        AistError: there are no clips, or annotations cannot be written.
        MocapError: there is no OpenGL, or a video cannot be written.
    """
    if not clips:
        raise AistError("a replica of no clips is none; give at least one")
    replica = Replica(Path(folder) / "annotations", Path(folder) / "videos", _names(clips))
    try:
        replica.videos.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AistError(
            f"{replica.videos}: cannot be made ({error.strerror}); {ELSEWHERE}"
        ) from error
    rigs = [make_rig(size, np.random.default_rng([seed, n])) for n in range(settings)]
    for number, rig in enumerate(rigs, start=1):
        write_setting(replica.annotations / "cameras" / f"setting{number}.json", rig, size)
    _write_lists(replica, settings)
    progress("replica", 0, len(clips))
    for number, (clip, sequence) in enumerate(zip(clips, replica.sequences, strict=True)):
        staged = Staged.of(clip, body, seconds)
        rig = rigs[number % settings]
        length = min(seconds, staged.seconds)
        annotated = staged.at(np.arange(max(1, int(length * FPS + 1e-6))) / FPS)
        _annotate(replica.annotations, sequence, annotated, rig, size, [seed, number])
        paths = {view: replica.videos / f"{video_name(sequence, view)}.mp4" for view in views}
        if paths:
            shown = staged.at(np.arange(max(1, int(length * fps + 1e-6))) / fps)
            looks = seed + 1000 * int(dancer(sequence)[1:])
            film(shown, rig, size, paths, fps, looks=looks, studio=seed + number % settings)
        progress("replica", number + 1, len(clips))
    return replica


def split_of(sequence: str) -> str:
    """What a replica's sequence is for: by its dancer."""
    return ("train", "val", "test")[(int(dancer(sequence)[1:]) - 1) % 3]


def _names(clips: Sequence[BodyClip]) -> tuple[str, ...]:
    performers = list(dict.fromkeys(clip.performer for clip in clips))
    names = []
    for number, clip in enumerate(clips):
        genre = _GENRES[number % len(_GENRES)]
        who = performers.index(clip.performer) + 1
        names.append(f"g{genre}_sBM_cAll_d{who:02d}_m{genre}{number % 6}_ch{number + 1:02d}")
    return tuple(names)


def _write_lists(replica: Replica, settings: int) -> None:
    folder, sequences = replica.annotations, replica.sequences
    mapping = [f"{name} setting{i % settings + 1}" for i, name in enumerate(sequences)]
    _write(folder / "cameras" / "mapping.txt", "\n".join(mapping) + "\n")
    for split in SPLITS:
        chosen = [name for name in sequences if split_of(name) == split]
        _write(folder / "splits" / f"pose_{split}.txt", "\n".join(chosen))
    _write(folder / "ignore_list.txt", "")


def _annotate(
    folder: Path,
    sequence: str,
    staged: Staged,
    rig: dict[str, Camera],
    size: tuple[int, int],
    seed: list[int],
) -> None:
    """Write the three pickles of a sequence."""
    rng = np.random.default_rng([*seed, 1])
    points = staged.keypoints()
    count = len(points)
    hands = np.zeros((count, 2, 3))
    _dump(
        folder / "motions" / f"{sequence}.pkl",
        {
            "smpl_poses": np.concatenate([staged.rotations, hands], 1).reshape(count, 72),
            "smpl_scaling": np.array([1.0]) / CENTIMETRE,
            "smpl_trans": staged.transl / CENTIMETRE,
        },
    )
    triangulated = points + rng.normal(0, _METRES, points.shape)
    _dump(
        folder / "keypoints3d" / f"{sequence}.pkl",
        {"keypoints3d": triangulated / CENTIMETRE, "keypoints3d_optim": points / CENTIMETRE},
    )
    seen = _views(points, rig, size, rng)
    _dump(
        folder / "keypoints2d" / f"{sequence}.pkl",
        {
            "keypoints2d": seen,
            "det_scores": seen[..., 2].mean(-1),
            # Rounded down to microseconds.
            "timestamps": (np.arange(count) * 1e6 / FPS + 1e-3).astype(np.int64),
        },
    )


def _views(
    points: Float[np.ndarray, "frames 17 3"],
    rig: dict[str, Camera],
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Float[np.ndarray, "9 frames 17 3"]:
    frames = np.arange(len(points))
    xy = np.stack([camera.project(points, frames) for camera in rig.values()])
    xy += rng.normal(0, _PIXELS * size[0] / 1920, xy.shape)
    score = np.clip(rng.normal(0.85, 0.08, xy.shape[:-1]), 0.05, 1.0)
    return np.concatenate([xy, score[..., None]], -1)


def _dump(path: Path, content: dict[str, Any]) -> None:
    """Write arrays as AIST++ does: in single precision where they are not whole numbers."""
    arrays = {
        name: value if value.dtype.kind == "i" else value.astype(np.float32)
        for name, value in content.items()
    }
    # The highest protocol of the Python that AIST++ was made with.
    _write(path, pickle.dumps(arrays, protocol=4))


def _write(path: Path, content: bytes | str) -> None:
    write_whole(path, content, error=AistError, remedy=ELSEWHERE)
