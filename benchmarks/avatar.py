"""Pictures a second of a body of Gaussians, rendered on the CPU, without gradients and with.

    python benchmarks/avatar.py [--gaussians 50000] [--side 512] [--threads 1 2] [--times 10]

The cloud lies on the open body's surface in its rest pose, which fills nine tenths of the
picture's height: flat Gaussians half as wide as they are apart, from sheer to opaque, with
harmonics of degree 3. Each figure is of the quickest of several runs, for other programs only ever
slow them down; processor time tells what is left when they do.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import trimesh

from mocap.avatar import Gaussians, render
from mocap.body import load_body
from mocap.geometry import Camera, look_at


@dataclass(frozen=True)
class Seconds:
    """Of the quickest run by either clock."""

    wall: float
    processor: float

    def __str__(self) -> str:
        return (
            f"{1e3 * self.wall:7.1f} ms ({1 / self.wall:5.1f} a second), "
            f"processor {1e3 * self.processor:7.1f} ms"
        )


def body_of_gaussians(count: int) -> Gaussians:
    """Gaussians all over the open body, which stands at the origin."""
    body = load_body()
    surface = trimesh.Trimesh(body.rest_vertices()[0].numpy(), body.faces.numpy(), process=False)
    points, faces = trimesh.sample.sample_surface(surface, count, seed=0)
    apart = np.sqrt(surface.area / count)
    generator = torch.Generator().manual_seed(0)
    # The quaternion that turns z onto the surface's normal.
    normals = torch.from_numpy(surface.face_normals[faces]).float()
    x, y, z = normals.unbind(-1)
    rotations = torch.stack([1 + z, -y, x, torch.zeros_like(z)], -1) + 1e-6
    return Gaussians(
        means=torch.from_numpy(np.asarray(points)).float(),
        scales=torch.tensor([apart, apart, 0.2 * apart]).float().expand(count, 3).clone() / 2,
        rotations=rotations,
        opacities=0.1 + 0.89 * torch.rand(count, generator=generator),
        harmonics=0.3 * torch.randn(count, 16, 3, generator=generator),
    )


def camera_of(cloud: Gaussians, side: int) -> Camera:
    """Before the body, and so far away that it fills nine tenths of a square picture's height."""
    low, high = cloud.means.amin(0).numpy(), cloud.means.amax(0).numpy()
    middle = 0.5 * (low + high)
    distance = 4.0
    R, t = look_at(middle + np.array([0.0, 0.0, distance]), middle)
    focal = 0.9 * side * distance / (high - low)[1]
    K = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
    return Camera(K[None], R[None], t[None])


def quickest(work: Callable[[], object], times: int) -> Seconds:
    """After one run that is not counted: it compiles what is not yet."""
    work()
    runs = []
    for _ in range(times):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        runs.append((time.perf_counter() - wall, time.process_time() - processor))
    return Seconds(*np.min(runs, axis=0))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gaussians", type=int, default=50_000)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--times", type=int, default=10)
    given = parser.parse_args()

    cloud = body_of_gaussians(given.gaussians)
    camera, size = camera_of(cloud, given.side), (given.side, given.side)
    leaves = Gaussians(*(part.clone().requires_grad_() for part in vars(cloud).values()))

    def forward() -> None:
        with torch.no_grad():
            render(cloud, camera, size)

    def forward_and_backward() -> None:
        rendering = render(leaves, camera, size)
        loss = (rendering.colour - 0.5).abs().mean() + (1 - rendering.alpha).mean()
        torch.autograd.grad(loss, tuple(vars(leaves).values()))

    with torch.no_grad():
        covered = float((render(cloud, camera, size).alpha > 0.5).float().mean())
    print(f"{given.gaussians} Gaussians, {given.side} x {given.side}, {covered:.0%} covered")
    for threads in given.threads:
        torch.set_num_threads(threads)
        print(f"{threads} threads, forward              {quickest(forward, given.times)}")
        print(
            f"{threads} threads, forward and backward {quickest(forward_and_backward, given.times)}"
        )


if __name__ == "__main__":
    main()
