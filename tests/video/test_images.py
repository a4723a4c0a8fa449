import cv2
import numpy as np
import pytest

from mocap.errors import VideoError
from mocap.video import open_video
from mocap.video.images import list_images

from .clips import corners, quadrants

SUFFIXES = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "PNG"]


def write(path, image):
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_formats(tmp_path, suffix):
    folder = tmp_path / "images"
    for number in range(3):
        write(folder / f"{number}.{suffix}", quadrants())
    with open_video(folder, fps=50) as source:
        info = source.info
        frames = list(source)
        assert len(list(source)) == 3
    assert [frame.time for frame in frames] == [0.0, 0.02, 0.04]
    assert all(corners(frame.image) == ["R", "G", "B", "W"] for frame in frames)
    assert (info.width, info.height, info.fps) == (64, 48, 50)
    assert (info.frame_count, info.duration, info.rotation) == (3, 0.06, 0)


def test_natural_order_and_other_files(tmp_path):
    for name in ("f10.png", "f2.png", "F1.png", "f002b.png"):
        write(tmp_path / name, quadrants())
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "._f1.png").write_bytes(b"resource fork")
    names = [path.name for path in list_images(tmp_path)]
    assert names == ["F1.png", "f2.png", "f002b.png", "f10.png"]


def test_exif_orientation(tmp_path):
    encoded = cv2.imencode(".jpg", quadrants()[..., ::-1])[1].tobytes()
    # A minimal EXIF block whose one entry, orientation 6, asks for 90° clockwise.
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "phone.jpg").write_bytes(encoded[:2] + segment + encoded[2:])
    with open_video(tmp_path) as source:
        image = next(iter(source)).image
    assert image.shape == (64, 48, 3)
    assert corners(image) == ["B", "R", "W", "G"]


def test_sixteen_bit_grey_and_alpha(tmp_path):
    write(tmp_path / "1.png", np.full((8, 6), 128 * 257, np.uint16))
    rgba = np.dstack([np.full((8, 6, 3), 128, np.uint8), np.full((8, 6), 9, np.uint8)])
    assert cv2.imwrite(str(tmp_path / "2.png"), rgba)
    with open_video(tmp_path) as source:
        images = [frame.image for frame in source]
    assert [image.shape for image in images] == [(8, 6, 3)] * 2
    assert all(np.abs(image.astype(int) - 128).max() <= 1 for image in images)


def test_odd_one_out_is_named(tmp_path):
    write(tmp_path / "1.png", quadrants())
    write(tmp_path / "2.png", quadrants(32, 32))
    with open_video(tmp_path) as source, pytest.raises(VideoError, match=r"2\.png: is 32×32"):
        list(source)


def test_broken_image_is_named(tmp_path):
    write(tmp_path / "1.png", quadrants())
    (tmp_path / "2.png").write_bytes(b"")
    with open_video(tmp_path) as source, pytest.raises(VideoError, match=r"2\.png: is not an"):
        list(source)
    (tmp_path / "1.png").write_bytes(b"nothing of the kind")
    with pytest.raises(VideoError, match=r"1\.png"):
        open_video(tmp_path)


def test_folder_without_images_and_bad_rate(tmp_path):
    with pytest.raises(VideoError, match="no images in this folder"):
        open_video(tmp_path)
    write(tmp_path / "1.png", quadrants())
    for fps in (0.0, -1.0, float("nan")):
        with pytest.raises(VideoError, match="not a rate"):
            open_video(tmp_path, fps=fps)
