"""Identify a source by its content, so that a take can tell which video it came from."""

import hashlib
from pathlib import Path

from mocap.errors import VideoError
from mocap.video.images import list_images


def hash_source(source: str | Path) -> str:
    """SHA-256 in hexadecimal of a file's bytes, or of a folder's image names and contents.

    Only the images count in a folder, in the order in which they are read; where the file or
    folder lies does not matter. Files are read in pieces.

    Raises:
        VideoError: If the source, or a file in it, cannot be read.
    """
    path = Path(source)
    if not path.is_dir():
        return _hash_file(path).hex()
    digest = hashlib.sha256()
    for image in list_images(path):
        digest.update(image.name.encode("utf-8", "surrogateescape") + b"\0" + _hash_file(image))
    return digest.hexdigest()


def _hash_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise VideoError(
            f"{path}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
