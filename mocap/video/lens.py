"""The field of view that a recording tells of itself.

Cameras write a focal length "in 35 mm film": that of the lens which, on a frame of 36 by 24 mm,
would show as much along the **diagonal** (CIPA DCG-001, 2.4.3; EXIF 2.32 tag 0xA405). So a picture
of any shape has

    focal length in pixels = focal length in 35 mm film × diagonal in pixels / 43.27 mm.

Where the number belongs to the whole sensor and the video is a crop of it (stabilisation, 16:9 of
a 4:3 sensor), it is off by that crop: an estimate, better than none.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from mocap.video import exif, quicktime

#: Diagonal of a frame of 35 mm film, millimetres.
FILM_DIAGONAL = math.hypot(36.0, 24.0)

#: Degrees; what is outside was not meant as a field of view.
_NARROWEST, _WIDEST = 2.0, 170.0


def field_of_view(focal_length: float, width: int, height: int) -> float | None:
    """Radians along the longer side, of a focal length in pixels; None if it makes no sense."""
    if not (math.isfinite(focal_length) and focal_length > 0):
        return None
    angle = 2 * math.atan(max(width, height) / (2 * focal_length))
    return angle if _NARROWEST < math.degrees(angle) < _WIDEST else None


def from_film(millimetres: float, width: int, height: int) -> float | None:
    """Radians along the longer side, of a focal length in 35 mm film."""
    return field_of_view(millimetres * math.hypot(width, height) / FILM_DIAGONAL, width, height)


def from_video(path: Path, metadata: Mapping[str, str], width: int, height: int) -> float | None:
    """The field of view of a video file; None where it is silent.

    Read are the metadata keys of QuickTime files (``com.apple.quicktime.camera.focal_length.
    35mm_equivalent``: of the movie and, as iPhones write it, of its video track), and, by the same
    words, those of any other container.

    Args:
        path: the file.
        metadata: what the container and its video stream say, as the demuxer gives it.
        width: of the picture, pixels.
        height: of the picture, pixels.
    """
    for name, value in {**metadata, **quicktime.read_keys(path)}.items():
        word = re.sub(r"[^a-z0-9]", "", name.lower())
        if "focallength" in word and ("35mm" in word):
            number = re.match(r"\s*\d+(\.\d+)?", str(value))
            found = from_film(float(number[0]), width, height) if number else None
            if found is not None:
                return found
    return None


def from_image(path: Path, width: int, height: int) -> float | None:
    """The field of view of a JPEG picture by its EXIF tags; None where it is silent.

    Args:
        path: the file.
        width: of the picture as it is now, pixels.
        height: likewise.
    """
    tags = exif.read_tags(path)
    if film := tags.get(exif.FOCAL_LENGTH_IN_35MM):
        return from_film(film, width, height)
    length, density = tags.get(exif.FOCAL_LENGTH), tags.get(exif.FOCAL_PLANE_X_RESOLUTION)
    unit = exif.UNITS.get(int(tags.get(exif.FOCAL_PLANE_UNIT, exif.INCH)))
    if not (length and density and unit):
        return None
    # The sensor's pixels may be more than the picture's.
    whole = max(tags.get(exif.PIXELS_ACROSS, 0.0), tags.get(exif.PIXELS_DOWN, 0.0))
    scale = max(width, height) / whole if whole else 1.0
    return field_of_view(length * density / unit * scale, width, height)
