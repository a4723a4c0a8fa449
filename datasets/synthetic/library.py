"""Motions to perform: any corpus as motion of the body.

Rotations are SMPL-X's axis-angles of pelvis and body joints.
"""

import hashlib
import logging
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float

from mocap.body import Body
from mocap.datasets.motions import (
    MOTION_FILES,
    BodyClip,
    MotionClip,
    Source,
    between,
    motion_sources,
    to_bodies,
)
from mocap.errors import MocapError
from mocap.files import write_whole
from mocap.progress import Progress, silent
from mocap.skeletons import SMPLX_55

_log = logging.getLogger(__name__)

#: Frames a second of the library's motions.
RATE = 30.0
#: Pelvis and body joints, in the order of ``global_orient`` and ``body_pose``.
JOINTS = SMPLX_55.names[:22]
#: Shares of performers kept for validation and for the test.
_VALIDATION, _TEST = 0.1, 0.15
#: 59.94 frames a second are thinned as 60 are.
_NEARLY = 1.01
#: Performers it takes to hold some of them out.
_FEWEST = 3


@dataclass(frozen=True)
class Motion:
    """Motion of the body; metres and radians, world with +Y up.

    Attributes:
        name: of the clip.
        performer: whose it is.
        split: what it is for: all clips of a performer are for one thing.
        rotations: (F, 22, 3) axis-angles.
        transl: (F, 3).
    """

    name: str
    performer: str
    split: str
    rotations: Float[np.ndarray, "frames 22 3"]
    transl: Float[np.ndarray, "frames 3"]

    def __len__(self) -> int:
        return len(self.transl)


def splits_of(performers: Iterable[str]) -> dict[str, str]:
    """Who is for training, for validation and for the test; the same on every machine.

    By lot, a performer's own name being the lot; of three or more, one at least is for each. Of
    fewer, nobody can be held out.
    """
    lots = {
        one: int.from_bytes(hashlib.sha256(f"held out:{one}".encode()).digest()[:4], "big") / 2**32
        for one in performers
    }
    if len(lots) < _FEWEST:
        return dict.fromkeys(lots, "train")
    order = sorted(lots, key=lambda one: lots[one])
    tests = max(1, sum(lot < _TEST for lot in lots.values()))
    held_out = max(tests + 1, sum(lot < _TEST + _VALIDATION for lot in lots.values()))
    held_out = min(held_out, len(order) - 1)
    tests = min(tests, held_out - 1)
    names = ["test"] * tests + ["val"] * (held_out - tests)
    return dict(zip(order, [*names, *["train"] * (len(order) - held_out)], strict=True))


def _sources(paths: Sequence[str | Path], body: Body) -> list[Source]:
    """The clips that files and folders lead to; refuses to find none."""
    found = [source for path in paths for source in motion_sources(Path(path), body)]
    if not found:
        raise MocapError(
            f"{', '.join(map(str, paths))}: no motion that can be read: {MOTION_FILES}"
        )
    return found


def digest_of(paths: Sequence[str | Path], body: Body, *, progress: Progress = silent) -> str:
    """A digest of what is in clips' files and who performs in them, wherever they lie.

    Args:
        paths: as :func:`read_library` takes them.
        body: whose motion they would become.
        progress: called with ``"checking motions"``, clips done, clips.

    Raises:
        MocapError: a file is missing or no motion.
    """
    sources, found = _sources(paths, body), []
    for done, source in enumerate(sources, start=1):
        found.append(_told(source))
        progress("checking motions", done, len(sources))
    return hashlib.sha256(b"".join(sorted(found))).hexdigest()[:16]


def _told(source: Source) -> bytes:
    digest = hashlib.sha256(source.performer.encode())
    # A skeleton beside the file is as good as in it.
    for path in (source.path, *sorted(source.path.parent.glob("*.asf"))):
        digest.update(path.name.encode())
        try:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            # It will be left out, as long as it is so.
            digest.update(str(error.strerror).encode())
    return digest.digest()


def read_library(
    paths: Sequence[str | Path], body: Body, *, progress: Progress = silent
) -> list[Motion]:
    """The motions of files and folders, as motion of the body at 30 frames a second.

    Files that cannot be read are warned of and left out.

    Args:
        paths: motion files; folders of them, searched to the bottom; or the folder of test data,
            or parts of it.
        body: whose motion they become.
        progress: called with ``"motions"``, clips done, clips.

    Raises:
        MocapError: a file is missing or no motion, or nothing can be read.
    """
    sources = _sources(paths, body)
    groups: dict[str, list[Source]] = {}
    for source in sources:
        groups.setdefault(source.performer, []).append(source)
    motions: list[Motion] = []
    faults: list[str] = []
    done = 0
    for performer, group in groups.items():
        motions += _performed(performer, group, body, faults)
        done += len(group)
        progress("motions", done, len(sources))
    if not motions:
        why = faults[0] if len(sources) == 1 else f"not one can be read; the first: {faults[0]}"
        raise MocapError(why)
    for fault in faults:
        _log.warning("left out: %s", fault)
    splits = splits_of(motion.performer for motion in motions)
    return [replace(motion, split=splits[motion.performer]) for motion in motions]


def _performed(
    performer: str, group: Sequence[Source], body: Body, faults: list[str]
) -> list[Motion]:
    """What can be made of one performer's files; why not of others is added to ``faults``."""
    clips: list[MotionClip] = []
    paths: dict[int, Path] = {}

    def fail(path: Path, error: Exception) -> None:
        told = str(error)
        faults.append(told if str(path) in told else f"{path}: {told}")

    for source in group:
        try:
            clip = source.read()
            # Whole frames, never fewer than RATE a second; what is between them comes later.
            clip = clip[:: max(1, int(_NEARLY * clip.fps / RATE))]
            if len(clip) - 1 < clip.fps / RATE:
                raise MocapError(f"{source.path}: is a single frame, which is no motion")
        except (MocapError, ValueError) as error:  # ValueError: numpy's, of senseless numbers
            fail(source.path, error)
        else:
            paths[id(clip)] = source.path
            clips.append(clip)
    if not clips:
        return []
    try:
        made = to_bodies(clips, body, on_fault=lambda clip, error: fail(paths[id(clip)], error))
    except MocapError as error:
        for path in paths.values():
            fail(path, error)
        return []
    return [_motion(clip, performer) for clip in made]


def _motion(clip: BodyClip, performer: str) -> Motion:
    """A clip at the library's rate."""
    times = np.arange(len(clip)) / clip.fps
    at = np.arange(int(times[-1] * RATE + 1e-6) + 1) / RATE
    rotations, transl = between(times, clip.pose.rotation_vectors(), clip.pose.transl, at)
    return Motion(
        clip.name,
        performer,
        "train",
        rotations.astype(np.float32),
        transl.astype(np.float32),
    )


def save_library(motions: Sequence[Motion], path: Path) -> None:
    """Write motions, so that turning them into motion of the body is done once."""
    lengths = np.array([len(motion) for motion in motions])
    content = BytesIO()
    np.savez_compressed(
        content,
        names=np.array([m.name for m in motions]),
        performers=np.array([m.performer for m in motions]),
        splits=np.array([m.split for m in motions]),
        lengths=lengths,
        rotations=np.concatenate([m.rotations for m in motions]),
        transl=np.concatenate([m.transl for m in motions]),
    )
    write_whole(path, content.getvalue(), error=MocapError)


def load_library(path: Path) -> list[Motion]:
    """Read what :func:`save_library` wrote.

    Raises:
        MocapError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        ends = np.cumsum(arrays["lengths"])
        return [
            Motion(
                str(name),
                str(performer),
                str(split),
                arrays["rotations"][end - length : end],
                arrays["transl"][end - length : end],
            )
            for name, performer, split, length, end in zip(
                arrays["names"],
                arrays["performers"],
                arrays["splits"],
                arrays["lengths"],
                ends,
                strict=True,
            )
        ]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise MocapError(f"{path}: is damaged ({error}); delete it") from error
