"""What a training run of the depth refiner is made of; kept beside what it makes."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from difflib import get_close_matches
from typing import Any

from mocap.depth import NetworkConfig
from mocap.errors import MocapError

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "32-true", "16-mixed", "bf16-mixed")

#: What is trained where nothing else is asked for: windows of 1.6 seconds.
WINDOWS = NetworkConfig(
    frames=24, rate=15.0, width=40, pose_width=128, temporal="both", elevation=True
)
#: What is trained where single frames are asked for: the quickest that is worth it.
SINGLE_FRAME = NetworkConfig(elevation=True)


class TrainingError(MocapError):
    """Training that cannot begin, go on, or make sense with what it was given."""


@dataclass(frozen=True)
class Augmentations:
    """How samples are varied; probabilities are of a window, amounts of what happens to it.

    Attributes:
        mirror: probability of the mirrored picture of the mirrored person.
        roll: standard deviation of the camera's turn about its axis, radians.
        raw_scale: of the logarithm of the detector's metre.
        lean: of the detector's 3D as a whole about the picture's horizontal, radians.
        turn: of the same about the picture's vertical.
        flatten: of the logarithm of the detector's depths.
        noise_2d: of every 2D point, as a share of the person's size in the picture.
        noise_3d: of every raw 3D point, metres.
        blend: probability that 2D is moved some way towards the true 2D.
        drop_joint: probability of each joint to be missing.
        drop_limb: probability that an arm or a leg is missing.
        drop_3d: probability that the raw 3D is missing.
        drop_frames: probability that frames are missing: a run of up to half the window.
        swap: probability that left and right are exchanged in what the detector says, in a run
            of the window's frames: of all points, of legs, or of all but the legs.
        reverse: probability that time runs backwards.
        tell_elevation: probability that the camera's elevation is told, more or less exactly.
    """

    mirror: float = 0.5
    roll: float = 0.06
    raw_scale: float = 0.05
    lean: float = 0.15
    turn: float = 0.0
    flatten: float = 0.0
    noise_2d: float = 0.005
    noise_3d: float = 0.005
    blend: float = 0.3
    drop_joint: float = 0.01
    drop_limb: float = 0.02
    drop_3d: float = 0.03
    drop_frames: float = 0.1
    swap: float = 0.1
    reverse: float = 0.5
    tell_elevation: float = 0.6


#: Samples as they are.
NO_AUGMENTATION = Augmentations(**{item.name: 0.0 for item in fields(Augmentations)})


@dataclass(frozen=True)
class LossWeights:
    """What counts how much; see :mod:`mocap.training.depth.losses` for each.

    Attributes:
        position: mean distance from the true points, metres.
        depth: mean distance along the viewing axis alone, metres, on top of that.
        likelihood: of the true points, given the points and their sigma.
        likelihood_kind: ``"laplace"`` or ``"gaussian"``.
        bones: lengths, metres.
        symmetry: of left and right lengths, metres.
        camera: direction, 1 - cos.
        distance: of the camera, logarithm.
        velocity: metres a second.
        face: weight of the five points of the face; limbs have 1.
    """

    position: float = 1.0
    depth: float = 0.5
    likelihood: float = 0.02
    likelihood_kind: str = "laplace"
    bones: float = 0.3
    symmetry: float = 0.1
    camera: float = 0.3
    distance: float = 0.01
    velocity: float = 0.02
    face: float = 0.3


@dataclass(frozen=True)
class TrainConfig:
    """A run: the same configuration and data make the same model again.

    Attributes:
        data: stores, items or NPZ files of pairs.
        out: the folder of checkpoints, logs and the model.
        network: what is trained; its ``frames`` are the length of a window, its ``rate`` how many
            of them are a second.
        epochs: passes over the training pairs.
        batch: poses in a step, of all devices together.
        lr: highest learning rate.
        warm_up: share of the steps in which it rises from 0.
        last_lr: share of the highest rate that the cosine ends at.
        weight_decay: of AdamW, for matrices only.
        clip: largest norm of the gradient.
        average: decay of the running mean of the weights that is validated and kept; 0 for none.
        overlap: how many windows see a frame in an epoch, on average; 1 for single frames.
        held_out: share of the training sequences that validates where none is for that.
        extracted: whether sequences are also learned from as an extracted take would hold them,
            with the detector's mistakes put right.
        precision: one of :data:`PRECISIONS`; ``"auto"`` is mixed on GPUs that can.
        device: one of :data:`DEVICES`.
        devices: how many.
        seed: of everything that is drawn by lot.
        augmentations: how samples are varied.
        losses: what counts how much.
    """

    data: tuple[str, ...]
    out: str
    network: NetworkConfig = WINDOWS
    epochs: int = 40
    batch: int = 1024
    lr: float = 2e-3
    warm_up: float = 0.05
    last_lr: float = 0.01
    weight_decay: float = 0.02
    clip: float = 1.0
    average: float = 0.998
    overlap: float = 2.0
    held_out: float = 0.1
    extracted: bool = True
    precision: str = "auto"
    device: str = "auto"
    devices: int = 1
    seed: int = 0
    augmentations: Augmentations = field(default_factory=Augmentations)
    losses: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        for name, allowed in (("precision", PRECISIONS), ("device", DEVICES)):
            if getattr(self, name) not in allowed:
                raise TrainingError(
                    f"{name} {getattr(self, name)!r} is none of {', '.join(allowed)}"
                )
        if self.losses.likelihood_kind not in ("laplace", "gaussian"):
            raise TrainingError(
                f"likelihood_kind {self.losses.likelihood_kind!r} is neither laplace nor gaussian"
            )
        for name, least in (("epochs", 1), ("batch", self.network.frames), ("devices", 1)):
            if getattr(self, name) < least:
                raise TrainingError(f"{name} is {getattr(self, name)}, and must be {least} or more")
        for name, value in _flat(asdict(self)).items():
            if (bounds := _bounds_of(name)) is not None and not bounds[0] <= value <= bounds[1]:
                wanted = _WORDS.get(bounds, f"from {bounds[0]} to {bounds[1]}")
                raise TrainingError(f"{name} is {value}; it must be {wanted}")
        weights = {**vars(self.losses), "likelihood_kind": 0, "face": 0}
        if self.network.frames == 1:
            # Single frames have no velocity.
            weights["velocity"] = 0
        if not any(weights.values()):
            raise TrainingError(
                "every loss weighs 0, so that nothing would be learned; give one of losses a "
                "weight (not velocity alone where frames are single)"
            )
        if not self.data:
            raise TrainingError("there is no data to train on; name some with --data")

    def as_json(self) -> dict[str, Any]:
        """Plain data, which :func:`from_json` reads."""
        return json.loads(json.dumps(asdict(self)))


# Checkpoints with larger sizes than this are not read.
_SIZE = (1, 1024)
_ANY, _SHARE = (0.0, 1e30), (0.0, 1.0)
_POSITIVE = (1e-12, 1e30)
_WORDS = {_ANY: "0 or more", _POSITIVE: "above 0"}
_BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("lr", "overlap", "network.rate"), _POSITIVE),
    **dict.fromkeys(("weight_decay", "clip"), _ANY),
    **dict.fromkeys(("warm_up", "last_lr", "held_out"), _SHARE),
    "average": (0.0, 1 - 1e-9),
    "seed": (0, 2**32 - 1),
    **{
        f"network.{name}": _SIZE
        for name in ("frames", "width", "layers", "heads", "hidden", "pose_width", "bands")
    },
    "network.temporal_layers": (0, _SIZE[1]),
    **{
        f"augmentations.{name}": _SHARE
        for name in ("mirror", "blend", "swap", "reverse", "tell_elevation")
        + ("drop_joint", "drop_limb", "drop_3d", "drop_frames")
    },
}


def _bounds_of(name: str) -> tuple[float, float] | None:
    """Between what a number of the configuration must be; None for what is no such number."""
    if name in _BOUNDS:
        return _BOUNDS[name]
    amount = name.startswith(("augmentations.", "losses.")) and name != "losses.likelihood_kind"
    return _ANY if amount else None


#: What may differ between a run and its continuation.
_FREE = {"out", "epochs", "device", "devices", "precision", "data"}


def from_json(content: Mapping[str, Any]) -> TrainConfig:
    """A configuration as :meth:`TrainConfig.as_json` wrote it; what it does not name is as usual.

    Raises:
        TrainingError: naming the key that is unknown, or holds what it cannot.
    """
    return _filled(TrainConfig(data=("",), out=""), content, "")


def _filled(default: Any, content: Any, prefix: str) -> Any:
    """A dataclass of the configuration with the values that JSON names; ``prefix`` is its key."""
    if not isinstance(content, Mapping):
        raise TrainingError(
            f"{prefix[:-1] or 'the whole'} is {_shown(content)}, not a {{}} of keys"
        )
    known = {item.name: getattr(default, item.name) for item in fields(default)}
    changes = {}
    for name, value in content.items():
        if name not in known:
            near = get_close_matches(str(name), known, 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise TrainingError(f"nothing is called {prefix}{name}; {remedy}")
        now = known[name]
        key = prefix + name
        changes[name] = (
            _filled(now, value, f"{key}.") if is_dataclass(now) else _value(key, value, now)
        )
    try:
        return replace(default, **changes)
    except ValueError as error:
        raise TrainingError(f"{prefix[:-1]}: {error}") from error


_WANTED = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _value(key: str, value: Any, usual: Any) -> Any:
    """A value of JSON, of the kind of the usual one."""
    if isinstance(usual, tuple):
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise TrainingError(f"{key} is {_shown(value)}; a list of texts is wanted")
        return tuple(value)
    kind = type(usual)
    # JSON writes 1.0 as 1 at times; and Python takes truth for a number.
    fits = type(value) in ((int, float) if kind is float else (kind,))
    if not fits:
        raise TrainingError(f"{key} is {_shown(value)}; {_WANTED[kind]} is wanted")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def differences(old: TrainConfig, new: TrainConfig) -> list[str]:
    """What keeps a run from being continued as another: ``lr is 0.001, was 0.002``."""
    was, now = _flat(old.as_json()), _flat(new.as_json())
    names = sorted(name for name in was.keys() | now.keys() if name.split(".")[0] not in _FREE)
    return [
        f"{name} is {now.get(name)}, was {was.get(name)}"
        for name in names
        if was.get(name) != now.get(name)
    ]


def unnamed(content: Mapping[str, Any]) -> list[str]:
    """What a configuration leaves out, by key: ``network.elevation``."""
    return sorted(_flat(TrainConfig(data=("",), out="").as_json()).keys() - _flat(content).keys())


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found
