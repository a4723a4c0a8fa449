"""How good 3D poses and viewpoints are, raw and refined, overall and by where the camera stands.

Poses are COCO-17 in metres from the middle of the hips, in facing axes; the camera's place is in
heading axes from the same point. See :mod:`mocap.evaluate.depth_errors` for each error.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from mocap.errors import MocapError
from mocap.evaluate import depth_errors as errors
from mocap.evaluate.averages import mean, percentile, row_means
from mocap.evaluate.report import plain
from mocap.geometry import view_angles

#: Borders of the bins, degrees: the full circle of azimuths, and elevations.
AZIMUTHS = tuple(range(-180, 181, 30))
ELEVATIONS = (-90, -10, 10, 30, 90)
#: Samples from which on a bin's mean says something.
ENOUGH = 50


@dataclass(frozen=True)
class DepthPoses:
    """Poses that somebody claims, and what else they claim.

    Attributes:
        xyz: (F, 17, 3) metres, hips-centred, facing axes; NaN is missing.
        camera: (F, 3) where the camera is, heading axes, any length; None if nothing is claimed,
            and then what the torsos tell of it is measured.
        sigma: (F, 17) expected root mean square error of each point's position, metres.
    """

    xyz: Float[np.ndarray, "frames 17 3"]
    camera: Float[np.ndarray, "frames 3"] | None = None
    sigma: Float[np.ndarray, "frames 17"] | None = None


@dataclass(frozen=True)
class DepthAccuracy:
    """Errors of poses: millimetres, shares of 1 and degrees; NaN where there is nothing to tell.

    Attributes:
        mpjpe_mm: of the twelve limb joints, hips' middles laid on each other.
        pa_mpjpe_mm: the same after a similarity a frame.
        depth_mm: mean absolute error along the viewing axis.
        image_plane_mm: mean distance across it.
        wrong_arms: share of upper and lower arms that go the wrong way in depth, of those whose
            true extent is above 5 cm; likewise thighs and shanks.
        bone_variation: standard deviation over mean of bones' lengths, as a share of the true.
        camera_median_degrees: angle between the claimed and the true direction to the camera.
        camera_p90_degrees: its 90th percentile.
        azimuth_median_degrees: absolute error about the vertical.
        elevation_median_degrees: absolute error above the horizon.
        within_one_sigma: share of limb joints that are no farther off than their sigma says; 0.67
            of errors whose density falls exponentially with distance, as the refiner's are meant
            to, and 0.61 of Gaussian ones.
        within_two_sigma: within twice that; 0.97, or 0.99 of Gaussian ones.
    """

    samples: int
    mpjpe_mm: float
    pa_mpjpe_mm: float
    depth_mm: float
    image_plane_mm: float
    wrong_arms: float
    wrong_thighs: float
    wrong_shanks: float
    bone_variation: float
    camera_median_degrees: float
    camera_p90_degrees: float
    azimuth_median_degrees: float
    elevation_median_degrees: float
    within_one_sigma: float
    within_two_sigma: float


@dataclass(frozen=True)
class DepthBin:
    """Samples seen from one range of directions.

    Attributes:
        azimuth: from and to, degrees; None if all are in it.
        elevation: likewise.
        raw: of the detector.
        refined: of the refiner, if one was measured.
    """

    azimuth: tuple[int, int] | None
    elevation: tuple[int, int] | None
    raw: DepthAccuracy
    refined: DepthAccuracy | None

    @property
    def enough(self) -> bool:
        """Whether its means say something."""
        return self.raw.samples >= ENOUGH

    @property
    def better(self) -> bool:
        """Whether the refined poses are nearer to the truth than the raw ones."""
        return self.refined is not None and self.refined.mpjpe_mm < self.raw.mpjpe_mm


@dataclass(frozen=True)
class DepthReport:
    """All samples, and those of each azimuth, each elevation, and each pair of them."""

    overall: DepthBin
    azimuths: tuple[DepthBin, ...]
    elevations: tuple[DepthBin, ...]
    cells: tuple[DepthBin, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data; units are in the names, what is not known is None."""
        return plain(asdict(self))


def evaluate_depth(
    true: DepthPoses,
    raw: DepthPoses,
    refined: DepthPoses | None = None,
    *,
    sequence: Int[np.ndarray, " frames"] | None = None,
) -> DepthReport:
    """Measure poses against the truth.

    Args:
        true: poses, and the camera's true places.
        raw: the detector's poses.
        refined: the refiner's.
        sequence: which frames are of one body's motion.

    Raises:
        MocapError: there are no frames, or not as many of each.
        ValueError: the truth does not tell the camera's places.
    """
    places = _true_places(true)
    if not len(true.xyz):
        raise MocapError("there are no poses to measure")
    claims = [_Errors.of(poses, true) for poses in (raw, refined) if poses is not None]
    whose = np.zeros(len(true.xyz), int) if sequence is None else np.asarray(sequence)

    def bin_of(
        chosen: np.ndarray,
        azimuth: tuple[int, int] | None = None,
        elevation: tuple[int, int] | None = None,
    ) -> DepthBin:
        found = [claim.summary(chosen, true.xyz, whose) for claim in claims]
        return DepthBin(azimuth, elevation, found[0], found[1] if refined else None)

    angles = [np.rad2deg(part) for part in view_angles(places)]
    azimuths = list(_ranges(angles[0], AZIMUTHS))
    elevations = list(_ranges(angles[1], ELEVATIONS))
    return DepthReport(
        bin_of(np.ones(len(true.xyz), bool)),
        tuple(bin_of(inside, azimuth=limits) for limits, inside in azimuths),
        tuple(bin_of(inside, elevation=limits) for limits, inside in elevations),
        tuple(bin_of(a & e, at, up) for at, a in azimuths for up, e in elevations),
    )


def measure_depth(
    true: DepthPoses,
    claimed: DepthPoses,
    *,
    sequence: Int[np.ndarray, " frames"] | None = None,
) -> DepthAccuracy:
    """Measure poses against the truth, all at once; see :func:`evaluate_depth`.

    Raises:
        MocapError: there are not as many of each.
        ValueError: the truth does not tell the camera's places.
    """
    whose = np.zeros(len(true.xyz), int) if sequence is None else np.asarray(sequence)
    everything = np.ones(len(true.xyz), bool)
    return _Errors.of(claimed, true).summary(everything, true.xyz, whose)


def _true_places(true: DepthPoses) -> Float[np.ndarray, "frames 3"]:
    if true.camera is None:
        raise ValueError("the truth needs the camera's places")
    return true.camera


def _ranges(
    degrees: Float[np.ndarray, " frames"], borders: tuple[int, ...]
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Pairs of borders and which samples lie between them; the last takes its upper border in."""
    for low, high in itertools.pairwise(borders):
        below = degrees <= high if high == borders[-1] else degrees < high
        yield (low, high), (degrees >= low) & below


@dataclass(frozen=True)
class _Errors:
    """Errors of every frame, from which those of any choice of frames are summed up."""

    xyz: np.ndarray
    limbs: np.ndarray
    procrustes: np.ndarray
    depth: np.ndarray
    across: np.ndarray
    signs: dict[str, np.ndarray]
    camera: np.ndarray
    azimuth: np.ndarray
    elevation: np.ndarray
    sigmas: np.ndarray

    @classmethod
    def of(cls, claimed: DepthPoses, true: DepthPoses) -> _Errors:
        places = _true_places(true)
        if len(claimed.xyz) != len(true.xyz):
            raise MocapError(f"{len(claimed.xyz)} poses are compared with {len(true.xyz)} true")
        limbs = errors.limb_errors(claimed.xyz, true.xyz)
        depth, across = errors.axis_errors(claimed.xyz, true.xyz)
        camera = claimed.camera
        if camera is None:
            camera = errors.torso_directions(claimed.xyz)
        gaps = [
            np.abs(errors.turn(one - other))
            for one, other in zip(view_angles(camera), view_angles(places), strict=True)
        ]
        sigma = np.full(true.xyz.shape[:2], np.nan) if claimed.sigma is None else claimed.sigma
        return cls(
            xyz=claimed.xyz,
            limbs=limbs,
            procrustes=errors.limb_procrustes_errors(claimed.xyz, true.xyz),
            depth=depth,
            across=across,
            signs={
                name: errors.wrong_signs(claimed.xyz, true.xyz, bones)
                for name, bones in errors.DEPTH_BONES.items()
            },
            camera=errors.direction_errors(camera, places),
            azimuth=gaps[0],
            elevation=gaps[1],
            sigmas=limbs / np.maximum(sigma[:, errors.LIMB_POINTS], 1e-9),
        )

    def summary(self, chosen: np.ndarray, true: np.ndarray, sequence: np.ndarray) -> DepthAccuracy:
        degrees = 180.0 / np.pi
        sigmas = self.sigmas[chosen]
        sigmas = sigmas[np.isfinite(sigmas)]
        return DepthAccuracy(
            samples=int(chosen.sum()),
            mpjpe_mm=mean(row_means(self.limbs[chosen]), times=1e3),
            pa_mpjpe_mm=mean(row_means(self.procrustes[chosen]), times=1e3),
            depth_mm=mean(row_means(self.depth[chosen]), times=1e3),
            image_plane_mm=mean(row_means(self.across[chosen]), times=1e3),
            wrong_arms=mean(self.signs["arms"][chosen]),
            wrong_thighs=mean(self.signs["thighs"][chosen]),
            wrong_shanks=mean(self.signs["shanks"][chosen]),
            bone_variation=errors.bone_variation_share(
                self.xyz[chosen], true[chosen], sequence[chosen]
            ),
            camera_median_degrees=percentile(self.camera[chosen], 50, times=degrees),
            camera_p90_degrees=percentile(self.camera[chosen], 90, times=degrees),
            azimuth_median_degrees=percentile(self.azimuth[chosen], 50, times=degrees),
            elevation_median_degrees=percentile(self.elevation[chosen], 50, times=degrees),
            within_one_sigma=mean((sigmas <= 1.0).astype(float)),
            within_two_sigma=mean((sigmas <= 2.0).astype(float)),
        )
