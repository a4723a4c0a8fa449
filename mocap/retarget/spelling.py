"""Names that people misspell in files, and which they are likely to have meant."""

from collections.abc import Collection
from difflib import get_close_matches

#: How many names that are near are told, and how alike they are at least.
_NEAR, _ALIKE = 3, 0.5


def suggestion(name: object, known: Collection[str], where: str = "") -> str:
    """What to say of a name that is not known.

    Args:
        name: as it was written.
        known: the names that there are.
        where: to see all of them, if they are many; otherwise they are listed where none is near.
    """
    lowered = {one.casefold(): one for one in known}
    near = [lowered[one] for one in get_close_matches(str(name).casefold(), lowered, _NEAR, _ALIKE)]
    everything = f"all {len(known)} are in {where}" if where else f"there are {', '.join(known)}"
    if not near:
        return everything
    return f"did you mean {' or '.join(near)}?" + (f" A{everything[1:]}" if where else "")
