"""What there is in many pairs, in figures that add up: no more than one part is in memory."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Int

from mocap.datasets.pairs.record import Pairs
from mocap.skeletons import COCO_17

#: From where a camera sees a person: azimuths in eighths of a turn about these, from the front
#: over the person's left.
AZIMUTHS = (
    "front",
    "front left",
    "left",
    "back left",
    "back",
    "back right",
    "right",
    "front right",
)
#: Borders of the elevations, degrees.
ELEVATIONS = (-90, -30, -15, 0, 15, 30, 45, 90)
#: Shoulders, elbows, wrists, hips, knees and ankles.
LIMBS = tuple(range(COCO_17.index("left_shoulder"), len(COCO_17)))


@dataclass(frozen=True)
class Summary:
    """Figures of pairs; the sum of two is that of both together.

    Attributes:
        pairs: how many.
        pairs_of: the same by what they are for; "" where that is not known.
        sequences_of: sequences by what they are for.
        arrays: in how many pairs each array is known, that is finite.
        views: pairs by elevation (:data:`ELEVATIONS`) and azimuth (:data:`AZIMUTHS`).
        confidence_sum: of the detector's confidence over all points.
        error_sum: of each point's distance between detector and truth, metres, over all pairs.
        depth_error_sum: of the part of it along the line of sight.
    """

    pairs: int = 0
    pairs_of: Counter[str] = field(default_factory=Counter)
    sequences_of: Counter[str] = field(default_factory=Counter)
    arrays: Counter[str] = field(default_factory=Counter)
    views: Int[np.ndarray, "elevations azimuths"] = field(
        default_factory=lambda: np.zeros((len(ELEVATIONS) - 1, len(AZIMUTHS)), int)
    )
    confidence_sum: float = 0.0
    error_sum: np.ndarray = field(default_factory=lambda: np.zeros(len(COCO_17)))
    depth_error_sum: np.ndarray = field(default_factory=lambda: np.zeros(len(COCO_17)))

    @classmethod
    def of(cls, pairs: Pairs) -> "Summary":
        """The figures of some pairs."""
        off = pairs.corrupted.astype(float) - pairs.ground_truth
        if pairs.sequence is None:
            pairs_of, sequences_of = Counter({"": len(pairs)}), Counter[str]()
        else:
            splits = np.array(pairs.splits, np.str_)
            names, counts = np.unique(splits[pairs.sequence], return_counts=True)
            pairs_of = Counter(dict(zip(names.tolist(), counts.tolist(), strict=True)))
            sequences_of = Counter(pairs.splits)
        return cls(
            pairs=len(pairs),
            pairs_of=+pairs_of,
            sequences_of=sequences_of,
            arrays=+Counter({name: _known(getattr(pairs, name)) for name in pairs.present}),
            views=_views(pairs),
            confidence_sum=float(pairs.visibility.sum(dtype=float)),
            error_sum=np.linalg.norm(off, axis=-1).sum(0),
            depth_error_sum=np.abs(off[..., 2]).sum(0),
        )

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(
            pairs=self.pairs + other.pairs,
            pairs_of=self.pairs_of + other.pairs_of,
            sequences_of=self.sequences_of + other.sequences_of,
            arrays=self.arrays + other.arrays,
            views=self.views + other.views,
            confidence_sum=self.confidence_sum + other.confidence_sum,
            error_sum=self.error_sum + other.error_sum,
            depth_error_sum=self.depth_error_sum + other.depth_error_sum,
        )

    @cached_property
    def confidence(self) -> float:
        """Mean confidence of the detector; NaN of no pairs."""
        return self.confidence_sum / (self.pairs * len(COCO_17)) if self.pairs else float("nan")

    @cached_property
    def mpjpe_mm(self) -> float:
        """Mean error of the detector's points, hips-centred, millimetres."""
        return self._mean_mm(self.error_sum)

    @cached_property
    def limbs_mpjpe_mm(self) -> float:
        """The same of the twelve points of limbs and torso only."""
        return self._mean_mm(self.error_sum[list(LIMBS)])

    @cached_property
    def depth_error_mm(self) -> float:
        """Mean error of the detector's points along the line of sight, millimetres."""
        return self._mean_mm(self.depth_error_sum)

    def _mean_mm(self, sums: np.ndarray) -> float:
        return 1000 * float(np.mean(sums)) / self.pairs if self.pairs else float("nan")


def _known(values: np.ndarray) -> int:
    return int(np.isfinite(values).all(tuple(range(1, values.ndim))).sum())


def _views(pairs: Pairs) -> np.ndarray:
    eighths = np.round(pairs.azimuth.astype(float) / (np.pi / 4)).astype(int) % len(AZIMUTHS)
    inner = np.deg2rad(ELEVATIONS[1:-1])
    rows = np.searchsorted(inner, pairs.elevation.astype(float), side="right")
    counts = np.zeros((len(ELEVATIONS) - 1, len(AZIMUTHS)), int)
    np.add.at(counts, (rows, eighths), 1)
    return counts
