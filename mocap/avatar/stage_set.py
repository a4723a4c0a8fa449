"""Where avatars are filmed: a floor to stand on, their shadows, a camera that goes round them."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from torch import Tensor

from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import constant_harmonics
from mocap.avatar.projection import View
from mocap.geometry import look_at

#: The studio: air, floor and its other squares; metres of a square, and to where it fades.
_AIR, _FLOOR, _SQUARES = (0.93, 0.94, 0.95), (0.80, 0.81, 0.83), (0.75, 0.76, 0.79)
_SQUARE, _FADE = 0.5, 12.0
#: A shadow: one of so many Gaussians casts, as wide a blot, as dark, metres above the floor.
_OF, _BLOT, _DARK, _ABOVE = 24, 0.06, 0.012, 0.003
#: Height above it from which on nothing casts any.
_HIGHEST = 1.8
#: An orbiting camera's field of view along the picture's height, how far it looks down, seconds
#: over which it moves, and how far people reach from the middle of their hips, metres.
_FIELD, _RISE, _CALM, _PERSON = np.deg2rad(40.0), np.deg2rad(10.0), 0.7, 1.05


def studio(view: View, size: tuple[int, int]) -> Float[Tensor, "height width 3"]:
    """A checkered floor at y = 0 under plain air, as a camera sees them."""
    width, height = size
    K, R, t = (part.detach().cpu().float().numpy() for part in (view.K, view.R, view.t))
    across = (np.arange(width, dtype=np.float32) + 0.5 - K[0, 2]) / K[0, 0]
    down = (np.arange(height, dtype=np.float32)[:, None] + 0.5 - K[1, 2]) / K[1, 1]
    x, y, z = (across * R[0, axis] + down * R[1, axis] + R[2, axis] for axis in range(3))
    place = -R.T @ t
    # Who looks up from above the floor, or along it, sees none.
    hit = y * place[1] < 0
    far = np.divide(-place[1], y, out=np.zeros_like(y), where=hit)
    x, z = far * x, far * z
    near = np.exp(-(x * x + z * z) / _FADE**2) * hit
    squares = np.floor((x + place[0]) / _SQUARE) + np.floor((z + place[2]) / _SQUARE)
    air = np.array(_AIR, np.float32)
    tones = np.array([_FLOOR, _SQUARES], np.float32)[(squares % 2).astype(np.intp)]
    return torch.from_numpy(air + near[..., None] * (tones - air)).to(view.K)


def shadow(gaussians: Gaussians) -> Gaussians:
    """The soft shadow of Gaussians on the floor, with the light straight above."""
    means = gaussians.means[::_OF].detach()
    harmonics = constant_harmonics(torch.zeros_like(means))
    rest = harmonics.new_zeros(len(means), gaussians.harmonics.shape[1] - 1, 3)
    high = (means[:, 1] / _HIGHEST).clamp(0, 1)
    wide = _BLOT * (1 + 2 * high)
    unturned = means.new_tensor([1.0, 0, 0, 0]).expand(len(means), 4)
    flat = torch.stack([wide, torch.full_like(wide, 0.001), wide], 1)
    on_floor = torch.stack([means[:, 0], torch.full_like(wide, _ABOVE), means[:, 2]], 1)
    dark = _DARK * (1 - high) + _DARK / 6
    return Gaussians(on_floor, flat, unturned, dark, torch.cat([harmonics, rest], 1))


def orbit(
    people: Sequence[Float[np.ndarray, "frames 3"]], size: tuple[int, int], turns: float, fps: float
) -> list[View]:
    """A camera that goes round whoever moves, calmly, for every frame of a film.

    Args:
        people: the middle of each one's hips, world metres; NaN in frames in which they are not.
        size: of the picture: width and height, pixels.
        turns: how often it goes round over the film.
        fps: frames a second.
    """
    places = np.stack(people)
    known = np.isfinite(places[..., 0])
    # What all of them span, and where there is nobody, what they spanned last.
    low = _filled(np.where(known[..., None], places, np.inf).min(0))
    high = _filled(np.where(known[..., None], places, -np.inf).max(0))
    sigma = _CALM * fps
    # The camera does not jolt with every step.
    middle = gaussian_filter1d(0.5 * (low + high), sigma, axis=0, mode="nearest")
    width, height = size
    focal = 0.5 * height / np.tan(0.5 * _FIELD)
    angles = 2 * np.pi * turns * np.arange(len(middle)) / len(middle)
    level = np.cos(_RISE)
    away = np.stack(
        [level * np.sin(angles), np.full_like(angles, np.sin(_RISE)), level * np.cos(angles)], 1
    )
    towards = np.stack([look_at(one, np.zeros(3))[0] for one in away])
    halves = float(np.arctan(0.5 * width / focal)), 0.5 * _FIELD
    needed = _needed(places - middle, towards, halves)
    # It backs off before somebody leaves the picture, and no farther back and forth than the
    # largest were taken from, so that it is never less.
    needed = maximum_filter1d(needed, 2 * round(2 * sigma) + 1)
    needed = gaussian_filter1d(needed, sigma, mode="nearest", truncate=2)
    K = torch.tensor([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    views = []
    for target, place in zip(middle, middle + needed[:, None] * away, strict=True):
        # Never under the floor.
        place[1] = max(place[1], 0.3)
        R, t = look_at(place, target)
        views.append(View(K, torch.from_numpy(R).float(), torch.from_numpy(t).float()))
    return views


def _needed(
    people: Float[np.ndarray, "people frames 3"],
    towards: Float[np.ndarray, "frames 3 3"],
    halves: tuple[float, float],
) -> Float[np.ndarray, " frames"]:
    """How far from the origin the camera has to be, metres, to have everybody in the picture.

    Args:
        people: the middle of each one's hips; NaN where they are not.
        towards: the camera's attitude, world to camera.
        halves: of its field of view, across and down, radians.
    """
    seen = np.einsum("fij,pfj->pfi", towards, people)
    # No nearer than for one person alone in the middle.
    needed = np.full(len(towards), _PERSON / np.sin(min(halves)))
    for axis, half in enumerate(halves):
        # A sphere touches the picture's edge.
        wanted = (np.abs(seen[..., axis]) * np.cos(half) + _PERSON) / np.sin(half) - seen[..., 2]
        needed = np.fmax(needed, np.fmax.reduce(wanted, axis=0))
    return needed


def _filled(places: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """Places over time, those that are not finite between or beside the others."""
    frames, known = np.arange(len(places)), np.isfinite(places[:, 0])
    if not known.any():
        return np.zeros_like(places)
    return np.stack([np.interp(frames, frames[known], axis[known]) for axis in places.T], 1)
