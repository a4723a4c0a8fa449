"""Means and percentiles over what is known: NaN, without a warning, where nothing is."""

import numpy as np


def mean(values: np.ndarray, *, times: float = 1.0) -> float:
    """The mean of the finite values, in another unit if ``times`` says so."""
    known = np.asarray(values)[np.isfinite(values)]
    return float(known.mean()) * times if len(known) else float("nan")


def row_means(values: np.ndarray) -> np.ndarray:
    """(F,) means of (F, J) over what is known in each row; NaN for rows without."""
    known = np.isfinite(values)
    total = np.sum(values, axis=1, where=known)
    return np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan)


def percentile(values: np.ndarray, percent: float, *, times: float = 1.0) -> float:
    """A percentile of the finite values."""
    known = np.asarray(values)[np.isfinite(values)]
    return float(np.percentile(known, percent)) * times if len(known) else float("nan")


def columns(values: np.ndarray, *, times: float = 1.0) -> list[float]:
    """The mean of each column."""
    return [mean(values[:, column], times=times) for column in range(values.shape[1])]
