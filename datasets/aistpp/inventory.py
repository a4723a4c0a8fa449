"""Which videos can be converted, and what is wrong with the others: known before work starts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mocap.datasets.aistpp.dataset import SPLITS, AistPlusPlus
from mocap.datasets.aistpp.errors import AistError
from mocap.datasets.aistpp.names import BAD_VIEWS, sequence_name

#: Why a video is left out.
IGNORED = "the sequence is on AIST++'s ignore list"
BAD_VIEW = "the view is known to be bad"
NO_SPLIT = "the sequence is in no split"
NO_ANNOTATION = "AIST++ does not annotate it"
NO_KEYPOINTS = "its keypoints3d file is missing"
NO_SETTING = "its camera setting is missing"


@dataclass(frozen=True)
class VideoItem:
    """One video to convert.

    Attributes:
        key: its name, without ``.mp4``.
        video: the file.
        sequence: of which it shows one view.
        view: which.
        split: what it is for.
    """

    key: str
    video: Path
    sequence: str
    view: str
    split: str


@dataclass(frozen=True)
class Inventory:
    """What there is to do.

    Attributes:
        items: the videos to convert, in order of name.
        skipped: the others' names, by the reason why.
    """

    items: Sequence[VideoItem] = ()
    skipped: dict[str, list[str]] = field(default_factory=dict)


def take_inventory(
    annotations: AistPlusPlus,
    videos: str | Path,
    *,
    splits: Collection[str] | None = None,
    sequences: Collection[str] | None = None,
) -> Inventory:
    """Look through a folder of videos.

    Videos of sequences that were not asked for are neither converted nor skipped.

    Args:
        annotations: of the sequences.
        videos: the folder with ``gBR_sBM_c01_d04_mBR0_ch01.mp4`` and the like.
        splits: only these; all if None.
        sequences: only these; all if None.

    Raises:
        AistError: there is no such folder, the lists of splits or the ignore list are missing,
            there is no such split or sequence, or nothing can be converted.
    """
    folder = Path(videos)
    _check_request(annotations, folder, splits, sequences)
    items: list[VideoItem] = []
    skipped: dict[str, list[str]] = {}
    found = 0
    for path in sorted(folder.glob("*.mp4")):
        found += 1
        try:
            sequence, view = sequence_name(path.stem)
        except AistError:
            skipped.setdefault(NO_ANNOTATION, []).append(path.stem)
            continue
        split = annotations.splits.get(sequence)
        if sequences is not None and sequence not in sequences:
            continue
        if splits is not None and split is not None and split not in splits:
            continue
        fault = _fault(annotations, sequence, view)
        if fault or split is None:
            skipped.setdefault(fault or NO_SPLIT, []).append(path.stem)
        else:
            items.append(VideoItem(path.stem, path, sequence, view, split))
    if not items:
        raise AistError(_nothing(folder, found, skipped))
    return Inventory(items, skipped)


def _check_request(
    annotations: AistPlusPlus,
    videos: Path,
    splits: Collection[str] | None,
    sequences: Collection[str] | None,
) -> None:
    if not videos.is_dir():
        raise AistError(f"{videos}: no such folder; give that of the AIST Dance DB's videos")
    for name in ("ignore_list.txt", *(f"splits/pose_{split}.txt" for split in SPLITS)):
        if not (annotations.folder / name).is_file():
            raise AistError(
                f"{annotations.folder / name}: is missing; download the annotations again, with "
                "splits and ignore list"
            )
    if unknown := set(splits or ()) - set(SPLITS):
        raise AistError(f"no split is called {min(unknown)!r}; there are {', '.join(SPLITS)}")
    if unknown := set(sequences or ()) - set(annotations.settings):
        raise AistError(
            f"{annotations.folder}: has no sequence {min(unknown)!r}; they are named like "
            f"{annotations.sequences[0] if annotations.sequences else 'nothing, for it is empty'}"
        )


def _fault(annotations: AistPlusPlus, sequence: str, view: str) -> str | None:
    """Why a video cannot be converted."""
    if sequence not in annotations.settings:
        return NO_ANNOTATION
    if sequence in annotations.ignored:
        return IGNORED
    if (sequence, view) in BAD_VIEWS:
        return BAD_VIEW
    if not annotations.path("keypoints3d", sequence).is_file():
        return NO_KEYPOINTS
    if not annotations.setting(sequence).is_file():
        return NO_SETTING
    return None


def _nothing(folder: Path, found: int, skipped: dict[str, list[str]]) -> str:
    """Why there is nothing to convert, in one line."""
    if not found:
        return f"{folder}: holds no .mp4; give the folder of the AIST Dance DB's videos"
    if not skipped:
        return f"{folder}: none of its {found} videos is of the splits or sequences asked for"
    reasons = "; ".join(
        f"{len(names)} because {reason} ({names[0]}, ...)" for reason, names in skipped.items()
    )
    return f"{folder}: none of its {found} videos can be converted: {reasons}"
