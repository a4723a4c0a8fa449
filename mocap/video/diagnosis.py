"""Why a file cannot be read as video, in words its owner can act on."""

import struct
from pathlib import Path

_TEXT_CONTROLS = frozenset(b"\t\n\r\f")
_ATOMS = frozenset(b"ftyp moov mdat free skip wide pnot uuid moof sidx styp meta".split())


def before_opening(path: Path) -> str | None:
    """A reason not to hand the file to the decoder, or ``None``."""
    if not path.is_file():
        return "is not a regular file; give a video file or a folder of images"
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except PermissionError:
        return "permission denied; allow this user to read it"
    except OSError as error:
        return f"cannot be read ({error.strerror}); copy it to another disk"
    if not head:
        return "the file is empty; copy or record it again"
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the video; fetch it with 'git lfs pull'"
    if _is_text(head):
        return "is text, not video; check that the download or the path is right"
    return None


def after_failure(path: Path, reason: str) -> str:
    """Why the decoder refused the file; ``reason`` is what it said itself."""
    found = _top_level_atoms(path)
    if found is not None:
        names, complete = found
        if b"moov" not in names and b"moof" not in names:
            return "the file is incomplete: its index (moov) is missing; copy or record it again"
        if not complete:
            return "the file is incomplete: it breaks off early; copy or record it again"
    return (
        f"is not a video this program can read ({reason}); "
        "convert it to MP4, or copy it again if it should be one"
    )


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in _TEXT_CONTROLS for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The 4096th byte may fall inside a character.
        return error.start > len(head) - 4 and len(head) == 4096
    return True


def _top_level_atoms(path: Path) -> tuple[set[bytes], bool] | None:
    """Names of an MP4/MOV file's outermost atoms, and whether the last ends within the file.

    ``None`` if the file does not begin as one.
    """
    names: set[bytes] = set()
    size = path.stat().st_size
    position = 0
    with path.open("rb") as file:
        while position + 8 <= size:
            file.seek(position)
            length, name = struct.unpack(">I4s", file.read(8))
            if name not in _ATOMS:
                break
            if length == 1:
                wide = file.read(8)
                length = struct.unpack(">Q", wide)[0] if len(wide) == 8 else size
            if length == 0:
                length = size - position
            names.add(name)
            position += max(length, 8)
    return (names, position <= size) if names else None
