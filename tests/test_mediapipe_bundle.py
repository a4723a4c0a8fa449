"""The bundles MediaPipe's tasks load, and the metadata spliced into a model."""

import struct
import zipfile
from pathlib import Path

import av
import mediapipe
import numpy as np
import pytest
from mediapipe.tasks.python import BaseOptions, vision

from mocap.assets import CATALOGUE
from mocap.assets.mediapipe_bundle import (
    ALIGNMENT,
    HAND_MEMBERS,
    POSE_MEMBERS,
    hand_bundle,
    pose_bundle,
    with_normalization,
)
from mocap.assets.sources import sha256_of

model_schema = pytest.importorskip("mediapipe.tasks.metadata.schema_py_generated")
metadata_schema = pytest.importorskip("mediapipe.tasks.metadata.metadata_schema_py_generated")

RIGHT_WRIST, LEFT_WRIST = 16, 15  # of MediaPipe's 33 pose landmarks


def parse(model: bytes):
    return model_schema.ModelT.InitFromObj(model_schema.Model.GetRootAs(model, 0))


def metadata_of(model: bytes):
    parsed = parse(model)
    (entry,) = [entry for entry in parsed.metadata if entry.name == b"TFLITE_METADATA"]
    content = bytes(parsed.buffers[entry.buffer].data)
    return metadata_schema.ModelMetadataT.InitFromObj(
        metadata_schema.ModelMetadata.GetRootAs(content, 0)
    )


def normalization_of(model: bytes) -> tuple[float, float]:
    (image,) = metadata_of(model).subgraphMetadata[0].inputTensorMetadata
    options = image.processUnits[0].options
    return float(options.mean[0]), float(options.std[0])


def plain(value):
    """A parsed flatbuffer as values that compare with ``==``."""
    if hasattr(value, "__dict__"):
        return {name: plain(field) for name, field in vars(value).items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.tobytes() if isinstance(value, np.ndarray) else value


def members(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def frame(video: Path, index: int) -> np.ndarray:
    with av.open(str(video)) as container:
        for number, decoded in enumerate(container.decode(video=0)):
            if number == index:
                return decoded.to_ndarray(format="rgb24")
    raise AssertionError(f"{video} has no frame {index}")


def find_poses(bundle: Path, image: np.ndarray) -> list[np.ndarray]:
    options = vision.PoseLandmarkerOptions(BaseOptions(model_asset_path=str(bundle)), num_poses=2)
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        result = landmarker.detect(as_mediapipe(image))
    return [to_pixels(pose, image) for pose in result.pose_landmarks]


def find_hands(bundle: Path, image: np.ndarray) -> dict[str, np.ndarray]:
    options = vision.HandLandmarkerOptions(BaseOptions(model_asset_path=str(bundle)), num_hands=2)
    with vision.HandLandmarker.create_from_options(options) as landmarker:
        result = landmarker.detect(as_mediapipe(image))
    labels = [handedness[0].category_name for handedness in result.handedness]
    hands = [to_pixels(hand, image) for hand in result.hand_landmarks]
    return dict(zip(labels, hands, strict=True))


def as_mediapipe(image: np.ndarray) -> mediapipe.Image:
    # MediaPipe reads across the row padding that PyAV leaves in, and sees a sheared picture.
    packed = np.ascontiguousarray(image)
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=packed)


def to_pixels(landmarks, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return np.array([[point.x * width, point.y * height] for point in landmarks])


class TestNormalization:
    def test_states_mean_and_deviation(self, pose_bundle):
        model = members(pose_bundle)["pose_landmarks_detector.tflite"]
        assert normalization_of(model) == (0.0, 255.0)
        subgraph = metadata_of(model).subgraphMetadata[0]
        statistics = subgraph.inputTensorMetadata[0].stats
        assert (statistics.min[0], statistics.max[0]) == (0.0, 1.0)
        assert len(subgraph.outputTensorMetadata) == len(parse(model).subgraphs[0].outputs) == 5

    def test_models_with_metadata_go_in_as_they_are(self, pose_bundle, hand_bundle):
        detector = members(pose_bundle)["pose_detector.tflite"]
        assert normalization_of(detector) == (127.5, 127.5)
        assert [normalization_of(model) for model in members(hand_bundle).values()] == [
            (0, 255)
        ] * 2

    def test_rest_of_the_model_is_unchanged(self, hand_bundle):
        before = members(hand_bundle)["hand_landmarks_detector.tflite"]
        old, new = plain(parse(before)), plain(parse(with_normalization(before, mean=1.0, std=2.0)))
        added = new["buffers"].pop()
        assert added["data"][4:8] == b"M001"
        old_metadata, new_metadata = old.pop("metadata"), new.pop("metadata")
        assert new == old
        others = [entry for entry in old_metadata if entry["name"] != b"TFLITE_METADATA"]
        assert new_metadata[:-1] == others
        assert new_metadata[-1] == {"name": b"TFLITE_METADATA", "buffer": len(old["buffers"])}

    def test_replaces_what_was_there(self, hand_bundle):
        model = members(hand_bundle)["hand_detector.tflite"]
        again = with_normalization(with_normalization(model, mean=3.0, std=4.0), mean=5.0, std=6.0)
        assert normalization_of(again) == (5.0, 6.0)

    def test_every_buffer_stays_aligned(self, pose_bundle):
        model = members(pose_bundle)["pose_landmarks_detector.tflite"]
        root = model_schema.Model.GetRootAs(model, 0)
        buffers = [root.Buffers(index) for index in range(root.BuffersLength())]
        starts = [b._tab.Vector(b._tab.Offset(4)) for b in buffers if b.DataLength()]
        assert len(starts) > 100
        assert {start % ALIGNMENT for start in starts} == {0}

    @pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\3\4 not a model"])
    def test_refuses_what_is_no_model(self, content):
        with pytest.raises(ValueError, match="not a TensorFlow Lite model"):
            with_normalization(content, mean=0.0, std=255.0)


class TestBundles:
    @pytest.mark.parametrize("name", ["pose", "hand"])
    def test_has_the_pinned_hash(self, name, request):
        bundle = request.getfixturevalue(f"{name}_bundle")
        (file,) = CATALOGUE[f"{name}_landmarker"].files
        assert sha256_of(bundle) == file.sha256

    def test_building_is_reproducible(self, hand_bundle):
        assert build_hands(hand_bundle) == hand_bundle.read_bytes()
        assert build_hands(hand_bundle) == build_hands(hand_bundle)

    @pytest.mark.parametrize(("name", "names"), [("pose", POSE_MEMBERS), ("hand", HAND_MEMBERS)])
    def test_members_are_stored_and_aligned(self, name, names, request):
        bundle = request.getfixturevalue(f"{name}_bundle")
        content = bundle.read_bytes()
        with zipfile.ZipFile(bundle) as archive:
            assert tuple(archive.namelist()) == names
            assert archive.testzip() is None
            for info in archive.infolist():
                name_size, extra_size = struct.unpack_from("<HH", content, info.header_offset + 26)
                start = info.header_offset + 30 + name_size + extra_size
                assert info.compress_type == zipfile.ZIP_STORED
                assert start % ALIGNMENT == 0
                assert content[start + 4 : start + 8] == b"TFL3"

    def test_pose_refuses_what_is_no_model(self):
        with pytest.raises(ValueError, match="TensorFlow Lite"):
            pose_bundle(b"detector", b"landmarks")


class TestDetections:
    def test_finds_the_person_before_a_camera(self, pose_bundle, four_camera_clip):
        image = frame(four_camera_clip / "cam03.mp4", 30)
        (pose,) = find_poses(pose_bundle, image)
        assert np.all((pose >= 0) & (pose <= image.shape[1::-1]))
        nose, hips, ankles = pose[0], pose[[23, 24]].mean(0), pose[[27, 28]].mean(0)
        assert nose[1] < hips[1] < ankles[1]

    def test_finds_people_in_the_demo_clip(self, pose_bundle, demo_clip):
        found = [len(find_poses(pose_bundle, frame(demo_clip, index))) for index in (60, 90, 120)]
        assert sum(found) >= 3

    def test_finds_both_hands_where_the_pose_has_its_wrists(
        self, pose_bundle, hand_bundle, data_dir
    ):
        image = frame(data_dir / "clips/single_view/bodypose3d_cam0.mp4", 140)
        (pose,) = find_poses(pose_bundle, image)
        hands = find_hands(hand_bundle, image)
        assert sorted(hands) == ["Left", "Right"]
        for label, wrist in (("Left", LEFT_WRIST), ("Right", RIGHT_WRIST)):
            assert np.linalg.norm(hands[label][0] - pose[wrist]) < 0.05 * image.shape[0]


def build_hands(bundle: Path) -> bytes:
    return hand_bundle(*(members(bundle)[name] for name in HAND_MEMBERS))
