"""The motion corpora: where their files are, who performs in them, what their terms are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mocap.body import Body
from mocap.datasets.motions.asf import read_amc_clip
from mocap.datasets.motions.bvh import read_bvh_clip
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.deepmimic import read_deepmimic_clip
from mocap.datasets.motions.expmap import read_expmap_clip
from mocap.datasets.motions.poselib import read_poselib_clip
from mocap.datasets.motions.positions import read_climbing_clip
from mocap.datasets.motions.smpl import aistpp_performer, read_aistpp_clip
from mocap.errors import MocapError

#: What CMU asks to be said wherever its data was used.
CMU_ACKNOWLEDGEMENT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)


@dataclass(frozen=True)
class Source:
    """A clip that can be read.

    Attributes:
        corpus: which corpus it is of.
        performer: who moves; unique over all corpora.
        path: its file.
        read: reads it.
    """

    corpus: str
    performer: str
    path: Path
    read: Callable[[], MotionClip]


def sources(folder: str | Path, body: Body) -> list[Source]:
    """Every clip of the corpora that are in a folder of test data.

    Args:
        folder: with ``motions/`` and ``aistpp/`` in it.
        body: for motion that is told by rotations of the body alone.

    Raises:
        MocapError: none of the corpora is there.
    """
    motions = Path(folder) / "motions"
    found = [
        *_amc(motions / "more" / "cmu"),
        *_expmap(motions / "cmu_expmap"),
        *_bvh(motions),
        *_others(motions, Path(folder) / "aistpp", body),
    ]
    if not found:
        raise MocapError(f"{motions}: has none of the motion corpora; give the folder of test data")
    return found


def _amc(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.glob("*/*.amc")):
        subject, skeleton = path.parent.name, path.with_name(f"{path.parent.name}.asf")
        performer = f"cmu-{subject}"

        def read(path: Path = path, skeleton: Path = skeleton, who: str = performer) -> MotionClip:
            # Thinned to every fourth frame of CMU's 120 a second.
            return read_amc_clip(path, skeleton, fps=30.0, performer=who)

        yield Source("cmu", performer, path, read)


def _expmap(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.glob("*/*/*.txt.gz")):
        # One skeleton stands for all performers; nobody knows any more which they were.
        def read(path: Path = path) -> MotionClip:
            return read_expmap_clip(path, every=4, performer="cmu-expmap")

        yield Source(f"cmu_expmap/{path.parent.parent.name}", "cmu-expmap", path, read)


def _bvh(motions: Path) -> Iterator[Source]:
    # Corpus, files, metres in a unit (None: by the legs), calibration frames, performer.
    kinds: tuple[tuple[str, str, float | None, int, str | None], ...] = (
        ("cmu_bvh11", "cmu_bvh11/131_*.bvh", None, 1, "cmu-131"),
        ("salsa", "more/salsa/*.bvh", 0.01, 0, None),
        ("perfume", "perfume/*.bvh", 0.01, 1, "perfume"),
        ("animated_drawings", "animated_drawings/*/*.bvh", None, 1, None),
    )
    for corpus, pattern, units, skip, performer in kinds:
        for path in sorted(motions.glob(pattern)):
            who = performer or f"{corpus}-{path.parent.name}-{path.stem}"
            if corpus == "salsa":
                # Files n and n + 15 are two partners; one pair dances all of them.
                leads = path.stem.isdigit() and int(path.stem) <= 15
                who = f"salsa-{'leader' if leads else 'follower'}"

            def read(
                path: Path = path, units: float | None = units, skip: int = skip, who: str = who
            ) -> MotionClip:
                return read_bvh_clip(path, units=units, skip=skip, performer=who)

            yield Source(corpus, who, path, read)


def _others(motions: Path, aistpp: Path, body: Body) -> Iterator[Source]:
    for path in sorted((motions / "climbing").glob("*.npy")):
        yield Source("climbing", "climber", path, lambda path=path: read_climbing_clip(path))
    for path in sorted((motions / "deepmimic").glob("*.txt")):
        yield Source("deepmimic", "deepmimic", path, lambda path=path: read_deepmimic_clip(path))
    for path in sorted((motions / "cmu_isaacgym_amp").glob("*.npy")):
        yield Source("amp", "amp", path, lambda path=path: read_poselib_clip(path, performer="amp"))
    for path in sorted(aistpp.glob("*.pkl")):
        who = aistpp_performer(path)
        yield Source("aistpp", who, path, lambda path=path: read_aistpp_clip(path, body))
