"""How true the silhouettes of Gaussians on a body are, by the body's height in the picture.

    python benchmarks/silhouettes.py [--heights 64 96 160 200 400 640] [--gaussians 20000 2000]

Three poses seen from four sides, rendered in both of gsplat's modes and held against the body's own
triangles, drawn eight times as large and averaged down. Printed are the area of what is covered by
more than half over the true one, the IoU of both, the sum of all that is covered over the true
one, and how much the pixels inside the body hide: the mean, and the faintest hundredth.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import binary_erosion

from mocap.avatar import Avatar, View, render, surface_avatar
from mocap.body import Body, BodyPose, load_body
from mocap.geometry import look_at
from mocap.masks.depth_maps import depth_map

#: Axis-angles of body joints, without the pelvis, radians.
POSES = {
    "T": {},
    "standing": {15: (0.0, 0.0, -1.0), 16: (0.0, 0.0, 1.0)},
    "striding": {
        0: (-0.6, 0.0, 0.0),
        1: (0.5, 0.0, 0.0),
        4: (0.7, 0.0, 0.0),
        15: (0.0, -0.5, -1.0),
        16: (0.0, -0.5, 1.0),
        17: (0.0, -1.0, 0.0),
        18: (0.0, 0.8, 0.0),
    },
}
SIDES = (10, 75, 160, 290)
#: Pixels along a side of which a truth's pixel is made.
FINE = 8


@dataclass(frozen=True)
class Scene:
    """A body in a picture.

    Attributes:
        pose: of one frame.
        view: of the camera.
        size: width and height, pixels.
        truth: (H, W) how much of each pixel the body's triangles cover, 0 to 1.
    """

    pose: BodyPose
    view: View
    size: tuple[int, int]
    truth: np.ndarray


def scenes(body: Body, betas: torch.Tensor, height: int) -> Iterator[Scene]:
    """Somebody as many pixels high, in all poses and from all sides."""
    for turns in POSES.values():
        angles = torch.zeros(1, 21, 3)
        for joint, turn in turns.items():
            angles[0, joint] = torch.tensor(turn)
        pose = BodyPose(body_pose=angles.reshape(1, 63))
        vertices = body.forward(
            BodyPose(betas=betas[None], body_pose=pose.body_pose), return_vertices=True
        ).vertices
        assert vertices is not None
        surface = vertices[0].double().numpy()
        low, high = surface.min(0), surface.max(0)
        middle, away = 0.5 * (low + high), 4.0
        for side in np.deg2rad(SIDES):
            R, t = look_at(middle + away * np.array([np.sin(side), 0.1, np.cos(side)]), middle)
            focal = height * away / (high - low)[1]
            size = (int(1.2 * height), int(1.2 * height))
            K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])
            view = View(*(torch.from_numpy(part).float() for part in (K, R, t)))
            seen = surface @ R.T + t
            pixels = FINE * (seen[:, :2] / seen[:, 2:] * focal + np.array(size) / 2) - 0.5
            fine = (FINE * size[0], FINE * size[1])
            covered = np.isfinite(depth_map(pixels, seen[:, 2], body.faces.numpy(), *fine))
            truth = covered.reshape(size[1], FINE, size[0], FINE).mean((1, 3))
            yield Scene(pose, view, size, truth)


def figures(avatar: Avatar, scene: Scene, antialiased: bool) -> tuple[float, ...]:
    """Area, IoU and sum of a silhouette, and what its inside hides."""
    with torch.no_grad():
        posed = avatar.posed(scene.pose)
        picture = render(posed, scene.view, scene.size, antialiased=antialiased)
    alpha, solid = picture.alpha.double().numpy(), scene.truth > 0.5
    shown = alpha > 0.5
    inside = alpha[binary_erosion(scene.truth == 1)]
    return (
        shown.sum() / solid.sum(),
        (shown & solid).sum() / (shown | solid).sum(),
        alpha.sum() / scene.truth.sum(),
        inside.mean(),
        np.quantile(inside, 0.01),
    )


def main() -> None:
    """Print a line for every height, number of Gaussians and mode."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--heights", type=int, nargs="+", default=[64, 96, 160, 200, 400, 640])
    parser.add_argument("--gaussians", type=int, nargs="+", default=[20_000, 2000])
    given = parser.parse_args()
    body = load_body()
    betas = body.betas_for_height(1.75)
    whole = surface_avatar(body, betas, 20_000)
    print("height  Gaussians  mode         area    IoU   soft area  inside  faintest")
    for height in given.heights:
        seen = list(scenes(body, betas, height))
        for count in given.gaussians:
            avatar = whole.thinned(count)
            for antialiased in (False, True):
                found = np.mean([figures(avatar, one, antialiased) for one in seen], 0)
                mode = "antialiased" if antialiased else "classic"
                print(
                    f"{height:6}  {len(avatar):9}  {mode:11}  "
                    + "  ".join(f"{figure:6.3f}" for figure in found),
                    flush=True,
                )


if __name__ == "__main__":
    main()
