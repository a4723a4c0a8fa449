import numpy as np
import pytest

from mocap.video import open_video
from mocap.video.rotation import Orientation, from_matrix

from .clips import corners, quadrants, write_clip

ONE = 1 << 16
ORIENTATIONS = [
    Orientation(transpose, x, y)
    for transpose in (False, True)
    for x in (False, True)
    for y in (False, True)
]


@pytest.mark.parametrize(
    ("counterclockwise", "clockwise", "expected"),
    [(0, 0, "RGBW"), (90, 270, "GWRB"), (180, 180, "WBGR"), (270, 90, "BRWG"), (-90, 90, "BRWG")],
)
def test_file_with_rotation_is_set_upright(tmp_path, counterclockwise, clockwise, expected):
    path = write_clip(tmp_path / "turned.mp4", [quadrants()] * 3, rotation=counterclockwise)
    with open_video(path) as source:
        frames = list(source)
        size = (48, 64) if clockwise % 180 else (64, 48)
        assert source.info.rotation == clockwise
        assert (source.info.width, source.info.height) == size
    assert len(frames) == 3
    for frame in frames:
        assert frame.image.shape[:2] == size[::-1]
        assert "".join(corners(frame.image)) == expected
        assert frame.image.flags.c_contiguous


def test_mirrored_file_is_mirrored_back(tmp_path):
    path = write_clip(tmp_path / "selfie.mp4", [quadrants()], rotation=0, mirror=True)
    with open_video(path) as source:
        assert source.info.rotation == 0
        assert "".join(corners(next(iter(source)).image)) == "GRWB"


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_apply_moves_points_as_the_matrix_says(orientation):
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    upright = orientation.apply(image)
    sign_x, sign_y = (-1 if orientation.flip_x else 1), (-1 if orientation.flip_y else 1)
    for y, x in np.ndindex(5, 7):
        column, row = (y, x) if orientation.transpose else (x, y)
        row = row if sign_y > 0 else upright.shape[0] - 1 - row
        column = column if sign_x > 0 else upright.shape[1] - 1 - column
        assert (upright[row, column] == image[y, x]).all()
    assert (upright.shape[1], upright.shape[0]) == orientation.size(7, 5)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((ONE, 0, 0, 0, ONE), Orientation()),
        ((0, ONE, 0, -ONE, 0), Orientation(True, flip_x=True)),
        ((0, -ONE, 0, ONE, 0), Orientation(True, flip_y=True)),
        ((-ONE, 0, 0, 0, -ONE), Orientation(False, True, True)),
        ((60000, 20000, 0, -20000, 60000), Orientation()),
    ],
)
def test_matrix_is_read(matrix, expected):
    assert from_matrix((*matrix, 0, 0, 0, 1 << 30)) == expected
