"""Reading pickled arrays without running what a file says.

Pickles can name any function to call. Data sets nevertheless come as pickles of arrays; this
reader knows the few names that arrays need and refuses every other.
"""

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from mocap.errors import MocapError

_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
#: numpy's own module names, before and after version 2.
_NUMPY_CORE = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMPY_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")


class _Arrays(pickle.Unpickler):
    """An unpickler of plain containers, numbers, text and arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NAMES:
            return _NAMES[module, name]
        if module in _NUMPY_CORE and name in ("_reconstruct", "scalar"):
            return getattr(np._core.multiarray, name)  # type: ignore[attr-defined]
        if module in _NUMPY_NUMERIC and name == "_frombuffer":
            # How protocol 5 keeps contiguous arrays.
            return np._core.numeric._frombuffer  # type: ignore[attr-defined]
        if (module, name) == ("_codecs", "encode"):
            return _latin
        raise pickle.UnpicklingError(f"it wants {module}.{name}, which no array needs")


def _latin(text: str, encoding: str) -> bytes:
    # Old pickles keep bytes as text; any other use of codecs is refused.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it wants text encoded as {encoding}")
    return text.encode("latin-1")


def read_arrays(path: str | Path) -> Any:
    """What a ``.pkl`` file, or a ``.npy`` file of one pickled object, holds.

    Raises:
        MocapError: the file is missing, damaged, or holds more than containers and arrays.
    """
    path = Path(path)
    try:
        content = io.BytesIO(path.read_bytes())
        if path.suffix == ".npy":
            npy.read_magic(content)
            _, _, kind = npy.read_array_header_1_0(content)
            if not kind.hasobject:
                content.seek(0)
                return np.load(content, allow_pickle=False)
            return _Arrays(content).load().item()
        return _Arrays(content).load()
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error.strerror})") from error
    except (
        *(pickle.UnpicklingError, ValueError, EOFError, AttributeError),
        *(KeyError, IndexError, TypeError, ImportError),
    ) as error:
        raise MocapError(f"{path}: is not read, for it is no pickle of arrays: {error}") from error
