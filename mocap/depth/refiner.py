"""The refiner for users: numpy in, numpy out; a pose, many poses, or somebody's track over time."""

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.depth.checkpoint import read_checkpoint
from mocap.depth.given import USUAL_ELEVATION_SIGMA, Given, checked
from mocap.depth.network import DepthNetwork, Refinement
from mocap.depth.stage import shipped_refiner
from mocap.depth.tracing import TracedNetwork
from mocap.depth.windows import Blend, windows
from mocap.errors import CheckpointError
from mocap.geometry import view_angles
from mocap.skeletons import COCO_17

# What `mocap train depth` calls the model in the folder of a run.
_MODEL = "model.safetensors"
# No track is slower, seconds a frame.
_SLOWEST = 0.5
_log = logging.getLogger(__name__)
# Poses that go through the network at once: few enough to stay in a processor's cache.
_AT_ONCE = {"cpu": 256, "cuda": 16384}
_MIRROR = list(COCO_17.mirror)
_ACROSS = torch.tensor([-1.0, 1.0, 1.0])
# What is said of a frame: points, sigma, camera.
_POINTS, _SIGMA, _CAMERA = slice(0, 51), slice(51, 68), slice(68, 71)
_SAID = 71


@dataclass(frozen=True)
class RefinedPoses:
    """Refined poses of COCO's 17 points, with the same leading axes as what was given.

    NaN where nothing of a frame was seen, numbers everywhere else.

    Attributes:
        xyz: (…, 17, 3) metres from the hips' middle, axes of a camera that faces the person: x
            right, y down, z away.
        sigma: (…, 17) root mean square of the distance to be expected from the truth, metres.
        azimuth: (…,) radians; from where the person is seen: 0 from its front, positive from its
            left.
        elevation: (…,) radians; 0 from the height of its hips, positive from above.
        camera_relative: (…, 3) the camera from the hips' middle, metres, in the person's heading
            axes: x to its left, y up, z to its front.
    """

    xyz: Float[np.ndarray, "*frames 17 3"]
    sigma: Float[np.ndarray, "*frames 17"]
    azimuth: Float[np.ndarray, "*frames"]
    elevation: Float[np.ndarray, "*frames"]
    camera_relative: Float[np.ndarray, "*frames 3"]


class DepthRefiner:
    """A trained network at work.

    Args:
        network: the network.
        device: to run it on.
        mirrored: whether to look at every pose in the mirror too, and take the mean of both: twice
            the work for a little more accuracy, and left and right alike.
        traced: whether to run the network without Python: a single pose in half the time, after
            a second or so of preparation at first use. For live pictures.
        sha256: of the checkpoint, for the record.
    """

    def __init__(
        self,
        network: DepthNetwork,
        *,
        device: str | torch.device = "cpu",
        mirrored: bool = False,
        traced: bool = False,
        sha256: str = "",
    ) -> None:
        self.device = torch.device(device)
        self.network = network.to(self.device).eval()
        self.mirrored = mirrored
        self.sha256 = sha256
        self._traced: dict[int, TracedNetwork] | None = {} if traced else None

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        device: str = "cpu",
        *,
        single_frame: bool = False,
        mirrored: bool = False,
        traced: bool = False,
    ) -> "DepthRefiner":
        """Load a checkpoint.

        Args:
            path: a file that ``mocap train depth`` made, or its folder; the shipped one if None.
            device: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` …; ``"auto"`` for a GPU where there is one.
            single_frame: whether, of the shipped ones, that is wanted which sees every pose alone:
                less accurate on tracks, and much quicker on live pictures and single poses.
            mirrored: as for the class.
            traced: as for the class.

        Raises:
            CheckpointError: the file is missing, damaged, something else, or of another version,
                or there is no such device.
        """
        chosen = _device(device)
        path = shipped_refiner(single_frame=single_frame) if path is None else path
        if path is None:
            kind = "single-frame depth refiner" if single_frame else "depth refiner"
            raise CheckpointError(
                f"no {kind} is shipped with this program; `mocap train depth` makes one"
            )
        path = Path(path)
        checkpoint = read_checkpoint(path / _MODEL if path.is_dir() else path)
        network = checkpoint.network()
        return cls(
            network, device=chosen, mirrored=mirrored, traced=traced, sha256=checkpoint.sha256
        )

    def refine(
        self,
        xy: Float[np.ndarray, "*frames points 2"],
        xyz: Float[np.ndarray, "*frames points 3"],
        confidence: Float[np.ndarray, "*frames points"],
        times: Float[np.ndarray, " frames"] | None = None,
        *,
        elevation: float | Float[np.ndarray, "*frames"] | None = None,
        elevation_sigma: float | Float[np.ndarray, "*frames"] = USUAL_ELEVATION_SIGMA,
    ) -> RefinedPoses:
        """Refine one pose, or many that have nothing to do with each other.

        Points are COCO's 17 or MediaPipe's 33; missing ones are NaN, or have no confidence.

        Args:
            xy: (points, 2) or (N, points, 2) pixels of any picture, y down.
            xyz: (points, 3) or (N, points, 3) the detector's metres from the hips' middle, x
                right, y down, z away.
            confidence: (points,) or (N, points) in [0, 1].
            times: (N,) seconds, if the poses are one person's track: then as
                :meth:`refine_track`.
            elevation: () or (N,) radians: how high above the level of the hips the camera is, as
                seen from there, if anything tells: a level, gravity found in the picture, a
                calibration. NaN where unknown.
            elevation_sigma: () or (N,) radians: how far off that may be.

        Raises:
            ValueError: shapes do not fit each other, or units are others.
        """
        if times is not None:
            return self.refine_track(
                xy,
                xyz,
                confidence,
                times,
                elevation=elevation,
                elevation_sigma=elevation_sigma,
            )
        given = checked(xy, xyz, confidence, elevation, elevation_sigma)
        single = given[0].ndim == 2
        many = Given(*(part[None] for part in given)) if single else given
        said = self._said_of_each(many)
        return _poses(said[0] if single else said, given)

    def refine_track(
        self,
        xy: Float[np.ndarray, "frames points 2"],
        xyz: Float[np.ndarray, "frames points 3"],
        confidence: Float[np.ndarray, "frames points"],
        times: Float[np.ndarray, " frames"],
        *,
        elevation: float | Float[np.ndarray, " frames"] | None = None,
        elevation_sigma: float | Float[np.ndarray, " frames"] = USUAL_ELEVATION_SIGMA,
    ) -> RefinedPoses:
        """Refine one person's poses over time, each with the help of those around it.

        Args:
            xy: as for :meth:`refine`; frames in which nobody was seen are NaN, or left out.
            xyz: as for :meth:`refine`.
            confidence: as for :meth:`refine`.
            times: seconds, rising.
            elevation: as for :meth:`refine`.
            elevation_sigma: as for :meth:`refine`.

        Raises:
            ValueError: shapes do not fit each other, times do not rise, or units are others.
        """
        given = checked(xy, xyz, confidence, elevation, elevation_sigma)
        times = np.asarray(times, float)
        if given.xy.ndim != 3 or times.shape != given.xy.shape[:1]:
            raise ValueError(f"a track of points {given.xy.shape}, but times {times.shape}")
        if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
            raise ValueError("times must be finite and rise")
        if len(times) > 1 and (step := float(np.median(np.diff(times)))) > _SLOWEST:
            _log.warning("frames are %g s apart: seconds are wanted; are times in ms?", step)
        config = self.network.config
        if config.frames == 1:
            return _poses(self._said_of_each(given), given)
        mean = Blend(len(times), _SAID)
        chosen = windows(times, config.frames, config.rate)
        for some in self._portions(chosen):
            # Far from a long track's beginning, times are too coarse in single precision.
            seconds = (times[some] - times[some[:, :1]]).astype(np.float32)
            # What is beyond a track's end has no confidence, and so is missing.
            parts = Given(*(part[some] for part in given))
            parts.confidence[some < 0] = 0.0
            mean.add(self._said(parts, seconds), some)
        return _poses(mean.mean(), given)

    def _said_of_each(self, given: Given) -> Float[np.ndarray, "frames said"]:
        """What the network says of poses that are windows of their own."""
        said = np.zeros((len(given.xy), _SAID), np.float32)
        for some in self._portions(np.arange(len(said))):
            parts = Given(*(part[some, None] for part in given))
            said[some] = self._said(parts, np.zeros((len(some), 1), np.float32))[:, 0]
        return said

    def _portions(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Rows of frames in as many as go through the network at once."""
        size = max(1, _AT_ONCE.get(self.device.type, 256) // math.prod(rows.shape[1:]))
        yield from (rows[first : first + size] for first in range(0, len(rows), size))

    def _said(
        self, given: Given, seconds: Float[np.ndarray, "windows frames"]
    ) -> Float[np.ndarray, "windows frames said"]:
        """Points, sigma and camera, side by side, of some windows."""
        told = (given.elevation,) if self.network.config.elevation else ()
        parts = (given.xy, given.xyz, given.confidence, seconds, *told)
        with torch.inference_mode():
            xy, xyz, confidence, *rest = (torch.from_numpy(p).to(self.device) for p in parts)
            network = self._runner(xy.shape[1])
            said = _side_by_side(network(xy, xyz, confidence, *rest))
            if self.mirrored:
                flipped = network(_flipped(xy), _flipped(xyz), confidence[..., _MIRROR], *rest)
                back = Refinement(
                    _flipped(flipped.xyz),
                    flipped.sigma[..., _MIRROR],
                    flipped.camera_relative * _ACROSS.to(flipped.camera_relative),
                )
                said = 0.5 * (said + _side_by_side(back))
            return said.cpu().numpy()

    def _runner(self, frames: int) -> Callable[..., Refinement]:
        if self._traced is None:
            return self.network
        if frames not in self._traced:
            self._traced[frames] = TracedNetwork(self.network, frames)
        return self._traced[frames]


def _device(name: str) -> torch.device:
    """A device that is there; CheckpointError if it is not."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if there else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise CheckpointError(f"device {name!r} is none of auto, cpu, cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise CheckpointError(f"device {name!r} is none of auto, cpu, cuda")
    if device.type == "cuda" and (device.index or 0) >= there:
        raise CheckpointError(f"device {name!r}: PyTorch sees {there} CUDA devices; take 'cpu'")
    return device


def _side_by_side(refined: Refinement) -> Tensor:
    return torch.cat([refined.xyz.flatten(2), refined.sigma, refined.camera_relative], -1)


def _flipped(points: Tensor) -> Tensor:
    """The mirrored person's points in the mirrored picture."""
    return points[..., _MIRROR, :] * _ACROSS[: points.shape[-1]].to(points)


def _poses(said: Float[np.ndarray, "*frames said"], given: Given) -> RefinedPoses:
    """What was said, by its names, in single precision; NaN where nothing had been seen."""
    with np.errstate(invalid="ignore"):
        known = np.isfinite(given.xy).all(-1) | np.isfinite(given.xyz).all(-1)
        seen = np.any(known & (given.confidence > 0), axis=-1)
    said = np.where(seen[..., None], said, np.nan)
    xyz = said[..., _POINTS].reshape(*seen.shape, len(COCO_17), 3)
    parts = (xyz, said[..., _SIGMA], *view_angles(said[..., _CAMERA]), said[..., _CAMERA])
    return RefinedPoses(*(np.asarray(part, np.float32) for part in parts))
