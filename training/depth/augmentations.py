"""Ways to vary samples: some exact, others to make the refiner expect a detector's faults.

Mirroring, rolling and reversing give samples that a camera could have taken: their truth is the
truth of the varied picture. The others change only what the detector says.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from mocap.skeletons import COCO_17
from mocap.training.depth.batches import Batch
from mocap.training.depth.config import Augmentations

_MIRROR = torch.tensor(COCO_17.mirror)
_LIMBS = torch.zeros(4, len(COCO_17), dtype=torch.bool)
for _row, _names in enumerate(
    [f"{side}_{part}" for part in parts]
    for side in ("left", "right")
    for parts in (("elbow", "wrist"), ("knee", "ankle"))
):
    _LIMBS[_row, COCO_17.indices(*_names)] = True

_LEGS = torch.tensor([name.endswith(("hip", "knee", "ankle")) for name in COCO_17.names])
#: Share of windows whose raw 3D leans or turns, where any does.
_LEANT = 0.75
#: How far off, radians, elevations are that are told: from the best to the worst.
_ELEVATION_SIGMA = (math.radians(1.0), math.radians(20.0))

Chosen = Bool[Tensor, " batch"]


def _wide(values: Tensor, like: Tensor) -> Tensor:
    """(batch, …) values with as many axes as another tensor has."""
    return values.reshape(*values.shape, *(1 for _ in range(like.ndim - values.ndim)))


def pivot(batch: Batch) -> Float[Tensor, "batch 2"]:
    """What stays in place when a picture is turned: its middle, or else that of the person."""
    known = batch.xy.isfinite().all(-1, keepdim=True)
    low = torch.where(known, batch.xy, torch.inf).amin((1, 2))
    high = torch.where(known, batch.xy, -torch.inf).amax((1, 2))
    own = torch.where(low <= high, 0.5 * (low + high), 0.0)
    # A frame that is missing has no picture.
    middle = torch.where(batch.middle.isnan(), -torch.inf, batch.middle).amax(1)
    return torch.where(middle.isfinite(), middle, own)


def person_size(batch: Batch) -> Float[Tensor, " batch"]:
    """The larger side of the person in the pictures of a window, pixels, mean over its frames."""
    known = batch.xy.isfinite().all(-1, keepdim=True)
    low = torch.where(known, batch.xy, torch.inf).amin(2)
    high = torch.where(known, batch.xy, -torch.inf).amax(2)
    side = (high - low).amax(-1)
    seen = (side > 0) & side.isfinite()
    return torch.where(seen, side, 0.0).sum(1) / seen.sum(1).clamp(min=1)


def mirrored(batch: Batch, chosen: Chosen) -> Batch:
    """The picture in a mirror, in which left is right: exact."""
    device = batch.xy.device
    order = _MIRROR.to(device)
    flip = torch.tensor([-1.0, 1.0, 1.0], device=device)
    middle = pivot(batch)[:, None, None]

    def either(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(_wide(chosen, old), new, old)

    def in_picture(xy: Tensor) -> Tensor:
        x = 2 * middle[..., 0] - xy[..., order, 0]
        return either(torch.stack([x, xy[..., order, 1]], -1), xy)

    return batch.replaced(
        xy=in_picture(batch.xy),
        xyz=either(batch.xyz[..., order, :] * flip, batch.xyz),
        confidence=either(batch.confidence[..., order], batch.confidence),
        truth=either(batch.truth[..., order, :] * flip, batch.truth),
        truth_xy=in_picture(batch.truth_xy),
        camera=either(batch.camera * flip, batch.camera),
    )


def rolled(batch: Batch, angle: Float[Tensor, " batch"]) -> Batch:
    """The camera turned about its axis, radians, x towards y: exact.

    Facing axes turn with it, because the way from the camera's axes to them is the shortest one.
    """
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]

    def turn(points: Tensor) -> Tensor:
        x, y = points[..., 0], points[..., 1]
        turned = [cosine * x - sine * y, sine * x + cosine * y]
        return torch.stack([*turned, *points[..., 2:].unbind(-1)], -1)

    middle = pivot(batch)[:, None, None]
    return batch.replaced(
        xy=turn(batch.xy - middle) + middle,
        xyz=turn(batch.xyz),
        truth=turn(batch.truth),
        truth_xy=turn(batch.truth_xy - middle) + middle,
    )


def reversed_in_time(batch: Batch, chosen: Chosen) -> Batch:
    """Windows played backwards: exact but for gravity."""

    def either(part: Tensor) -> Tensor:
        return torch.where(_wide(chosen, part), part.flip(1), part)

    names = ("xy", "xyz", "confidence", "truth", "truth_xy", "camera", "middle", "elevation")
    parts = {name: either(getattr(batch, name)) for name in names}
    time = torch.where(chosen[:, None], -batch.time.flip(1), batch.time)
    return batch.replaced(time=time, **parts)


def blended(batch: Batch, share: Float[Tensor, " batch"]) -> Batch:
    """2D moved towards the true 2D: 0 leaves it, 1 makes it true; unknown truth moves nothing."""
    gap = (batch.truth_xy - batch.xy).nan_to_num(0.0)
    return batch.replaced(xy=batch.xy + _wide(share, gap) * gap)


def without(batch: Batch, missing: Bool[Tensor, "batch frames 17"]) -> Batch:
    """Points that the detector did not find."""
    return batch.replaced(
        xy=torch.where(missing[..., None], torch.nan, batch.xy),
        xyz=torch.where(missing[..., None], torch.nan, batch.xyz),
        confidence=torch.where(missing, 0.0, batch.confidence),
    )


def swapped(batch: Batch, chosen: Bool[Tensor, "batch frames 17"]) -> Batch:
    """Left and right exchanged in what the detector says, as it does at times; truth stays."""
    order = _MIRROR.to(batch.xy.device)
    return batch.replaced(
        xy=torch.where(chosen[..., None], batch.xy[..., order, :], batch.xy),
        xyz=torch.where(chosen[..., None], batch.xyz[..., order, :], batch.xyz),
        confidence=torch.where(chosen, batch.confidence[..., order], batch.confidence),
    )


def leant(
    batch: Batch,
    tilt: Float[Tensor, " batch"],
    turn: Float[Tensor, " batch"],
    depth: Float[Tensor, " batch"],
) -> Batch:
    """The detector's 3D leaning, turned and flattened as a whole; truth stays.

    How it leans depends on pictures in ways that renders do not teach; who has seen it lean any
    way asks the picture instead.

    Args:
        batch: as it is.
        tilt: angle about the axis to the right, radians: positive takes what is below away.
        turn: angle about the axis down, radians.
        depth: factor on depths.
    """
    x, y, z = batch.xyz.unbind(-1)
    z = z * _wide(depth, z)
    cosine, sine = _wide(tilt.cos(), y), _wide(tilt.sin(), y)
    y, z = cosine * y - sine * z, sine * y + cosine * z
    cosine, sine = _wide(turn.cos(), x), _wide(turn.sin(), x)
    x, z = cosine * x + sine * z, cosine * z - sine * x
    return batch.replaced(xyz=torch.stack([x, y, z], -1))


def told_elevation(
    batch: Batch,
    chosen: Chosen,
    sigma: Float[Tensor, " batch"],
    error: Float[Tensor, " batch"],
) -> Batch:
    """The camera's elevation told, as far off in a whole window as one guess of gravity is.

    Args:
        batch: as it is.
        chosen: the windows in which it is told.
        sigma: how far off it is said to be, radians.
        error: how far off it is, radians.
    """
    x, y, z = batch.camera.unbind(-1)
    angle = torch.atan2(y, torch.hypot(x, z)) + error[:, None]
    told = torch.stack([angle, sigma[:, None].expand_as(angle)], -1)
    return batch.replaced(elevation=torch.where(chosen[:, None, None], told, batch.elevation))


def _limb_swaps(batch: Batch, chosen: Bool[Tensor, "batch frames"], lot: Tensor) -> Batch:
    """Left and right exchanged of everything, of the legs alone, or of all but the legs."""
    legs = _LEGS.to(chosen.device)
    kind = (3 * lot).floor()[:, None, None]
    points = torch.where(kind == 0, True, torch.where(kind == 1, legs, ~legs))
    return swapped(batch, chosen[..., None] & points)


def augmented(batch: Batch, amounts: Augmentations, lots: Generator) -> Batch:
    """A batch varied at random; see :class:`Augmentations`.

    Args:
        batch: as it is.
        amounts: how much of what.
        lots: what is drawn from, on the batch's device.
    """
    count, frames = batch.xy.shape[:2]
    device = batch.xy.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=lots, device=device)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=lots, device=device)

    if amounts.blend:
        batch = blended(batch, uniform() * (uniform() < amounts.blend))
    if amounts.mirror:
        batch = mirrored(batch, uniform() < amounts.mirror)
    if amounts.roll:
        batch = rolled(batch, amounts.roll * normal())
    if amounts.reverse and frames > 1:
        batch = reversed_in_time(batch, uniform() < amounts.reverse)
    # Nothing but its neighbours tells that a frame is swapped.
    if amounts.swap and frames > 1:
        chosen = _runs(uniform(), uniform(2), frames, amounts.swap, 1.0)
        batch = _limb_swaps(batch, chosen, uniform())
    if amounts.noise_2d:
        size = _wide(person_size(batch), batch.xy)
        batch = batch.replaced(xy=batch.xy + amounts.noise_2d * size * normal(frames, 17, 2))
    if amounts.lean or amounts.turn or amounts.flatten:
        # A share keeps what the detector really said.
        some = (uniform() < _LEANT).float()
        angles = (amounts.lean * normal() * some, amounts.turn * normal() * some)
        batch = leant(batch, *angles, (amounts.flatten * normal() * some).exp())
    if amounts.raw_scale or amounts.noise_3d:
        xyz = batch.xyz * _wide((amounts.raw_scale * normal()).exp(), batch.xyz)
        batch = batch.replaced(xyz=xyz + amounts.noise_3d * normal(frames, 17, 3))
    if amounts.tell_elevation:
        least, most = (math.log(bound) for bound in _ELEVATION_SIGMA)
        sigma = (least + (most - least) * uniform()).exp()
        batch = told_elevation(batch, uniform() < amounts.tell_elevation, sigma, sigma * normal())
    return _with_gaps(batch, amounts, lots)


def _with_gaps(batch: Batch, amounts: Augmentations, lots: Generator) -> Batch:
    """Joints, limbs, frames and the raw 3D missing here and there."""
    count, frames = batch.xy.shape[:2]
    device = batch.xy.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=lots, device=device)

    missing = uniform(frames, 17) < amounts.drop_joint
    limbs = uniform(4) < amounts.drop_limb
    missing |= (limbs.float() @ _LIMBS.to(device).float() > 0)[:, None]
    if frames > 1:
        gaps = _runs(uniform(), uniform(2), frames, amounts.drop_frames, 0.5)
        missing |= gaps[..., None]
    batch = without(batch, missing)
    if amounts.drop_3d:
        gone = _wide(uniform() < amounts.drop_3d, batch.xyz)
        batch = batch.replaced(xyz=torch.where(gone, torch.nan, batch.xyz))
    return batch


def _runs(
    lot: Tensor, place: Tensor, frames: int, probability: float, longest: float
) -> Bool[Tensor, "batch frames"]:
    """In some windows, a run of frames of random length and place.

    Args:
        lot: (batch,) uniform: whether there is one.
        place: (batch, 2) uniform: how long, and where.
        frames: of a window.
        probability: that there is one.
        longest: share of the window that it takes at most.
    """
    length = 1 + (place[:, :1] * longest * frames).floor().clamp(max=frames - 1)
    start = (place[:, 1:] * (frames - length + 1)).floor()
    number = torch.arange(frames, device=lot.device)
    return (lot < probability)[:, None] & (number >= start) & (number < start + length)
