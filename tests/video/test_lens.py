"""Fields of view out of real files' metadata."""

import math
import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mocap.video import open_video
from mocap.video.exif import read_tags
from mocap.video.lens import field_of_view, from_film
from mocap.video.quicktime import read_keys

from .clips import grey_levels, write_clip

KEY = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
#: Of a 26 mm lens, a phone's, in 4:3 and along its longer side; 64×48 as in the clips.
PHONE = 2 * math.atan(0.5 * 0.8 * math.hypot(36, 24) / 26)


def clip_with(path: Path, key: str, value: str, *, in_stream: bool = False) -> Path:
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=48)
        stream.codec_context.pix_fmt = "yuv420p"
        (stream if in_stream else container).metadata[key] = value
        for image in grey_levels(3):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(image).reformat(format="yuv420p"))
            )
        container.mux(stream.encode(None))
    return path


def told_by(path: Path) -> float | None:
    with open_video(path) as video:
        return video.info.field_of_view


def atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def metadata_atom(kind: int, value: bytes, *, versioned: bool) -> bytes:
    """A ``meta`` atom with one key, of ISO's kind or of QuickTime's."""
    name = KEY.encode()
    handler = atom(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    keys = atom(b"keys", struct.pack(">II", 0, 1) + atom(b"mdta", name))
    data = atom(b"data", struct.pack(">II", kind, 0) + value)
    items = atom(b"ilst", atom(struct.pack(">I", 1), data))
    return atom(b"meta", bytes(4 * versioned) + handler + keys + items)


def with_track_metadata(path: Path, content: bytes) -> Path:
    """The clip with an atom more in its only track; its index comes last, so nothing moves."""
    data = path.read_bytes()
    movie = data.rindex(b"moov") - 4
    track = data.index(b"trak", movie) - 4
    end = track + struct.unpack_from(">I", data, track)[0]
    grown = bytearray(data[:end] + content + data[end:])
    for start in (movie, track):
        (length,) = struct.unpack_from(">I", data, start)
        struct.pack_into(">I", grown, start, length + len(content))
    path.write_bytes(grown)
    return path


class TestOptics:
    def test_a_normal_lens(self):
        """50 mm see 46.8 degrees of film's diagonal, 39.6 of its longer side."""
        assert from_film(50, 3600, 2400) == pytest.approx(math.radians(39.6), abs=1e-3)
        assert from_film(50, 2400, 3600) == from_film(50, 3600, 2400)

    def test_a_narrower_picture_of_the_same_diagonal(self):
        assert from_film(26, 1920, 1080) == pytest.approx(math.radians(71.9), abs=2e-3)
        assert from_film(26, 640, 480) == pytest.approx(PHONE)

    @pytest.mark.parametrize("focal", [0.0, -3.0, math.nan, math.inf, 1.0, 1e9])
    def test_what_makes_no_sense_is_not_told(self, focal):
        assert field_of_view(focal, 1920, 1080) is None


class TestVideo:
    def test_silent_files(self, tmp_path):
        assert told_by(write_clip(tmp_path / "a.mp4", grey_levels(3))) is None
        assert told_by(write_clip(tmp_path / "a.avi", grey_levels(3), codec="mpeg4")) is None

    @pytest.mark.parametrize(("name", "in_stream"), [
        ("a.mov", False), ("a.mp4", False), ("a.mkv", False), ("a.mkv", True),
    ])  # fmt: skip
    def test_of_the_movie(self, tmp_path, name, in_stream):
        path = clip_with(tmp_path / name, KEY, "26", in_stream=in_stream)
        assert told_by(path) == pytest.approx(PHONE)

    def test_other_words_for_it(self, tmp_path):
        path = clip_with(tmp_path / "a.mkv", "FocalLengthIn35mmFilm", "26 mm")
        assert told_by(path) == pytest.approx(PHONE)
        assert told_by(clip_with(tmp_path / "b.mkv", "FocalLength", "4.2 mm")) is None
        assert told_by(clip_with(tmp_path / "c.mkv", KEY, "unknown")) is None
        assert told_by(clip_with(tmp_path / "d.mkv", KEY, "0")) is None

    @pytest.mark.parametrize("versioned", [False, True])
    @pytest.mark.parametrize(
        ("kind", "value"),
        [(1, b"26"), (21, b"\x1a"), (22, struct.pack(">I", 26)), (23, struct.pack(">f", 26)),
         (24, struct.pack(">d", 26)), (66, struct.pack(">h", 26)), (78, struct.pack(">Q", 26))],
    )  # fmt: skip
    def test_of_the_track_as_phones_write_it(self, tmp_path, kind, value, versioned):
        path = write_clip(tmp_path / "a.mov", grey_levels(3))
        with_track_metadata(path, metadata_atom(kind, value, versioned=versioned))
        assert told_by(path) == pytest.approx(PHONE)
        with open_video(path) as video:
            assert len(list(video)) == 3

    def test_a_turned_video(self, tmp_path):
        path = write_clip(tmp_path / "a.mov", grey_levels(3), rotation=90)
        with_track_metadata(path, metadata_atom(21, b"\x1a", versioned=False))
        with open_video(path) as video:
            assert (video.info.width, video.info.height) == (48, 64)
            assert video.info.field_of_view == pytest.approx(PHONE)

    def test_damage_is_nothing_told(self, tmp_path):
        path = write_clip(tmp_path / "a.mov", grey_levels(3))
        whole = with_track_metadata(path, metadata_atom(21, b"\x1a", versioned=False)).read_bytes()
        assert read_keys(path) == {KEY: 26.0} | read_keys(
            write_clip(tmp_path / "b.mov", grey_levels(1))
        )
        rng = np.random.default_rng(0)
        start = whole.rindex(b"moov")
        for _ in range(300):
            harmed = bytearray(whole)
            for place in rng.integers(start - 4, len(whole), 3):
                harmed[place] = rng.integers(256)
            path.write_bytes(harmed[: rng.integers(start, len(whole))])
            assert isinstance(read_keys(path), dict)
        path.write_bytes(b"")
        assert read_keys(path) == {}

    def test_atoms_within_atoms_without_end(self, tmp_path):
        nested = b"".join(struct.pack(">I4s", 8 * (50_000 - i), b"udta") for i in range(50_000))
        path = tmp_path / "a.mov"
        path.write_bytes(atom(b"moov", nested))
        assert read_keys(path) == {}


def exif_block(tags: dict[int, tuple[int, float]], order: str = "<") -> bytes:
    """An APP1 segment with the tags (kind, value) in the EXIF directory."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    first = struct.pack(order + "HHHIII", 1, 0x8769, 4, 1, 26, 0)
    entries, rationals = b"", b""
    end = 26 + 2 + 12 * len(tags) + 4
    for tag, (kind, value) in sorted(tags.items()):
        entries += struct.pack(order + "HHI", tag, kind, 1)
        if kind == 3:
            entries += struct.pack(order + "HH", int(value), 0)
        elif kind == 4:
            entries += struct.pack(order + "I", int(value))
        else:
            entries += struct.pack(order + "I", end + len(rationals))
            rationals += struct.pack(order + "II", round(value * 1000), 1000)
    second = struct.pack(order + "H", len(tags)) + entries + bytes(4)
    content = b"Exif\0\0" + head + first + second + rationals
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def jpeg_with(path: Path, segment: bytes, width: int = 64, height: int = 48) -> Path:
    _, data = cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))
    plain = data.tobytes()
    path.write_bytes(plain[:2] + segment + plain[2:])
    return path


class TestImages:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_focal_length_in_35mm(self, tmp_path, order):
        jpeg_with(tmp_path / "1.jpg", exif_block({0xA405: (3, 26), 0x920A: (5, 4.2)}, order))
        assert told_by(tmp_path) == pytest.approx(PHONE)

    def test_focal_length_and_density_of_the_sensor(self, tmp_path):
        """35 mm on a sensor 36 mm wide, photographed with 3600 pixels and scaled down since."""
        tags = {0x920A: (5, 35.0), 0xA20E: (5, 2540.0), 0xA210: (3, 2), 0xA002: (4, 3600)}
        jpeg_with(tmp_path / "1.jpg", exif_block(tags))
        assert told_by(tmp_path) == pytest.approx(2 * math.atan(18 / 35), abs=1e-6)

    def test_focal_length_alone_tells_nothing(self, tmp_path):
        jpeg_with(tmp_path / "1.jpg", exif_block({0x920A: (5, 4.2)}))
        assert told_by(tmp_path) is None

    def test_no_tags(self, tmp_path):
        jpeg_with(tmp_path / "1.jpg", b"")
        assert told_by(tmp_path) is None
        cv2.imwrite(str(tmp_path / "0.png"), np.zeros((48, 64, 3), np.uint8))
        assert told_by(tmp_path) is None

    def test_after_other_segments(self, tmp_path):
        other = b"\xff\xe1" + struct.pack(">H", 30) + b"http://ns.adobe.com/xap/1.0/\0"[:28]
        jpeg_with(tmp_path / "1.jpg", other + exif_block({0xA405: (3, 26)}))
        assert told_by(tmp_path) == pytest.approx(PHONE)

    def test_as_another_program_writes_it(self, tmp_path):
        images = pytest.importorskip("PIL.Image")
        rational = pytest.importorskip("PIL.TiffImagePlugin").IFDRational
        exif = images.Exif()
        exif[0x0110] = "A telephone"
        exif[0x8769] = {0xA405: 26, 0x920A: rational(42, 10)}
        picture = images.new("RGB", (64, 48))
        picture.save(tmp_path / "1.jpg", exif=exif)
        assert read_tags(tmp_path / "1.jpg")[0x920A] == pytest.approx(4.2)
        assert told_by(tmp_path) == pytest.approx(PHONE)

    def test_damage_is_nothing_told(self, tmp_path):
        path = tmp_path / "1.jpg"
        segment = exif_block({0xA405: (3, 26), 0x920A: (5, 4.2)})
        rng = np.random.default_rng(0)
        for _ in range(300):
            harmed = bytearray(segment)
            for place in rng.integers(4, len(segment), 3):
                harmed[place] = rng.integers(256)
            path.write_bytes((b"\xff\xd8" + harmed)[: rng.integers(2, len(segment) + 2)])
            assert isinstance(read_tags(path), dict)
        assert read_tags(tmp_path / "none.jpg") == {}
