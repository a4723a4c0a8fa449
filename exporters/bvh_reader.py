"""Reading BVH files as programs really write them; :mod:`mocap.exporters.bvh` has the format."""

import codecs
import logging
import re
from pathlib import Path

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.bvh_hierarchy import (
    Joint,
    MalformedError,
    parse_hierarchy,
    quoted,
    whole_number,
)
from mocap.exporters.decimals import LIMIT, plain_decimals
from mocap.exporters.euler import euler_matrices
from mocap.exporters.motion import SkeletalMotion

#: Metres in one unit of length.
UNITS = {"cm": 0.01, "m": 1.0}
#: Thigh and shank of an adult, metres: the measure of files that do not tell their unit.
ADULT_LEG = 0.81

_log = logging.getLogger(__name__)

# What 0.017 seconds mean is 60 a second, not 59.
_COMMON = (24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 200, 240)
# Broadcast rates are a 1001st slower than their names.
_BROADCAST = tuple(rate * 1000 / 1001 for rate in (24, 30, 48, 60, 120, 240))
# Seconds between frames that nothing records.
_SHORTEST = 1e-9
# Metres within which a joint's position channels only repeat its OFFSET.
_REPEATED = 1e-5
# Joints times frames: more than a day of recording, or a small file that would fill the memory.
_MOST = 10**9

_MOTION = re.compile(rb"^[ \t]*MOTION[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
_CLOCK = re.compile(
    rb"\s*Frames\s*:\s*(?P<frames>\S+)\s+Frame\s+Time\s*:\s*(?P<time>\S+)[ \t\r]*(?:\n|$)",
    re.IGNORECASE,
)


def read_bvh(path: str | Path, *, units: str | float = "cm") -> SkeletalMotion:
    """Read a BVH file.

    Any channel order, tabs, CRLF and CR line ends, exponents, names with spaces or in any script
    are understood. Position channels stand in place of the OFFSET, as Blender, MotionBuilder and
    bvhio have it; a joint below the root that really uses them ends up in ``local_positions``.
    Axes are kept as they are. Where ``Frames:`` promises more or fewer lines of motion than there
    are, as it does after a recorder crashed, what is there is read, and a warning logged; a last
    line that breaks off is left out.

    Args:
        path: the file.
        units: of its lengths, which the format does not tell: ``"cm"``, ``"m"``, or how many
            metres one unit is.

    Returns:
        The motion, joints in the file's order, metres.

    Raises:
        ExportError: the file cannot be read, or is malformed; names the line.
    """
    path = Path(path)
    scale = UNITS.get(units) if isinstance(units, str) else float(units)
    if scale is None or not 0 < scale < np.inf:
        raise ExportError(
            f"BVH lengths can be in {' or '.join(UNITS)}, or in so many metres, not in {units!r}"
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        return _read(path, _plain_lines(data), scale)
    except MalformedError as error:
        remedy = error.remedy or "export the file again from the program that wrote it"
        raise ExportError(f"{path}, line {error.line}: {error}; {remedy}") from error
    except MemoryError as error:
        raise ExportError(
            f"{path}: its motion does not fit into the memory; cut it into shorter files"
        ) from error


def _read(path: Path, data: bytes, scale: float) -> SkeletalMotion:
    start = _MOTION.search(data)
    if start is None and b"HIERARCHY" not in data.upper():
        raise MalformedError(
            1, "there is no HIERARCHY and no MOTION: this is no BVH", "choose another file"
        )
    if start is None:
        raise MalformedError(data.count(b"\n") + 1, "there is no MOTION section")
    joints = parse_hierarchy(_decoded(data[: start.start()]))
    width = sum(len(joint.channels) for joint in joints)
    clock = _CLOCK.match(data, start.end())
    line = data.count(b"\n", 0, start.end()) + 1
    if width == 0:
        raise MalformedError(line, "no joint above has CHANNELS, so there is no motion")
    if clock is None:
        raise MalformedError(line + 1, "MOTION must go on with 'Frames:' and 'Frame Time:'")
    lines = [data.count(b"\n", 0, place) + 1 for place in map(clock.start, ("frames", "time"))]
    promised = _frame_count(clock["frames"].decode("latin-1"), lines[0])
    fps = _frame_rate(clock["time"].decode("latin-1"), lines[1])
    table = _table(path, data[clock.end() :], promised, width, lines[1] + 1)
    if len(table) * len(joints) > _MOST:
        raise MalformedError(
            lines[0],
            f"{len(table)} frames of {len(joints)} joints are more than can be read",
            "cut it into shorter files",
        )
    return _motion(joints, table, fps, scale)


def _plain_lines(data: bytes) -> bytes:
    """The file with line ends of one kind, in a code that has ASCII as it is, unmarked."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode("utf-8")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.removeprefix(codecs.BOM_UTF8)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    # Old files in a national code page. Bytes that no European page has in words tell Japanese,
    # whose letters have bytes in common with braces.
    if re.search(rb"[\x81-\x9f]", data):
        try:
            return data.decode("cp932")
        except UnicodeDecodeError:
            pass
    # Any one-byte code keeps other names apart.
    return data.decode("latin-1")


def _frame_count(text: str, line: int) -> int:
    count = whole_number(text)
    if count is None:
        raise MalformedError(
            line,
            f"Frames: is {quoted(text)}, not a whole number",
            "write the number of lines of motion there",
        )
    return count


def _frame_rate(text: str, line: int) -> float:
    """The rate meant by a frame time: 0.0333333 has been rounded, and means 30 a second."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not _SHORTEST < seconds < np.inf:
        raise MalformedError(
            line,
            f"Frame Time: is {quoted(text)}, not a positive number of seconds",
            "write the seconds between frames there, 0.0333333 for 30 a second",
        )
    rate = 1.0 / seconds
    whole = round(rate)
    if np.isclose(whole * seconds, 1.0, rtol=1e-12, atol=0):
        return float(whole)
    mantissa, _, exponent = text.lower().partition("e")
    half = 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    known = [sorted(rates, key=lambda one: abs(one - rate)) for rates in (_COMMON, _BROADCAST)]
    for candidate in (*known[0], whole, *known[1]):
        if candidate > 0 and abs(1.0 / candidate - seconds) <= half:
            return float(candidate)
    return rate


def _table(path: Path, data: bytes, promised: int, width: int, first_line: int) -> np.ndarray:
    """The motion block (F, channels), as the file has it."""
    values = plain_decimals(data)
    if values is None:
        try:
            values = np.array(data.split(), dtype=float)
        except ValueError:
            values = np.empty(0)
    # A comparison with what is not a number is false.
    if 0 < len(values) == promised * width and values.min() > -LIMIT and values.max() < LIMIT:
        return values.reshape(promised, width)
    # Something is wrong: only now is it worth looking at every line.
    return _table_by_lines(path, data.split(b"\n"), promised, width, first_line)


def _table_by_lines(
    path: Path, lines: list[bytes], promised: int, width: int, first_line: int
) -> np.ndarray:
    """The lines of motion that are sound, if nothing but the end of the file is not."""
    rows: list[np.ndarray] = []
    left_out = ""
    for number, line in enumerate(lines, first_line):
        words = line.split()
        if not words:
            continue
        # Whatever ends in the middle of a line may end in the middle of a number.
        unended = number == first_line + len(lines) - 1
        try:
            row = _row(words, width, number)
            if unended and len(rows) + 1 < promised:
                raise MalformedError(number, "the file breaks off here")
        except MalformedError as fault:
            if rows and (len(rows) >= promised or (unended and len(words) <= width)):
                left_out = f"; left out from line {number} on: {fault}"
                break
            raise
        rows.append(row)
    if not rows:
        raise MalformedError(first_line, "there are no lines of motion")
    _log.warning(
        "%s: Frames: promises %d lines of motion, %d are read%s",
        *(path, promised, len(rows), left_out),
    )
    return np.stack(rows)


def _row(words: list[bytes], width: int, number: int) -> np.ndarray:
    """One line of motion: (channels,)."""
    for word in words:
        try:
            size = abs(float(word))
        except ValueError:
            size = np.nan
        if not size < LIMIT:
            shown = quoted(word.decode("latin-1"))
            if b"," in word:
                remedy = "write decimal points, and spaces between numbers"
                raise MalformedError(number, f"{shown} has a comma", remedy)
            what = "impossibly large" if size >= LIMIT else "not a number"
            raise MalformedError(number, f"{shown} is {what}")
    if len(words) != width:
        raise MalformedError(number, f"{len(words)} values where the channels are {width}")
    return np.array(words, dtype=float)


def _motion(joints: list[Joint], table: np.ndarray, fps: float, scale: float) -> SkeletalMotion:
    offsets = np.array([joint.offset for joint in joints]) * scale
    starts = np.cumsum([0, *(len(joint.channels) for joint in joints)])
    positions = np.tile(offsets, (len(table), 1, 1))
    groups: dict[str, list[tuple[int, list[int]]]] = {}
    for i, joint in enumerate(joints):
        turns: dict[str, int] = {}
        for column, channel in enumerate(joint.channels, starts[i]):
            axis = channel[0]
            if channel.endswith("position"):
                positions[:, i, "XYZ".index(axis)] = table[:, column] * scale
            else:
                turns[axis] = column
        groups.setdefault("".join(turns), []).append((i, list(turns.values())))
    rotations = np.tile(np.eye(3), (len(table), len(joints), 1, 1))
    for order, members in groups.items():
        if order:
            columns = np.array([columns for _, columns in members])
            turned = euler_matrices(np.deg2rad(table[:, columns]), order)
            rotations[:, [i for i, _ in members]] = turned
    moves = np.abs(positions[:, 1:] - offsets[1:]).max(initial=0.0) > _REPEATED
    tips = [[np.nan] * 3 if joint.tip is None else joint.tip for joint in joints]
    return SkeletalMotion(
        names=tuple(joint.name for joint in joints),
        parents=tuple(joint.parent for joint in joints),
        rest_offsets=offsets,
        rotations=rotations,
        root_position=positions[:, 0].copy(),
        fps=fps,
        end_sites=np.array(tips) * scale,
        local_positions=positions if moves else None,
    )
