"""Reading BVH files as programs really write them; :mod:`mocap.exporters.bvh` has the format."""

import re
from pathlib import Path

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.bvh_hierarchy import Joint, MalformedError, parse_hierarchy
from mocap.exporters.decimals import plain_decimals
from mocap.exporters.euler import euler_matrices
from mocap.exporters.motion import SkeletalMotion

#: Metres in one unit of length.
UNITS = {"cm": 0.01, "m": 1.0}

# Broadcast rates are a 1001st slower than their names.
_BROADCAST = tuple(rate * 1000 / 1001 for rate in (24, 30, 48, 60, 120, 240))
# Metres within which a joint's position channels only repeat its OFFSET.
_REPEATED = 1e-5

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
    Axes are kept as they are.

    Args:
        path: the file.
        units: of its lengths, which the format does not tell: ``"cm"``, ``"m"``, or how many
            metres one unit is.

    Returns:
        The motion, joints in the file's order, metres.

    Raises:
        ExportError: there is no such file, or it is malformed; names the line.
    """
    path = Path(path)
    scale = UNITS.get(units) if isinstance(units, str) else float(units)
    if scale is None:
        raise ExportError(f"BVH lengths can be in {' or '.join(UNITS)}, not in {units!r}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path}: cannot be read ({error.strerror or error})") from error
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    try:
        return _read(data, scale)
    except MalformedError as error:
        raise ExportError(
            f"{path}, line {error.line}: {error}; export the file again from the program that "
            "wrote it"
        ) from error


def _read(data: bytes, scale: float) -> SkeletalMotion:
    start = _MOTION.search(data)
    if start is None:
        raise MalformedError(data.count(b"\n") + 1, "there is no MOTION section")
    joints = parse_hierarchy(_decoded(data[: start.start()]))
    clock = _CLOCK.match(data, start.end())
    if clock is None:
        line = data.count(b"\n", 0, start.end()) + 2
        raise MalformedError(line, "MOTION must go on with 'Frames:' and 'Frame Time:'")
    line = data.count(b"\n", 0, clock.start("frames")) + 1
    frames = _frame_count(clock["frames"].decode("latin-1"), line)
    fps = _frame_rate(clock["time"].decode("latin-1"), line + 1)
    width = sum(len(joint.channels) for joint in joints)
    first_line = data.count(b"\n", 0, clock.end()) + 1
    return _motion(joints, _table(data[clock.end() :], frames, width, first_line), fps, scale)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Old files in a national code page: any one-byte decoding keeps their names apart.
        return data.decode("latin-1")


def _frame_count(text: str, line: int) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise MalformedError(line, f"Frames: is {text!r}, not a positive whole number")
    return int(text)


def _frame_rate(text: str, line: int) -> float:
    """The rate meant by a frame time: 0.0333333 has been rounded, and means 30 a second."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not (np.isfinite(seconds) and seconds > 0):
        raise MalformedError(line, f"Frame Time: is {text!r}, not a positive number of seconds")
    rate = 1.0 / seconds
    mantissa, _, exponent = text.lower().partition("e")
    half = 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    for candidate in (round(rate), *sorted(_BROADCAST, key=lambda known: abs(known - rate))):
        if candidate > 0 and abs(1.0 / candidate - seconds) <= half:
            return float(candidate)
    return rate


def _table(data: bytes, frames: int, width: int, first_line: int) -> np.ndarray:
    """The motion block (F, channels), as the file has it."""
    values = plain_decimals(data)
    if values is None:
        try:
            values = np.array(data.split(), dtype=float)
        except ValueError:
            values = np.empty(0)
    if len(values) == frames * width and np.isfinite(values).all():
        return values.reshape(frames, width)
    # Something is wrong: only now is it worth looking at every line.
    seen = 0
    for number, line in enumerate(data.split(b"\n"), first_line):
        for word in line.split():
            try:
                finite = bool(np.isfinite(float(word)))
            except ValueError:
                finite = False
            if not finite:
                raise MalformedError(number, f"{word.decode('latin-1')!r} is not a number")
        count = len(line.split())
        if count not in (0, width):
            raise MalformedError(number, f"{count} values where the channels are {width}")
        seen += bool(count)
    raise MalformedError(number, f"Frames: promises {frames} lines of motion, there are {seen}")


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
