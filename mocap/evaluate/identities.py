"""Who of the truth is who of the take, and how often that changes.

Identity switches are those of CLEAR MOT (Bernardin and Stiefelhagen 2008): a match that still
holds is kept, the rest is dealt out by least distance, and a person of the truth who is matched
to somebody else than last is a switch.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment


@dataclass(frozen=True)
class IdentityReport:
    """How truth people and found people go together over time.

    Attributes:
        switches: how often somebody of the truth is matched to another than last.
        matched_share: share of the truth's appearances that are matched to anybody.
        false_share: share of the take's appearances that match nobody of the truth, who may just
            not be in the truth.
    """

    switches: int
    matched_share: float
    false_share: float


@dataclass(frozen=True)
class Sightings:
    """How far apart truth people and found people are in every frame.

    Attributes:
        distances: in any unit; NaN where either is not there.
        true_there: whether somebody of the truth is there.
        found_there: whether somebody found is there.
    """

    distances: Float[np.ndarray, "frames true found"]
    true_there: Bool[np.ndarray, "frames true"]
    found_there: Bool[np.ndarray, "frames found"]


def assign(costs: Float[np.ndarray, "true found"], limit: float) -> dict[int, int]:
    """One-to-one matches of least total cost, none dearer than the limit; NaN never matches."""
    if not costs.size:
        return {}
    # What cannot be matched is dear, not infinite: the solver wants a finite total.
    dear = 1e6 * max(limit, 1.0)
    rows, found = linear_sum_assignment(np.where(costs <= limit, costs, dear))
    return {
        int(row): int(column)
        for row, column in zip(rows, found, strict=True)
        if costs[row, column] <= limit
    }


def track_costs(sightings: Sightings, limit: float) -> Float[np.ndarray, "true found"]:
    """How badly each found person follows each of the truth, over all frames the truth is in.

    A frame in which the found person is missing or far costs the limit, so that a fragment that
    fits for a moment is not preferred to whoever is there all the time. NaN where they never meet.
    """
    far = np.nan_to_num(sightings.distances, nan=limit)
    present = sightings.true_there[..., None]
    total = np.sum(np.minimum(far, limit), axis=0, where=present)
    costs = total / np.maximum(present.sum(0), 1)
    return np.where(np.isfinite(sightings.distances).any(0), costs, np.nan)


def follow(sightings: Sightings, limit: float) -> IdentityReport:
    """Follow matches through time; nobody is matched beyond the limit."""
    last: dict[int, int] = {}
    switches = matched = 0
    for now in sightings.distances:
        kept: dict[int, int] = {}
        for _, row, to in sorted((now[row, to], row, to) for row, to in last.items()):
            # Of two that were matched with the same person at times, the nearer is.
            if now[row, to] <= limit and to not in kept.values():
                kept[row] = to
        free = now.copy()
        free[list(kept)] = np.nan
        free[:, list(kept.values())] = np.nan
        fresh = assign(free, limit)
        switches += sum(row in last and last[row] != to for row, to in fresh.items())
        last |= fresh
        matched += len(kept) + len(fresh)
    true, found = int(sightings.true_there.sum()), int(sightings.found_there.sum())
    return IdentityReport(
        switches,
        matched / true if true else float("nan"),
        1 - matched / found if found else float("nan"),
    )
