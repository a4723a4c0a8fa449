"""What a robot's trajectory is held to: figures of its report, what they mean, and their limits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """A figure and its limit.

    Attributes:
        name: group and figure, as a report's JSON has them.
        words: what it is, for people.
        unit: what it is counted in.
        limit: the most that it may be, or the least.
        is_least: whether the limit is the least.
    """

    name: str
    words: str
    unit: str
    limit: float
    is_least: bool = False

    def value(self, figures: Mapping[str, Mapping[str, Any]]) -> float | None:
        """The figure of a report; None where there was nothing to measure."""
        group, figure = self.name.split(".")
        return figures[group][figure] if group in figures else None

    def passes(self, value: float | None) -> bool:
        """Whether a figure is within the limit; whatever is not a number is not."""
        if value is None:
            return True
        return value >= self.limit if self.is_least else value <= self.limit

    def told(self, value: float, digits: int = 3) -> str:
        """A figure with its unit."""
        return f"{value:.{digits}g}{self._unit}"

    def bound(self) -> str:
        """The limit with its unit."""
        return f"{'at least' if self.is_least else 'at most'} {self.limit:g}{self._unit}"

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit.isalpha() else self.unit


@dataclass(frozen=True)
class Failure:
    """What is wrong with a trajectory.

    Attributes:
        figure: by name, value and limit, as programs look it up.
        words: the same for people.
    """

    figure: str
    words: str


CHECKS = (
    Check("tracking.segments_mean_deg", "bones point elsewhere than the person's", "°", 15.0),
    Check("tracking.segments_worst_mean_deg", "the bone that does so most", "°", 30.0),
    Check("tracking.worst_second_deg", "bones off, the worst second", "°", 30.0),
    Check("tracking.shake_deg", "a bone shakes more than the person's", "°", 0.4),
    Check("tracking.bearings_mean_deg", "pelvis, chest and feet are turned otherwise", "°", 25.0),
    Check("tracking.pelvis_mean_mm", "the pelvis is elsewhere", "mm", 80.0),
    Check("joints.beyond_limits_deg", "joints beyond their limits", "°", 0.01),
    Check("joints.speed_of_limit", "quickest joint, of what it may", "", 1.0001),
    Check(
        "joints.acceleration_of_limit",
        "hardest acceleration of a joint, of what it may",
        "",
        1.0001,
    ),
    Check("jumps.frames", "frames with a jump of a joint", "", 0.0),
    Check("jumps.base_frames", "frames with a jump of the base", "", 0.0),
    Check("feet.slide_max_mm", "resting feet slide in a frame", "mm", 2.0),
    Check("feet.drift_max_mm", "resting feet drift in a rest", "mm", 10.0),
    Check("feet.floating_max_mm", "resting feet float", "mm", 5.0),
    Check("feet.sunk_max_mm", "resting feet are in what they rest on", "mm", 10.0),
    Check("feet.lift_error_mean_mm", "feet are higher or lower than the person's", "mm", 25.0),
    Check("ground.penetration_max_mm", "deepest in the ground", "mm", 1.0),
    Check("ground.nearest_mm", "nearest to the ground", "mm", 20.0),
    Check("self_collision.frames", "frames in which the robot is in itself", "", 0.0),
    Check("tracking.motion", "bones move, of what the person's do", "", 0.6, is_least=True),
    Check("tracking.explained", "of the person's movement is the robot's", "", 0.5, is_least=True),
)


def failures_of(figures: Mapping[str, Mapping[str, Any]]) -> Iterator[Failure]:
    """The checks that figures do not pass."""
    for check in CHECKS:
        value = check.value(figures)
        if value is not None and not check.passes(value):
            word = "least" if check.is_least else "most"
            yield Failure(
                f"{check.name} is {value:.4g}, {check.limit:g} at {word}",
                f"{check.words}: {check.told(value, 5)}, {check.bound()}",
            )
