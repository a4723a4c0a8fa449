"""Archives of arrays as bytes."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np


def packed(arrays: Mapping[str, Any]) -> bytes:
    """An npz of arrays by their names."""
    stream = BytesIO()
    content: dict[str, Any] = {name: np.asarray(part) for name, part in arrays.items()}
    np.savez_compressed(stream, **content)
    return stream.getvalue()
