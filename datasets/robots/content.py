"""What a file of a robot's motion holds, whoever wrote it: named arrays, or a table of numbers."""

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError, RetargetError

_ARCHIVE, _PICKLE, _HDF5 = b"PK\x03\x04", b"\x80", b"\x89HDF"


@dataclass(frozen=True)
class Content:
    """A file as it was read.

    Attributes:
        path: the file.
        arrays: what an archive or a pickle holds, by name.
        header: names of a table's columns; empty where it names none.
        rows: (F, C) the table; None where there is none.
    """

    path: Path
    arrays: dict[str, Any] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    rows: Float[np.ndarray, "frames columns"] | None = None

    def has(self, *names: str) -> bool:
        """Whether all of these are there."""
        return set(names) <= set(self.arrays)

    def floats(self, name: str, axes: int) -> np.ndarray:
        """An array of numbers.

        Raises:
            RetargetError: it is none, or has another number of axes.
        """
        found = np.asarray(self.arrays[name])
        if found.dtype.kind not in "biuf":
            raise RetargetError(f"{self.path}: {name} holds no real numbers")
        if found.ndim != axes:
            raise RetargetError(f"{self.path}: {name} has {found.ndim} axes, not {axes}")
        return found.astype(float)

    def number(self, name: str) -> float:
        """A single number.

        Raises:
            RetargetError: it is none.
        """
        found = np.ravel(self.arrays[name])
        if found.size != 1 or found.dtype.kind not in "biuf":
            raise RetargetError(f"{self.path}: {name} is no single number")
        return float(found[0])

    def names(self, name: str) -> tuple[str, ...] | None:
        """A list of names; None where the file has none."""
        found = self.arrays.get(name)
        return None if found is None else tuple(map(str, np.ravel(found)))


def content_of(path: str | Path) -> Content:
    """Read a file, whatever it is called.

    Raises:
        RetargetError: it is missing, damaged, or neither an archive, a pickle nor a table.
    """
    path = Path(path)
    if not path.is_file():
        raise RetargetError(f"{path}: no such file")
    with path.open("rb") as stream:
        head = stream.read(4)
    if head == _HDF5:
        raise RetargetError(f"{path}: holds people's motion; `mocap retarget` puts it on a robot")
    if not head.startswith((_ARCHIVE, _PICKLE)):
        return _table(path)
    try:
        arrays = read_arrays(path)
    except MocapError as error:
        raise RetargetError(str(error)) from error
    if not isinstance(arrays, dict):
        raise RetargetError(f"{path}: holds no named arrays, as motion of robots has")
    return Content(path, {str(name): value for name, value in arrays.items()})


def _table(path: Path) -> Content:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        first = next((line for line in text.splitlines() if line.strip()), "")
        header = () if _is_numbers(first) else tuple(name.strip() for name in first.split(","))
        if not first or "\0" in text or len(first.split(",")) < 2:
            raise ValueError("it is neither an archive, nor a pickle, nor a table with commas")
        below = text.split(first, 1)[1] if header else text
        rows = np.loadtxt(StringIO(below), delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())[:160]
        raise RetargetError(f"{path}: holds no motion of a robot: {why}") from error
    return Content(path, header=header, rows=rows)


def _is_numbers(line: str) -> bool:
    try:
        [float(part) for part in line.split(",")]
    except ValueError:
        return False
    return True
