"""SAM 2 shown people and followed; needs an interpreter with ``sam2``, and torchvision with it.

python3.11 -m venv sam2
sam2/bin/pip install --no-deps sam2 torchvision hydra-core omegaconf antlr4-python3-runtime==4.9.3 \
    iopath portalocker tqdm pillow pyyaml packaging
MOCAP_SAM2_PYTHON=sam2/bin/python pytest tests/masks/test_sam2.py

All else, PyTorch too, that interpreter takes from this one's folder of packages.
"""

import hashlib
import json
import os
import resource
import subprocess
import sysconfig
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mocap.errors import MaskError
from mocap.masks import Sam2Segmenter
from mocap.masks.sam2 import _memory_of, _owner, _write
from mocap.masks.sam2_checkpoint import configuration_of
from mocap.take import Take
from mocap.video import VideoWriter, hash_source, open_video

FOLLOW = Path(__file__).with_name("sam2_follow.py")
#: Two stretches, the second of one frame.
FRAMES = 4


@pytest.fixture(scope="module")
def sam2_python() -> str:
    interpreter = os.environ.get("MOCAP_SAM2_PYTHON")
    if not interpreter:
        pytest.skip("MOCAP_SAM2_PYTHON does not name an interpreter with sam2")
    return interpreter


def shortened(record: Any, frames: int) -> Any:
    """A record of the first few frames."""
    changes = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if is_dataclass(value):
            changes[item.name] = shortened(value, frames)
        elif value is not None and item.metadata.get("axes", "").split(",")[0] == "frame":
            changes[item.name] = value[:frames]
    return replace(record, **changes)


@pytest.fixture
def short(take: Take, clip: Path, tmp_path: Path) -> Take:
    path = tmp_path / "short.mp4"
    with (
        open_video(clip) as video,
        VideoWriter(path, take.video.width, take.video.height, 30) as to,
    ):
        for frame in video:
            if frame.index < FRAMES:
                to.write(frame.image)
    record = replace(
        shortened(take.video, FRAMES),
        path=str(path),
        sha256=hash_source(path),
        timestamps=take.video.timestamps[:FRAMES],
    )
    there = {name: p for name, p in take.people.items() if p.frames[0] == 0}
    people = {
        name: replace(shortened(person, FRAMES), frames=person.frames[:FRAMES])
        for name, person in there.items()
    }
    return replace(take, video=record, people=people)


def test_people_are_shown_and_followed(short, sam2_python, tmp_path):
    assert len(short.people) == 2
    path = short.save(tmp_path / "take.h5")
    ended = subprocess.run(
        [sam2_python, FOLLOW, sysconfig.get_path("purelib"), path, short.video.path, tmp_path],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["name"] == "SAM 2 (sam2.1_hiera_t)"
    checkpoint = (tmp_path / "random.pt").read_bytes()
    assert told["inputs"] == {"checkpoint": hashlib.sha256(checkpoint).hexdigest()}
    masked = Take.load(tmp_path / "masked.h5")
    for name, person in masked.people.items():
        assert person.masks.known.all(), name
        assert told["people"][name]["pixels"] == [int(person.masks.at(r).sum()) for r in range(4)]
    # Nothing was learned, so there is no saying where the masks are; but they are somewhere.
    assert all(sum(one["pixels"]) for one in told["people"].values())
    for row in range(FRAMES):
        taken = sum(person.masks.at(row).astype(int) for person in masked.people.values())
        assert taken.max() <= 1
    assert "lacking.pt: lacks weights of configs/sam2.1/sam2.1_hiera_t.yaml" in told["lacking"]
    assert "frame loading" not in ended.stderr
    assert "propagate" not in ended.stderr


def weights(width: int, blocks: int, *, new: bool) -> dict[str, torch.Tensor]:
    """Of an encoder, as far as sizes go."""
    found = {f"image_encoder.trunk.blocks.{i}.norm1.weight": torch.ones(1) for i in range(blocks)}
    found["image_encoder.trunk.patch_embed.proj.weight"] = torch.zeros(width, 3, 7, 7)
    return found | ({"no_obj_embed_spatial": torch.zeros(1, 64)} if new else {})


@pytest.mark.parametrize(
    ("width", "blocks", "size"), [(96, 12, "t"), (96, 16, "s"), (112, 24, "b+"), (144, 48, "l")]
)
def test_checkpoints_say_which_model_they_are_of(width, blocks, size, tmp_path):
    path = tmp_path / "any name.pt"
    for new, version in ((True, "2.1"), (False, "2")):
        torch.save({"model": weights(width, blocks, new=new)}, path)
        assert configuration_of(path) == f"configs/sam{version}/sam{version}_hiera_{size}.yaml"


def test_what_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "weights.pt"
    with pytest.raises(MaskError, match=r"weights.pt: no such checkpoint; .* --checkpoint"):
        Sam2Segmenter(path)
    path.write_bytes(b"PK\x03\x04 but no more")
    with pytest.raises(MaskError, match=r"weights.pt: is no checkpoint of PyTorch's"):
        Sam2Segmenter(path)
    for held in ({"model": weights(97, 12, new=True)}, {"state": {}}, {"model": 3}, [1]):
        torch.save(held, path)
        with pytest.raises(MaskError, match=r"weights.pt: is no checkpoint of SAM 2"):
            Sam2Segmenter(path)


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    class Code:
        def __reduce__(self):
            return (Path(tmp_path / "ran").touch, ())

    torch.save({"model": Code()}, tmp_path / "weights.pt")
    with pytest.raises(MaskError, match="is no checkpoint"):
        Sam2Segmenter(tmp_path / "weights.pt")
    assert not (tmp_path / "ran").exists()


def test_who_has_the_highest_score_above_nothing_has_the_pixel():
    scores = torch.tensor([[[1.0, -1.0, 3.0, 0.0]], [[2.0, -2.0, 2.5, 0.0]]])
    assert np.array_equal(_owner([4, 7], scores), [[7, -1, 4, -1]])


def test_too_little_memory_is_told_with_the_remedy():
    for device, remedy in (("cpu", "take a smaller"), ("cuda", "take --device cpu, or a smaller")):
        told = f"^SAM 2 needs more memory than {device} .*{remedy}"
        with pytest.raises(MaskError, match=told), _memory_of(torch.device(device)):
            torch.empty(1 << 50, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="size of tensor"), _memory_of(torch.device("cpu")):
        torch.ones(2) + torch.ones(3)


def test_a_full_disk_is_told_with_the_remedy(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    _write(picture, tmp_path / "a.jpg")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may be longer: as where there is no room, what is written fails.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(MaskError, match=r"b.jpg: cannot be written \(.*TMPDIR"):
            _write(picture, tmp_path / "b.jpg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
