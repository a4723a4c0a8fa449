"""Files nobody wrote: each is read right or refused in one line, soon, and in little memory.

A few seconds of it run with the other tests, the same ones every time. For longer:

    MOCAP_FUZZ_MINUTES=10 python -m pytest -s -k fuzzed_for_minutes tests/exporters
"""

import dataclasses
import os
import random
import re
import resource
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters import SkeletalMotion, read_bvh
from mocap.exporters.bvh import encode_bvh
from mocap.exporters.euler import euler_matrices

#: Minutes of the long run; 0 leaves it out.
MINUTES = float(os.environ.get("MOCAP_FUZZ_MINUTES", "0"))
#: Seconds one small file may take, on a machine busy with something else.
SOON = 5.0
#: Bytes all of them together may add to what the process has ever held.
LITTLE = 500e6
#: Harmed copies of each file: making one up takes longer than reading it.
HARMS = 10
ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
POSITIONS = ("Xposition", "Yposition", "Zposition")

#: Numbers, or nearly.
NUMBERS = (
    *("0", "-0", "1", "3", "6", "-1", "2.5", "1e-05", "1E+300", "-1e308", "1e309", "1e-320", "nan"),
    *("-inf", "1,5", "1_0", "0x10", "1e", "--1", ".", "9" * 9, "9" * 20, "9" * 5000, "٣", "²"),
)
#: Words that mean something, or nearly, to one part of a reader or another.
WORDS = (
    *("HIERARCHY", "ROOT", "JOINT", "End Site", "End", "OFFSET", "CHANNELS", "MOTION", "{", "}"),
    *("Frames:", "Frame Time:", "Xposition", "Zrotation", "xROTATION", "Wrotation", "#", "\t"),
    *("\n", "\r", "\r\n", "\n\n", "\0", "\x1c", "\x85", "\xa0", "\u2028", "\ufeff", "é", "左腕"),
    *NUMBERS,
)


# What a file says, and the ways to say it -----------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Spoken:
    """A joint as a file has it: how deep its parent is, channels in order, file units."""

    name: str
    depth: int
    offset: tuple[float, ...]
    channels: tuple[str, ...]
    tip: tuple[float, ...] | None


@dataclasses.dataclass(frozen=True)
class Layout:
    """What programs do differently without meaning anything by it."""

    newline: str
    tab: str
    brace: str
    case: Callable[[str], str]
    number: str
    frames: str
    time: str
    start: str
    end: str


length = st.sampled_from([0.0, -0.0, 1.0, -2.5, 17.25, 1e-6, 123.456]) | st.floats(-200, 200)
vector = st.tuples(length, length, length)
layouts = st.builds(
    Layout,
    newline=st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \n", "\r\r\n"]),
    tab=st.sampled_from(["\t", "  ", " ", ""]),
    brace=st.sampled_from(["\n", " ", " \t\n"]),
    case=st.sampled_from([str, str.upper, str.lower]),
    number=st.sampled_from(["%r", "%.9f", "%.12e", "%.15g"]),
    frames=st.sampled_from(["Frames: ", "Frames:", "Frames:\t", "Frames : "]),
    time=st.sampled_from(["Frame Time: ", "Frame Time:", "Frame  Time :\t"]),
    start=st.sampled_from(["", "\ufeff", "\n", "  "]),
    end=st.sampled_from(["", "\n", "\n \n\n", "\n\t"]),
)


@st.composite
def skeletons(draw: st.DrawFn) -> list[Spoken]:
    joints: list[Spoken] = []
    for i in range(draw(st.integers(1, 6))):
        deepest = joints[-1].depth + 1 if joints else 0
        turns = list(draw(st.sampled_from(ORDERS)))[: draw(st.integers(0, 3))]
        places = list(POSITIONS[: draw(st.sampled_from([0, 0, 0, 1, 3]))])
        channels = places + [f"{axis}rotation" for axis in turns]
        if i == 0 and not channels:
            channels = ["Yrotation"]
        if draw(st.booleans()):
            channels.reverse()
        joints.append(
            Spoken(
                name=draw(st.sampled_from(["Hips", "a:b", "Left Arm", "左 腕", "é", "end"]))
                + str(i),
                depth=draw(st.integers(min(1, i), deepest)),
                offset=draw(vector),
                channels=tuple(channels),
                tip=draw(st.none() | vector),
            )
        )
    return joints


def written(joints: Sequence[Spoken], table: np.ndarray, layout: Layout) -> str:
    """The text of a file; ``table`` (F, channels) is its motion."""
    case = layout.case

    def numbers(values: Sequence[float]) -> str:
        return " ".join(layout.number % value for value in values)

    lines = [case("HIERARCHY")]
    for i, joint in enumerate(joints):
        indent = layout.tab * joint.depth
        kind = case("JOINT" if i else "ROOT")
        lines.append(f"{indent}{kind} {joint.name}{layout.brace}{{")
        lines.append(f"{indent}{case('OFFSET')} {numbers(joint.offset)}")
        names = " ".join(map(case, joint.channels))
        lines.append(f"{indent}{case('CHANNELS')} {len(joint.channels)} {names}")
        if joint.tip is not None:
            lines.append(f"{indent}{case('End Site')}{layout.brace}{{")
            lines += [f"{indent}{case('OFFSET')} {numbers(joint.tip)}", f"{indent}}}"]
        following = joints[i + 1].depth if i + 1 < len(joints) else 0
        lines += ["}"] * (joint.depth + 1 - following)
    lines += [case("MOTION"), f"{case(layout.frames)}{len(table)}", f"{case(layout.time)}0.04"]
    lines += [numbers(row) for row in table.tolist()]
    return layout.start + layout.newline.join(lines) + layout.end


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Spoken], np.ndarray, str]:
    joints = draw(skeletons())
    width = sum(len(joint.channels) for joint in joints)
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    table = rng.uniform(-400, 400, (draw(st.integers(1, 4)), width))
    if draw(st.booleans()):
        table = np.round(table / 90) * 90
    return joints, table, written(joints, table, draw(layouts))


# Harm -----------------------------------------------------------------------------------------


def harmed(text: str, chance: random.Random) -> bytes:
    """A text with some of its words and lines lost, doubled, swapped or replaced."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        by_words = chance.random() < 0.7
        pieces = re.split(r"(\s+)", text) if by_words else text.splitlines(keepends=True)
        i, j = (chance.randrange(len(pieces)) for _ in range(2)) if pieces else (0, 0)
        what = chance.randrange(8)
        if what == 0:
            del pieces[i : i + chance.choice((1, 1, 3))]
        elif what == 1:
            pieces[i:i] = pieces[i:j]
        elif what == 2 and pieces:
            pieces[i], pieces[j] = pieces[j], pieces[i]
        elif what == 3:
            pieces.insert(i, chance.choice(WORDS))
        elif what == 4:
            pieces[i : i + 1] = [chance.choice(WORDS)]
        elif what in (5, 6):
            numbers = [place for place, piece in enumerate(pieces) if piece[-1:].isdecimal()]
            if numbers:
                pieces[chance.choice(numbers)] = chance.choice(NUMBERS)
        else:
            place = chance.randrange(len(text) + 1)
            pieces = [text[:place]]
        # Pieces that double again and again would say nothing new.
        text = "".join(pieces)[:50_000]
    return text.encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-16", "shift-jis")), "replace")


def harmed_bytes(data: bytes, chance: random.Random) -> bytes:
    """Data with some bytes changed, lost, moved or doubled."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        i = chance.randrange(len(found) + 1)
        size = chance.choice((1, 1, 2, 8, 64, 512))
        what = chance.randrange(5)
        if what == 0:
            found[i : i + 1] = bytes([chance.randrange(256)])
        elif what == 1:
            del found[i : i + size]
        elif what == 2:
            found[i:i] = chance.choice(WORDS).encode()
        elif what == 3:
            j = chance.randrange(len(found) + 1)
            found[i:i] = found[j : j + size]
        elif found and i < len(found):
            found[i] ^= 1 << chance.randrange(8)
    return bytes(found[:50_000])


# What must be so ------------------------------------------------------------------------------


def sound_or_refused(path: Path, data: bytes) -> SkeletalMotion | None:
    """What is read, None where it is refused; anything else is a failure."""
    path.write_bytes(data)
    started = time.perf_counter()
    try:
        motion = read_bvh(path)
    except ExportError as refusal:
        told = str(refusal)
        assert told.startswith(str(path)), told
        assert told.isprintable(), told
        assert len(told) < len(str(path)) + 300, told
        motion = None
    assert time.perf_counter() - started < SOON
    if motion is None:
        return None
    assert len(motion) > 0
    assert np.isfinite(motion.fps)
    assert motion.fps > 0
    for part in (motion.rest_offsets, motion.rotations, motion.root_position, motion.joints()):
        assert np.isfinite(part).all()
    return motion


def write_and_read(path: Path, motion: SkeletalMotion) -> SkeletalMotion:
    path.write_bytes(encode_bvh(motion))
    return read_bvh(path)


def about(axis: str, degrees: np.ndarray) -> np.ndarray:
    """(F, 3, 3) turns about one axis."""
    return Rotation.from_euler(axis, degrees[:, None], degrees=True).as_matrix()


def check_meaning(path: Path, file: tuple[list[Spoken], np.ndarray, str]) -> None:
    """A sound file is read, and means what it says."""
    joints, table, text = file
    motion = sound_or_refused(path, text.encode())
    assert motion is not None
    assert motion.names == tuple(joint.name for joint in joints)
    assert motion.fps == 25.0
    column = 0
    for i, joint in enumerate(joints):
        above = [j for j in range(i) if joints[j].depth == joint.depth - 1]
        assert motion.parents[i] == (above[-1] if above else -1)
        np.testing.assert_allclose(motion.rest_offsets[i], np.divide(joint.offset, 100), atol=1e-9)
        tip = [np.nan] * 3 if joint.tip is None else np.divide(joint.tip, 100)
        np.testing.assert_allclose(motion.end_sites[i], tip, atol=1e-9)
        turned = np.tile(np.eye(3), (len(table), 1, 1))
        placed = np.tile(motion.rest_offsets[i], (len(table), 1))
        for channel in joint.channels:
            values = table[:, column]
            column += 1
            if channel.endswith("position"):
                placed[:, "XYZ".index(channel[0])] = values / 100
            else:
                turned = turned @ about(channel[0], values)
        np.testing.assert_allclose(motion.rotations[:, i], turned, atol=1e-9)
        if i == 0:
            np.testing.assert_allclose(motion.root_position, placed, atol=1e-9)
        elif motion.local_positions is not None:
            np.testing.assert_allclose(motion.local_positions[:, i], placed, atol=1e-9)
    check_written_back(path, motion)


def check_written_back(path: Path, motion: SkeletalMotion) -> None:
    """What can be read can be written, and is the same then."""
    if len(set(motion.names)) < len(motion.names):
        return
    again = write_and_read(path, motion)
    assert (len(again), again.parents) == (len(motion), motion.parents)
    # A bone as long as the way to the moon ends where its last digit says.
    size = max(1.0, np.abs(motion.joints()).max(), np.abs(motion.rest_offsets).max())
    np.testing.assert_allclose(again.joints(), motion.joints(), rtol=0, atol=1e-6 * size)


def check_harmed_text(path: Path, case: tuple[tuple[Any, Any, str], random.Random]) -> None:
    (_, _, text), chance = case
    for _ in range(HARMS):
        motion = sound_or_refused(path, harmed(text, chance))
        if motion is not None:
            check_written_back(path, motion)


def check_harmed_bytes(path: Path, chance: random.Random) -> None:
    for _ in range(HARMS):
        sound_or_refused(path, harmed_bytes(chance.choice(SMALL), chance))


def check_round_trip(path: Path, motion: SkeletalMotion) -> None:
    """Within 1e-5 m and 1e-6 rad; in truth far less."""
    again = write_and_read(path, motion)
    assert again.fps == pytest.approx(motion.fps, rel=1e-12)
    order = [again.names.index(name) for name in motion.names]
    np.testing.assert_allclose(again.joints()[:, order], motion.joints(), atol=1e-5)
    apart = motion.rotations.swapaxes(-1, -2) @ again.rotations[:, order]
    assert Rotation.from_matrix(apart.reshape(-1, 3, 3)).magnitude().max() < 1e-6


@st.composite
def motions(draw: st.DrawFn) -> SkeletalMotion:
    """Any skeleton; rotations about anything, many of them locked exactly or nearly."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames, joints = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    angles = rng.uniform(-np.pi, np.pi, (frames, joints, 3))
    kind = draw(st.sampled_from(["any", "locked", "nearly locked", "right angles", "nothing"]))
    if "locked" in kind:
        angles[..., 1] = rng.choice([-1.0, 1.0], angles.shape[:2]) * np.pi / 2
    if kind == "nearly locked":
        angles[..., 1] += rng.choice([1e-12, -1e-9, 1e-8, -1e-7, 1e-6, 1e-4], angles.shape[:2])
    rotations = euler_matrices(angles, draw(st.sampled_from(ORDERS)))
    if kind == "right angles":
        turns = rng.integers(-4, 5, angles.shape) * 90.0
        exact = Rotation.from_euler("ZXY", turns.reshape(-1, 3), degrees=True).as_matrix()
        rotations = np.rint(exact).reshape(rotations.shape)
    if kind == "nothing":
        rotations[:] = np.eye(3)
    offsets = rng.normal(0, draw(st.sampled_from([0.0, 0.01, 0.3])), (joints, 3))
    local = None
    if draw(st.booleans()):
        local = offsets + rng.normal(0, 0.1, (frames, joints, 3)) * rng.integers(0, 2, (joints, 1))
    return SkeletalMotion(
        names=tuple(f"joint{i}" for i in range(joints)),
        parents=(-1, *(int(rng.integers(0, i)) for i in range(1, joints))),
        rest_offsets=offsets,
        rotations=rotations,
        root_position=rng.normal(0, 10, (frames, 3)),
        fps=draw(st.sampled_from([24.0, 29.97, 30000 / 1001, 30.0, 59.94, 120.0])),
        local_positions=local,
    )


def small_files() -> list[bytes]:
    """Files as we write them, to be harmed byte by byte."""
    rng = np.random.default_rng(0)
    rotations = Rotation.random(12, rng=rng).as_matrix().reshape(3, 4, 3, 3)
    motion = SkeletalMotion(
        names=("Hips", "Spine", "mixamorig:LeftArm", "左腕"),
        parents=(-1, 0, 1, 1),
        rest_offsets=rng.normal(0, 0.3, (4, 3)),
        rotations=rotations,
        root_position=rng.normal(0, 1, (3, 3)),
        fps=29.97,
    )
    text = encode_bvh(motion)
    return [text, text.replace(b"\n", b"\r\n"), text.replace(b"\n", b"\r")]


SMALL = small_files()
chances = st.integers(0, 2**63).map(random.Random)
CHECKS: dict[str, tuple[Callable[[Path, Any], None], st.SearchStrategy[Any]]] = {
    "sound": (check_meaning, files()),
    "harmed text": (check_harmed_text, st.tuples(files(), chances)),
    "harmed bytes": (check_harmed_bytes, chances),
    "round trip": (check_round_trip, motions()),
}


def held() -> float:
    """The most bytes this process has held; all but macOS count in kilobytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def fuzz(name: str, path: Path, examples: int, number: int | None) -> int:
    """Try so many examples of a kind, the same ones always if there is no number; how many ran."""
    check, strategy = CHECKS[name]
    options = settings(
        max_examples=examples,
        derandomize=number is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    before, ran = held(), 0

    def trial(case: Any) -> None:
        nonlocal ran
        ran += 1
        check(path, case)

    trials = options(given(strategy)(trial))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (trials if number is None else seed(number)(trials))()
    assert held() - before < LITTLE
    return ran


@pytest.mark.parametrize(
    ("name", "examples"),
    [("sound", 100), ("harmed text", 60), ("harmed bytes", 150), ("round trip", 100)],
)
def test_whatever_is_in_a_file_it_is_read_right_or_refused(tmp_path, name, examples):
    assert fuzz(name, tmp_path / "file.bvh", examples, None) >= examples


@pytest.mark.skipif(not MINUTES, reason="MOCAP_FUZZ_MINUTES is not set")
def test_fuzzed_for_minutes(tmp_path):
    start, count = time.monotonic(), dict.fromkeys(CHECKS, 0)
    number = time.time_ns() % 2**32
    while time.monotonic() - start < 60 * MINUTES:
        for name in CHECKS:
            ran = fuzz(name, tmp_path / "file.bvh", 1000 if "bytes" in name else 200, number)
            count[name] += ran * (HARMS if "harmed" in name else 1)
        number += 1
    print(f"\n{(time.monotonic() - start) / 60:.1f} minutes:", count)
