"""The benchmark's figures: one camera's, the mean of all, as a table and as plain data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mocap.cli.console import note, say, show
from mocap.cli.evaluate import figure, joint_table, of, plain_table

if TYPE_CHECKING:
    from mocap.evaluate import PersonAccuracy, PersonQuality, Report, Truth


@dataclass(frozen=True)
class CameraResult:
    """One camera's figures.

    Attributes:
        name: the camera.
        fit_ms_per_person_frame: what the fit took.
        report: of the take, its sides put right and its bodies fitted.
        detector: of the detector's points as they came, sides and all.
    """

    name: str
    fit_ms_per_person_frame: float
    report: "Report"
    detector: "Report"

    @property
    def accuracy(self) -> "PersonAccuracy":
        """Of the one person who all cameras look at."""
        assert self.report.comparison is not None
        return self.report.comparison.people[0]

    @property
    def raw(self) -> "PersonAccuracy":
        """The same of the detector alone."""
        assert self.detector.comparison is not None
        return self.detector.comparison.people[0]

    @property
    def quality(self) -> "PersonQuality":
        """What needs no truth, of the same person."""
        wanted = self.accuracy.person
        return next(one for one in self.report.people if one.person == wanted)


def figures(one: CameraResult) -> dict[str, float]:
    """A camera's figures by name, units in the names; NaN where there is none."""
    raw, cured, fit = one.raw.detector, one.accuracy.detector_turned, one.accuracy.fit
    refined = one.accuracy.refined
    quality, feet = one.quality, one.quality.feet
    jitters = [of(part, "jitter_10m_per_s3") for part in (quality.detector, quality.fit)]
    world = one.accuracy.world[0] if one.accuracy.world else None
    return {
        "detector_mpjpe_mm": of(raw, "mpjpe_camera_axes_mm"),
        "detector_pa_mpjpe_mm": of(raw, "pa_mpjpe_mm"),
        "sides_right_mpjpe_mm": of(cured, "mpjpe_camera_axes_mm"),
        "sides_right_pa_mpjpe_mm": of(cured, "pa_mpjpe_mm"),
        "refined_mpjpe_mm": of(refined, "mpjpe_camera_axes_mm"),
        "refined_pa_mpjpe_mm": of(refined, "pa_mpjpe_mm"),
        "fit_mpjpe_mm": of(fit, "mpjpe_camera_axes_mm"),
        "fit_pa_mpjpe_mm": of(fit, "pa_mpjpe_mm"),
        "fit_mpjpe_world_up_to_heading_mm": of(fit, "mpjpe_world_up_to_heading_mm"),
        "fit_w_mpjpe_100_frames_mm": of(world, "w_mpjpe_mm"),
        "fit_wa_mpjpe_100_frames_mm": of(world, "wa_mpjpe_mm"),
        "tilt_error_degrees": of(one.report.comparison, "tilt_error_degrees"),
        "detector_sides_exchanged_percent": 100 * of(raw, "swapped_share"),
        "fit_sides_exchanged_percent": 100 * of(fit, "swapped_share"),
        "jitter_detector_over_fit": jitters[0] / jitters[1] if jitters[1] else float("nan"),
        "fit_jitter_10m_per_s3": jitters[1],
        "fit_bone_variation_percent": of(quality.fit, "bone_variation_percent"),
        "reprojection_px": of(quality.reprojection, "mean_px"),
        "foot_slide_mm_per_frame": of(feet, "foot_slide_mm_per_frame"),
        "contact_height_mean_mm": of(feet, "contact_height_mean_mm"),
        "penetration_deepest_mm": of(feet, "penetration_deepest_mm"),
        "penetration_mean_mm": of(feet, "penetration_mean_mm"),
        "fit_ms_per_person_frame": one.fit_ms_per_person_frame,
    }


def averages(results: list[CameraResult]) -> dict[str, float]:
    """The mean of the cameras for every figure."""
    import numpy as np

    from mocap.evaluate import mean

    listed = [figures(one) for one in results]
    return {name: mean(np.array([one[name] for one in listed])) for name in listed[0]}


def as_json(results: list[CameraResult], truth: "Truth") -> dict[str, Any]:
    """Everything measured, as plain data."""
    from mocap.evaluate import plain

    return {
        "clip": "four_camera_clip",
        "truth": truth.path,
        "fps": results[0].quality.fps,
        "mean": plain(averages(results)),
        "cameras": {
            one.name: {
                "figures": plain(figures(one)),
                "take": one.report.as_json(),
                "detector": one.detector.as_json(),
            }
            for one in results
        },
    }


_TITLES = {
    "detector_mpjpe_mm": "detector MPJPE, camera axes (mm)",
    "detector_pa_mpjpe_mm": "detector PA-MPJPE (mm)",
    "sides_right_mpjpe_mm": "  sides put right: MPJPE (mm)",
    "sides_right_pa_mpjpe_mm": "  sides put right: PA-MPJPE (mm)",
    "refined_mpjpe_mm": "  depth refined: MPJPE (mm)",
    "refined_pa_mpjpe_mm": "  depth refined: PA-MPJPE (mm)",
    "fit_mpjpe_mm": "fit MPJPE, camera axes (mm)",
    "fit_pa_mpjpe_mm": "fit PA-MPJPE (mm)",
    "fit_mpjpe_world_up_to_heading_mm": "fit MPJPE, world up to heading (mm)",
    "fit_w_mpjpe_100_frames_mm": "fit W-MPJPE, 100 frames (mm)",
    "fit_wa_mpjpe_100_frames_mm": "fit WA-MPJPE, 100 frames (mm)",
    "tilt_error_degrees": "tilt of up (°)",
    "detector_sides_exchanged_percent": "detector, frames with sides exchanged (%)",
    "fit_sides_exchanged_percent": "fit, frames with sides exchanged (%)",
    "jitter_detector_over_fit": "jitter, detector over fit",
    "fit_jitter_10m_per_s3": "fit jitter (10 m/s³)",
    "fit_bone_variation_percent": "fit bone variation (%)",
    "reprojection_px": "reprojection (px)",
    "foot_slide_mm_per_frame": "foot slide in contact (mm/frame)",
    "contact_height_mean_mm": "contact to ground, mean (mm)",
    "penetration_deepest_mm": "sunk, deepest (mm)",
    "penetration_mean_mm": "sunk, mean (mm)",
    "fit_ms_per_person_frame": "fit (ms a person and frame)",
}


def show_results(results: list[CameraResult], truth: "Truth") -> None:
    """Print the figures of every camera, and every joint's."""
    say(f"12 limb joints at {results[0].quality.fps:g} frames/s against {truth.path}")
    table = plain_table(["", *(one.name for one in results), "mean"])
    listed, means = [figures(one) for one in results], averages(results)
    for name, title in _TITLES.items():
        digits = 2 if name.endswith(("per_frame", "variation_percent")) else 1
        values = [figure(one[name], digits) for one in listed]
        table.add_row(title, *values, figure(means[name], digits))
    show(table)
    say("")
    columns = {}
    for one in results:
        poses = {
            "detector": one.raw.detector,
            "refined": one.accuracy.refined,
            "fit": one.accuracy.fit,
        }
        for title, pose in poses.items():
            if pose is not None:
                columns[f"{one.name} {title}"] = {
                    joint: errors.camera_axes_mm for joint, errors in pose.joints.items()
                }
    show(joint_table(columns))
    for one in results:
        if one.quality.problems:
            note(f"{one.name}: {'; '.join(one.quality.problems)}", "yellow")
