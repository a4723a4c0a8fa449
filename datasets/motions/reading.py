"""Motion files by what they are: which reader each needs, and who performs in it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from mocap.body import Body
from mocap.datasets.motions.bvh import read_bvh_clip
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.corpora import Source, sources
from mocap.datasets.motions.deepmimic import is_deepmimic, read_deepmimic_clip
from mocap.datasets.motions.keypoints import is_keypoints, read_keypoints_clip
from mocap.datasets.motions.poselib import is_poselib, read_poselib_clip
from mocap.datasets.motions.positions import is_climbing, read_climbing_clip
from mocap.datasets.motions.smpl import aistpp_performer, read_aistpp_clip, read_amass_clip
from mocap.datasets.recognising import kind_of
from mocap.errors import MocapError

#: What can be read, wherever it is.
MOTION_FILES = (
    "BVH, AMASS .npz, AIST++ .pkl, DeepMimic .txt, Isaac Gym's AMP .npy, SMPL keypoints .npy or "
    "joints of climbing takes .npy"
)
#: What files of a kind are that hold something else.
_OTHERS = {
    ".npz": "no AMASS motion: it holds no poses",
    ".pkl": "no AIST++ motion: it holds no poses",
    ".npy": "no motion of SMPL's keypoints, of shape (frames, 45, 3), nor of climbing takes, "
    "(frames, 53, 3), nor of Isaac Gym's AMP",
}
#: Systems whose files are read by the endings of their names.
_READ = {".bvh": "bvh", ".npz": "amass", ".pkl": "aistpp"}
#: Bytes in which a pickle of AIST++ names one of its arrays.
_HEAD = 1 << 16
#: Corpora that are the folder of test data, if they are together.
_SEVERAL = 3


def motion_sources(path: Path, body: Body) -> list[Source]:
    """The clips that a path leads to.

    Args:
        path: a motion file; a folder of them, searched to the bottom; or the folder of test data,
            or any part of that.
        body: for motion that is told by rotations of the body alone.

    Raises:
        MocapError: it is missing, or a file that is no motion.
    """
    path = Path(path)
    if known := _of_corpora(path, body):
        return known
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if is_motion(file)]
        return [source for file in files if (source := _source(file, body))]
    if not path.exists():
        raise MocapError(f"{path}: no such file or folder")
    source, kind = _source(path, body), kind_of(path)
    if kind is not None and kind.system != _READ.get(path.suffix.lower()):
        raise MocapError(f"{path}: is {kind.words}; {kind.remedy}")
    if source is None:
        raise MocapError(f"{path}: is no motion that can be read, which is {MOTION_FILES}")
    if not is_motion(path):
        raise MocapError(f"{path}: is {_OTHERS[path.suffix.lower()]}")
    return [source]


def _of_corpora(path: Path, body: Body) -> list[Source]:
    """The clips at a path that is the folder of test data, or somewhere in it.

    Others have folders of the corpora's names, too, or one called ``motions``: it takes several of
    the corpora to know that folder.
    """
    whole = path.resolve()
    for root in (whole, *whole.parents[:5]):
        if (root / "motions").is_dir():
            with suppress(MocapError):
                found = sources(root, body)
                if len({one.corpus.split("/")[0] for one in found}) >= _SEVERAL:
                    return [one for one in found if one.path.is_relative_to(whole)]
    return []


def _source(path: Path, body: Body) -> Source | None:
    found = read_motion(path, body)
    return None if found is None else Source("file", found[0], path, found[1])


def is_motion(path: Path) -> bool:
    """Whether a file in a folder of many is meant as motion, damaged or not.

    Corpora keep other things in the same forms: shapes of bodies beside AMASS's motions, cameras
    and key points beside AIST++'s, labels of contact beside SMPL's keypoints.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        return False
    try:
        if suffix == ".npz":
            with ZipFile(path) as archive:
                return "poses.npy" in archive.namelist()
        if suffix == ".pkl":
            with path.open("rb") as file:
                return b"smpl_" in file.read(_HEAD)
    except (OSError, ValueError, BadZipFile):
        return True  # its reader says what is wrong with it
    if suffix == ".npy":
        return is_keypoints(path) or is_climbing(path) or is_poselib(path)
    return suffix == ".bvh" or (suffix == ".txt" and is_deepmimic(path))


def read_motion(path: Path, body: Body) -> tuple[str, Callable[[], MotionClip]] | None:
    """The performer of a motion file and what reads it; None where no reader takes such files.

    Args:
        path: a BVH, an AMASS-style npz, a pickle of AIST++, a skill of DeepMimic, an array of
            SMPL's keypoints or of a climbing take's joints, or a motion of Isaac Gym's poselib.
        body: for motion that is told by rotations of the body alone.
    """
    suffix = path.suffix.lower()
    if suffix == ".bvh":
        # Nothing in a BVH tells who moves: whoever keeps people apart keeps them in folders.
        return path.resolve().parent.name, lambda: read_bvh_clip(path)
    if suffix == ".npz":
        # AMASS keeps a folder for each subject.
        return path.resolve().parent.name, lambda: read_amass_clip(path, body)
    if suffix == ".pkl":
        return aistpp_performer(path), lambda: read_aistpp_clip(path, body)
    if suffix == ".txt" and is_deepmimic(path):
        return path.resolve().parent.name, lambda: read_deepmimic_clip(path)
    if suffix == ".npy" and is_climbing(path):
        return path.resolve().parent.name, lambda: read_climbing_clip(path)
    if suffix == ".npy" and is_poselib(path):
        return path.resolve().parent.name, lambda: read_poselib_clip(path)
    if suffix == ".npy":
        return path.resolve().parent.name, lambda: read_keypoints_clip(path)
    return None
