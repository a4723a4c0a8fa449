"""Masks by SAM 2, shown the people in some frames and left to follow them through the others.

Ravi et al., "SAM 2: Segment Anything in Images and Videos", 2024; the package ``sam2`` and its
checkpoints are Apache-2.0. The video is gone through in stretches, everybody pointed at anew in
each, so that neither memory nor drift grows with the clip.
"""

import hashlib
import importlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from mocap.errors import MaskError
from mocap.masks.prompts import Prompt, choose_prompts
from mocap.masks.sam2_checkpoint import configuration_of
from mocap.masks.segmenter import FrameMasks
from mocap.take import Take
from mocap.video import Frame

#: Frames gone through at a time; SAM 2 holds 12.6 MB of each.
STRETCH = 48
#: SAM 2 reads pictures from files, and those of JPEG only.
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 97]
#: What PyTorch says of a CPU's memory, and of weights that are not the model's.
_NO_MEMORY, _NO_MATCH = "can't allocate memory", "Error(s) in loading state_dict"


class Sam2Segmenter:
    """SAM 2's video predictor.

    Args:
        checkpoint: a SAM 2 or 2.1 checkpoint of any size.
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is any.
        stretch: frames gone through at a time.

    Raises:
        MaskError: the package ``sam2`` is not installed, the device is not there or too small, or
            the file is no such checkpoint.
    """

    def __init__(self, checkpoint: Path, *, device: str = "auto", stretch: int = STRETCH) -> None:
        self._device = _device(device)
        self._stretch = stretch
        configuration = configuration_of(checkpoint)
        with _memory_of(self._device):
            self._predictor = _predictor(configuration, checkpoint, self._device)
        self.name = f"SAM 2 ({Path(configuration).stem})"
        self.parameters: dict[str, Any] = {"stretch": stretch}
        with checkpoint.open("rb") as file:
            self.inputs = {"checkpoint": hashlib.file_digest(file, "sha256").hexdigest()}

    def segment(self, take: Take, frames: Iterable[Frame]) -> Iterator[FrameMasks]:
        """Masks of frames of the take's video; people need not have been fitted.

        Raises:
            MaskError: the device has too little memory, or the disk no room for a stretch.
        """
        rest = iter(frames)
        while stretch := list(islice(rest, self._stretch)):
            yield from self._segment(take, stretch)

    def close(self) -> None:
        """Free the model."""
        self._predictor = None

    def _segment(self, take: Take, frames: list[Frame]) -> Iterator[FrameMasks]:
        prompts = choose_prompts(take, frames[0].index, frames[-1].index)
        owners = self._owners(prompts, frames) if prompts else {}
        for place, frame in enumerate(frames):
            people = {
                name: owners[place] == number
                for number, name in enumerate(prompts)
                if frame.index in take.people[name].frames
            }
            yield FrameMasks(frame.index, people)

    def _owners(
        self, prompts: dict[str, list[Prompt]], frames: list[Frame]
    ) -> dict[int, np.ndarray]:
        """(H, W) of each frame: which of the people has a pixel, by number, -1 for nobody."""
        owners = {}
        with (
            _memory_of(self._device),
            tempfile.TemporaryDirectory(prefix="mocap-sam2-") as folder,
            torch.inference_mode(),
            # What it remembers of frames is of this type, on whatever device.
            torch.autocast(self._device.type, torch.bfloat16),
        ):
            for place, frame in enumerate(frames):
                _write(frame.image, Path(folder, f"{place:06d}.jpg"))
            state = self._predictor.init_state(folder, offload_video_to_cpu=True)
            for number, shown in enumerate(prompts.values()):
                for prompt in shown:
                    self._predictor.add_new_points_or_box(
                        state,
                        frame_idx=prompt.frame - frames[0].index,
                        obj_id=number,
                        points=prompt.points.astype(np.float32),
                        labels=prompt.positive.astype(np.int32),
                        box=prompt.box.astype(np.float32),
                    )
            # Forward from where somebody is first pointed at, then back from there.
            for reverse in (False, True):
                told = self._predictor.propagate_in_video(state, reverse=reverse)
                for place, numbers, scores in told:
                    owners[place] = _owner(numbers, scores[:, 0])
        return owners


def _write(image: np.ndarray, path: Path) -> None:
    """Where SAM 2 reads it."""
    told = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _QUALITY)[1]
    try:
        path.write_bytes(told.tobytes())
    except OSError as error:
        raise MaskError(
            f"{path}: cannot be written ({error.strerror}), and SAM 2 reads pictures from files; "
            "make room there, or name another folder by TMPDIR"
        ) from error


@contextmanager
def _memory_of(device: torch.device) -> Iterator[None]:
    """Whoever works in it may find that there is too little memory.

    Raises:
        MaskError: there is.
    """
    try:
        yield
    except RuntimeError as fault:
        # Of the CPU's there is no type of its own.
        if not (isinstance(fault, torch.OutOfMemoryError) or _NO_MEMORY in str(fault)):
            raise
        other = "" if device.type == "cpu" else "--device cpu, or "
        raise MaskError(
            f"SAM 2 needs more memory than {device} has left; take {other}a smaller checkpoint"
        ) from fault


def _owner(numbers: list[int], scores: torch.Tensor) -> np.ndarray:
    """Whoever's score is highest has the pixel, if it is above 0."""
    best, at = scores.max(0)
    owner = torch.as_tensor(numbers, device=scores.device)[at]
    return torch.where(best > 0, owner, -1).to(torch.int16).cpu().numpy()


def _predictor(configuration: str, checkpoint: Path, device: torch.device) -> Any:
    try:
        _declare_operators()
        build = importlib.import_module("sam2.build_sam")
        for part in ("sam2.sam2_video_predictor", "sam2.utils.misc"):
            # Progress is ours to show.
            vars(importlib.import_module(part))["tqdm"] = _plain
    except ModuleNotFoundError as missing:
        raise MaskError(
            f"SAM 2 needs the package {missing.name}: pip install 'mocap-toolkit[sam2]'"
        ) from missing
    # Its postprocessing wants a compiled extension; the rest of it is asked for by name.
    wanted = [
        f"++model.sam_mask_decoder_extra_args.dynamic_multimask_{name}"
        for name in ("via_stability=true", "stability_delta=0.05", "stability_thresh=0.98")
    ]
    wanted.append("++model.binarize_mask_from_pts_for_mem_enc=true")
    try:
        built = build.build_sam2_video_predictor(
            configuration,
            str(checkpoint),
            device="cpu",
            hydra_overrides_extra=wanted,
            apply_postprocessing=False,
        )
    except RuntimeError as fault:
        if not str(fault).startswith(_NO_MATCH):
            raise
        raise MaskError(
            f"{checkpoint}: lacks weights of {configuration}, or is damaged; download it again"
        ) from fault
    try:
        return built.to(device)
    except RuntimeError as fault:
        if isinstance(fault, torch.OutOfMemoryError):
            raise
        why = str(fault).splitlines()[0]
        raise MaskError(f"device {str(device)!r}: {why}; take --device cpu") from fault


def _declare_operators() -> None:
    """Let torchvision be imported beside a PyTorch that its compiled part is not made for.

    It then describes operators that nobody has declared. SAM 2 uses none of them.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in ("nms", "qnms"):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            torch.library.define(f"torchvision::{name}", signature)
        importlib.import_module("torchvision")


def _plain(items: Iterable[Any], **_: Any) -> Iterable[Any]:
    return items


def _device(name: str) -> torch.device:
    there = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if there else "cpu")
    if name == "cuda" and not there:
        raise MaskError("device 'cuda': PyTorch sees no CUDA device; take 'cpu'")
    return torch.device(name)
