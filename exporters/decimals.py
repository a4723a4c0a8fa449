"""Tables of numbers as text, exactly and fast."""

import numpy as np
from jaxtyping import Float

#: Values must be smaller than this, so that their digits fit 64-bit integers.
LIMIT = 1e11


def decimal_rows(values: Float[np.ndarray, "rows columns"], decimals: int = 6) -> bytes:
    """Write a table: a line a row, one space between columns, a fixed number of decimals.

    The text is that of ``"%.6f"`` for each value, save that zero has no sign. All digits of a
    place are worked out at once, which takes a tenth of the time of formatting value by value.

    Args:
        values: (rows, columns) finite numbers below :data:`LIMIT` in size; at least one of each.
        decimals: digits after the point, 1 to 7.
    """
    scaled = np.rint(np.abs(values) * 10.0**decimals)
    width = max(len(str(int(scaled.max()))), decimals + 1)
    rest = scaled.astype(np.uint32 if width < 10 else np.int64)
    # Each value has a field of sign, whole digits, point, decimals and separator; what a value
    # does not need of its field is left out at the end.
    text = np.empty((*values.shape, width + 3), dtype=np.uint8)
    kept = np.ones(text.shape, dtype=bool)
    text[..., 0] = ord("-")
    kept[..., 0] = (values < 0) & (rest > 0)
    text[..., width + 1 - decimals] = ord(".")
    text[..., -1] = ord(" ")
    text[:, -1, -1] = ord("\n")
    for place in range(width):
        column = width + 1 - place - (place >= decimals)
        above = rest // 10
        text[..., column] = rest - above * 10 + ord("0")
        if place > decimals:
            kept[..., column] = rest > 0
        rest = above
    return text[kept].tobytes()
