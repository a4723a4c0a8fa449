"""A take's people as a table."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.table import Table

from mocap.take import Person, Take


def people_table(take: Take, files: Mapping[str, Path] | None = None) -> Table:
    """One row a person; with the files their motion is in, if they are given."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("person")
    for title in ("frames", "seconds", "seen", "hands"):
        table.add_column(title, justify="right")
    table.add_column("motion")
    for person in take.people.values():
        motion = "none" if person.body is None else person.body.model
        if files is not None:
            motion = files[person.id].name if person.id in files else "none"
        table.add_row(
            person.label if person.label == person.id else f"{person.id} ({person.label})",
            f"{person.frames[0]}–{person.frames[-1]}",
            f"{seconds_of(take, person):.2f}",
            f"{person.coverage:.0%}",
            f"{hands_seen(person):.0%}",
            motion,
        )
    return table


def seconds_of(take: Take, person: Person) -> float:
    """From a person's first sight to the last, the last frame's own duration included."""
    times = take.times(person)
    return float(times[-1] - times[0]) + (1 / take.video.fps if take.video.fps > 0 else 0.0)


def hands_seen(person: Person) -> float:
    """Share of the person's hands, both in every frame, that were detected."""
    if person.hands2d is None:
        return 0.0
    hands = (person.hands2d.left, person.hands2d.right)
    return float(np.mean([(hand.confidence > 0).any(1).mean() for hand in hands]))
