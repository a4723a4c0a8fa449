"""What ``mocap dataset info`` has to tell."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from mocap.cli.console import say, show
from mocap.datasets.pairs import (
    AZIMUTHS,
    ELEVATIONS,
    SPLITS,
    PairsError,
    PairStore,
    Summary,
    read_pairs,
)
from mocap.progress import Progress


@dataclass
class Description:
    """What there is to say of pairs.

    Attributes:
        path: where they are.
        size: of the files, bytes.
        summary: of the pairs that can be read.
        source: what made them; None for a file.
        parameters: what they were made with.
        items: how many items there are; None for a file.
        damaged: what is wrong with items, by key.
        failed: why items could not be made, by key.
    """

    path: Path
    size: int
    summary: Summary = field(default_factory=Summary)
    source: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    items: int | None = None
    damaged: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def describe(path: Path, *, verify: bool, progress: Progress) -> Description:
    """Read pairs, past what is damaged in a store.

    Args:
        path: a store's folder, an item, or an ``.npz``.
        verify: compare a store's files with its manifest.
        progress: told of a store's items.

    Raises:
        PairsError: there are no pairs, or a file is damaged that is no item of a store.
    """
    if not path.is_dir():
        pairs = read_pairs(path)
        return Description(path, path.stat().st_size, Summary.of(pairs))
    store = PairStore.open(path, strict=True)
    keys = store.stored_keys()
    found = Description(
        path,
        sum(store.path_of(key).stat().st_size for key in keys),
        source=store.source,
        parameters=store.parameters,
        items=len(keys),
        failed={key: told.get("reason", "") for key, told in store.failures.items()},
    )
    if verify:
        found.damaged |= store.take_stock(progress)
    for done, key in enumerate(keys):
        progress("reading", done, len(keys))
        if key in found.damaged:
            continue
        try:
            found.summary += Summary.of(store.read(key))
        except PairsError as error:
            found.damaged[key] = str(error)
    progress("reading", len(keys), len(keys))
    return found


def display(found: Description, *, as_json: bool) -> None:
    """Write a description as results."""
    if as_json:
        say(json.dumps(_facts(found), indent=2))
        return
    for name, text in _rows(found).items():
        say(f"{name:<11} {text}")
    if found.summary.pairs:
        say("")
        show(_view_table(found.summary))


def _rows(found: Description) -> dict[str, str]:
    summary = found.summary
    rows = {"pairs": f"{summary.pairs} in {found.path}, {found.size / 1e6:.1f} MB"}
    if found.items is not None:
        rows["items"] = str(found.items)
        if found.damaged:
            rows["items"] += f", damaged or missing: {', '.join(sorted(found.damaged))}"
        rows["source"] = str(found.source)
        rows["made with"] = ", ".join(_told(item) for item in found.parameters.items()) or "nothing"
    if found.failed:
        rows["failed"] = f"{len(found.failed)}: {', '.join(found.failed)}"
    sequences = sum(summary.sequences_of.values())
    rows["sequences"] = (
        str(sequences) if sequences else "not told apart" if summary.pairs else "none"
    )
    named = [name for name in SPLITS if summary.pairs_of[name]]
    rows["splits"] = ", ".join(
        f"{name} {summary.pairs_of[name]} pairs of {summary.sequences_of[name]} sequences"
        for name in named
    ) or _without_splits(found)
    if summary.pairs:
        rows["confidence"] = f"{summary.confidence:.2f} on average"
        rows["raw MPJPE"] = (
            f"{summary.mpjpe_mm:.1f} mm of 17 points, {summary.limbs_mpjpe_mm:.1f} mm of 12 "
            f"limb joints; {summary.depth_error_mm:.1f} mm along the line of sight"
        )
        partly = {name: count for name, count in summary.arrays.items() if count < summary.pairs}
        rows["arrays"] = ", ".join(
            name + (f" ({partly[name] / summary.pairs:.0%})" if name in partly else "")
            for name in summary.arrays
        )
    return rows


def _without_splits(found: Description) -> str:
    if found.summary.pairs:
        return "none: all are for training"
    return "unknown: no item could be read" if found.damaged else "none"


def _told(parameter: tuple[str, Any]) -> str:
    name, value = parameter
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{name} {text if len(text) <= 40 else f'{text[:37]}...'}"


def _view_table(summary: Summary) -> Table:
    """Shares of the pairs by where the camera stood: from below to above, about the person."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("seen from (%)")
    for name in AZIMUTHS:
        table.add_column(name, justify="right")
    table.add_column("all", justify="right")
    for low, high, counts in reversed(
        list(zip(ELEVATIONS, ELEVATIONS[1:], summary.views.tolist(), strict=False))
    ):
        if any(counts):
            cells = [_share(count, summary.pairs) for count in (*counts, sum(counts))]
            table.add_row(f"{low}° to {high}°".replace("-", "−"), *cells)
    columns = summary.views.sum(0).tolist()
    table.add_row("all", *(_share(count, summary.pairs) for count in (*columns, summary.pairs)))
    return table


def _share(count: int, whole: int) -> str:
    return f"{100 * count / whole:.1f}" if count else "–"


def _facts(found: Description) -> dict[str, Any]:
    """The description as JSON can hold it: metres, degrees, shares of 1."""
    summary = found.summary
    return {
        "path": str(found.path),
        "bytes": found.size,
        "source": found.source,
        "parameters": found.parameters,
        "items": found.items,
        "damaged": found.damaged,
        "failed": found.failed,
        "pairs": summary.pairs,
        "sequences": sum(summary.sequences_of.values()),
        "splits": {
            name: {"pairs": count, "sequences": summary.sequences_of[name]}
            for name, count in summary.pairs_of.items()
            if name
        },
        "arrays": dict(summary.arrays),
        "mean_confidence": _number(summary.confidence),
        "raw_mpjpe_mm": _number(summary.mpjpe_mm),
        "raw_limbs_mpjpe_mm": _number(summary.limbs_mpjpe_mm),
        "raw_depth_error_mm": _number(summary.depth_error_mm),
        "views": {
            "azimuths": list(AZIMUTHS),
            "elevation_borders_degrees": list(ELEVATIONS),
            "pairs": summary.views.tolist(),
        },
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
