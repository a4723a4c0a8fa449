"""The correspondence as a JSON file that people can read and correct."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mocap.errors import RetargetError
from mocap.files import read_json, write_whole
from mocap.retarget.correspondence import (
    SIDES,
    Bearing,
    Correspondence,
    Limit,
    Segment,
    Sole,
)
from mocap.retarget.limits import limits_of
from mocap.retarget.robot import Robot
from mocap.retarget.spelling import suggestion

FORMAT, VERSION = "mocap-robot-correspondence", 1
_LIMBS = ("thigh", "shank", "upper_arm", "forearm")
_ABOUT = (
    "What of the robot is what of a person. Points and axes are in the bodies' own axes, metres; "
    "the rows of `turn` are the body's x, y and z told in the axes of a person who stands upright "
    "(x left, y up, z ahead). Tolerances are radians: a part with a larger one gives way. "
    "`limits` may hold what joints may do where that is less than the model says: "
    '{"left_knee_joint": {"low": 0.1, "high": 2.0, "speed": 9.0, "acceleration": 80.0}}, radians '
    "and seconds; `scale` the robot's world over the person's (null: the legs tell). Segments, "
    "hands, head and chest may be left out."
)


_SEGMENTS = {f"{side}_{part}" for side in SIDES for part in _LIMBS}
_FEET = {f"{side}_foot" for side in SIDES}
_HANDS = {f"{side}_hand" for side in SIDES}
#: Parts that have to be told, and all that a person has, by kind.
_PARTS: dict[str, tuple[set[str], set[str]]] = {
    "segments": (set(), _SEGMENTS),
    "bearings": ({"pelvis", *_FEET}, {"pelvis", "chest", "head", *_FEET, *_HANDS}),
    "soles": (set(SIDES), set(SIDES)),
}


#: Keys of the file, and those of every part by kind.
_KEYS = (
    *("format", "version", "about", "robot", "scale", "leg", "hips", "joints", "limits"),
    *("segments", "bearings", "soles"),
)
_PART_KEYS: dict[str, tuple[str, ...]] = {
    "segments": ("body", "start", "end", "tolerance"),
    "bearings": ("body", "point", "turn", "tolerance"),
    "soles": ("body", "corners"),
    "limits": ("low", "high", "speed", "acceleration"),
}


def write_correspondence(path: Path, found: Correspondence) -> Path:
    """Write a correspondence."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "about": _ABOUT,
        "robot": found.robot,
        "scale": found.scale,
        "leg": round(found.leg, 5),
        "hips": {side: _plain(place) for side, place in found.hips.items()},
        "joints": list(found.joints),
        "limits": {
            name: {key: value for key, value in asdict(one).items() if value is not None}
            for name, one in found.limits.items()
        },
        "segments": {
            name: {
                "body": one.body,
                "start": _plain(one.start),
                "end": _plain(one.end),
                "tolerance": one.tolerance,
            }
            for name, one in found.segments.items()
        },
        "bearings": {
            name: {
                "body": one.body,
                "point": _plain(one.point),
                "turn": _plain(one.turn),
                "tolerance": one.tolerance,
            }
            for name, one in found.bearings.items()
        },
        "soles": {
            side: {"body": one.body, "corners": _plain(one.corners)}
            for side, one in found.soles.items()
        },
    }
    return write_whole(path, _compact(content), error=RetargetError)


def read_correspondence(path: Path, robot: Robot) -> Correspondence:
    """Read a correspondence.

    Raises:
        RetargetError: it is missing, damaged, or names what the robot has not.
    """
    content = read_json(path, error=RetargetError)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise RetargetError(f"{path}: is no correspondence; `mocap retarget` writes one")
    if content.get("version") != VERSION:
        raise RetargetError(f"{path}: is of another version; without it, one is worked out")
    _check_keys(path, content)
    try:
        found = Correspondence(
            robot=str(content["robot"]),
            segments={
                name: Segment(
                    one["body"],
                    _array(one["start"], (3,)),
                    _array(one["end"], (3,)),
                    float(one["tolerance"]),
                )
                for name, one in content["segments"].items()
            },
            bearings={
                name: Bearing(
                    one["body"],
                    _array(one["point"], (3,)),
                    _array(one["turn"], (3, 3)),
                    float(one["tolerance"]),
                )
                for name, one in content["bearings"].items()
            },
            soles={
                side: Sole(one["body"], _array(one["corners"], (4, 3)))
                for side, one in content["soles"].items()
            },
            hips={side: _array(content["hips"][side], (3,)) for side in SIDES},
            leg=float(content["leg"]),
            joints=tuple(content["joints"]),
            limits={name: _limit(value) for name, value in content.get("limits", {}).items()},
            scale=None if content.get("scale") is None else float(content["scale"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RetargetError(
            f"{path}: is damaged: {error!r}; without it, one is worked out"
        ) from error
    _check(path, found, robot)
    return found


def _check_keys(path: Path, content: dict[str, Any]) -> None:
    """Refuse keys that nothing reads: whoever wrote them believes that they do something."""
    told = {"the file": (content, _KEYS), "hips": (content.get("hips"), SIDES)}
    for kind, keys in _PART_KEYS.items():
        parts = content.get(kind)
        if isinstance(parts, dict):
            told |= {f"{name} in {kind}": (part, keys) for name, part in parts.items()}
    for place, (part, keys) in told.items():
        # What is no part at all is told when it is read.
        for odd in set(part).difference(keys) if isinstance(part, dict) else ():
            raise RetargetError(
                f"{path}: is damaged: {place} has an unknown {odd!r}; {suggestion(odd, keys)}"
            )


def _check(path: Path, found: Correspondence, robot: Robot) -> None:
    parts: dict[str, Any] = {**found.segments, **found.bearings, **found.soles}
    for name, one in parts.items():
        if one.body not in robot.bodies:
            raise RetargetError(
                f"{path}: {name} is on body {one.body!r}, which {robot.name} has not; "
                + suggestion(one.body, robot.bodies, str(robot.path))
            )
    for name in (*found.joints, *found.limits):
        if name not in robot.joints:
            raise RetargetError(
                f"{path}: {robot.name} has no joint {name!r}; "
                + suggestion(name, robot.joints, str(robot.path))
            )
    limits = limits_of(robot, found)
    crossed = np.flatnonzero(limits.low > limits.high)
    if len(crossed):
        name = robot.joints[crossed[0]]
        raise RetargetError(
            f"{path}: the limits of {name} leave it no room: the model has "
            f"{robot.low[crossed[0]]:.3g} to {robot.high[crossed[0]]:.3g}"
        )
    _check_parts(path, found)


def _check_parts(path: Path, found: Correspondence) -> None:
    """Refuse parts that lack, or that no person has, and numbers that mean nothing."""
    for kind, (needed, known) in _PARTS.items():
        told = set(getattr(found, kind))
        for odd in sorted(told - known):
            raise RetargetError(
                f"{path}: {kind} are of parts of a person, not of {odd}; "
                + suggestion(odd, sorted(known))
            )
        if needed - told:
            raise RetargetError(
                f"{path}: {kind} lack {', '.join(sorted(needed - told))}; without the file, "
                "one is worked out"
            )
    if not found.joints or not found.segments:
        raise RetargetError(
            f"{path}: tells no joints or no segments; without it, one is worked out"
        )
    sizes = {"leg": found.leg, "scale": 1.0 if found.scale is None else found.scale}
    tolerances = {name: one.tolerance for name, one in found.segments.items()}
    tolerances |= {name: one.tolerance for name, one in found.bearings.items()}
    sizes |= {f"tolerance of {name}": value for name, value in tolerances.items()}
    sizes |= {f"length of {name}": one.length for name, one in found.segments.items()}
    for name, value in sizes.items():
        if not (np.isfinite(value) and value > 0):
            raise RetargetError(f"{path}: the {name} is {value:g}; it is above 0")
    for name, one in found.bearings.items():
        if np.abs(one.turn @ one.turn.T - np.eye(3)).max() > 0.01 or np.linalg.det(one.turn) < 0:
            raise RetargetError(f"{path}: the turn of {name} is no rotation")


def _limit(value: dict[str, Any]) -> Limit:
    found = Limit(**{name: float(one) for name, one in value.items()})
    bounds = (found.speed, found.acceleration)
    if not all(np.isfinite(one) for one in asdict(found).values() if one is not None):
        raise ValueError(f"{value} are no limits")
    if any(one is not None and one <= 0 for one in bounds):
        raise ValueError(f"{value}: speeds and accelerations are above 0")
    return found


def _array(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    found = np.array(value, dtype=float)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"{value} is no array of shape {shape}")
    return found


def _plain(values: np.ndarray) -> list[Any]:
    return (np.round(values, 5) + 0.0).tolist()


def _compact(content: Any, depth: int = 0) -> str:
    """JSON with arrays of numbers on one line each."""
    if isinstance(content, dict) and content:
        inner = ",\n".join(
            "  " * (depth + 1) + json.dumps(key) + ": " + _compact(value, depth + 1)
            for key, value in content.items()
        )
        return "{\n" + inner + "\n" + "  " * depth + "}" + ("\n" if depth == 0 else "")
    return json.dumps(content)
