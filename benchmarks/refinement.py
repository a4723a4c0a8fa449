"""How far the picture corrects motion: on clips that are rendered, and on filmed ones with a truth.

    python benchmarks/refinement.py --data DATA [--frames 30]

Rendered: two people of different shapes in motions of DATA, every joint of every frame turned by
8 degrees rms at random (calm over time, as a fit's errors are), seen by one camera; and the same
with a shape that was misjudged, too: before, with poses corrected, and with both. Filmed: the
four cameras of ``pose2sim_single``, each extracted, given masks and avatars, and corrected alone.
Printed is the mean distance of joints from the truth, millimetres, before and after.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch.nn.functional import avg_pool2d

from mocap.avatar import Avatar, proportions, refine, render, surface_avatar
from mocap.avatar.colouring import with_colours
from mocap.avatar.looks import Look
from mocap.avatar.projection import View
from mocap.body import Body, BodyPose, load_body
from mocap.datasets.motions import motion_sources, to_body
from mocap.evaluate import Truth, evaluate, load_truth
from mocap.geometry import look_at
from mocap.take import Take

MOTIONS = {
    "dance": ("motions/perfume/A_test.bvh", 300),
    "salsa": ("motions/more/salsa/02.bvh", 60),
    "jumping jacks": ("motions/animated_drawings/cmu1/jumping_jacks.bvh", 10),
}
SHAPES = {"slight": (1.58, -1.0), "tall": (1.88, 0.8)}
SIZE = (240, 320)
#: Along a side, how many times larger pictures are rendered, and averaged down: as a camera sees.
FINE = 4


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--degrees", type=float, default=8.0)
    parser.add_argument("--only", choices=("rendered", "filmed"))
    options = parser.parse_args()
    if options.only != "filmed":
        rendered(options.data, options.frames, options.degrees)
    if options.only != "rendered":
        filmed(options.data / "clips" / "pose2sim_single")


def rendered(data: Path, frames: int, degrees: float) -> None:
    """Motion that is known, disturbed and corrected."""
    body = load_body()
    print(f"{'motion':<16}{'shape':<10}{'before':>8}{'after':>8}{'less by':>9}", end="")
    print(f"{'other shape':>14}{'poses':>8}{'and shape':>11}")
    cuts = []
    for motion, (file, first) in MOTIONS.items():
        clip = motion_sources(data / file, body)[0].read().resampled(30.0)
        moved = to_body(clip[first : first + frames], body.to(dtype=torch.float64)).body_pose()
        for number, (shape, (height, width)) in enumerate(SHAPES.items()):
            avatar = dressed(body, height, width, number)
            truth = replace(BodyPose.of(moved, body.template), betas=None)
            wrong = disturbed(truth, degrees, number)
            seen, rough = pictures(avatar, truth), avatar.thinned(4000)
            found = refine(rough, wrong, seen).pose
            before, after = (error(avatar.betas, pose, truth, avatar) for pose in (wrong, found))
            cuts.append(1 - after / before)
            print(f"{motion:<16}{shape:<10}{before:8.1f}{after:8.1f}{cuts[-1]:9.0%}", end="")
            other = rough.shaped(misjudged(avatar.betas, number))
            sized = rough.shaped(proportions(other, wrong, seen).betas)
            errors = [error(other.betas, wrong, truth, avatar)]
            for one in (other, sized):
                errors.append(error(one.betas, refine(one, wrong, seen).pose, truth, avatar))
            print("{:14.1f}{:8.1f}{:11.1f}".format(*errors), flush=True)
    print(f"least {min(cuts):.0%}, mean {np.mean(cuts):.0%}")


def dressed(body: Body, height: float, width: float, seed: int) -> Avatar:
    """Somebody of a stature and build in patterned clothes."""
    betas = body.betas_for_height(height)
    betas[1] += width
    avatar = surface_avatar(body, betas, 10_000, name="made up")
    chance = np.random.default_rng(seed)
    waves = torch.from_numpy(chance.normal(scale=22.0, size=(3, 3))).float()
    means = avatar.gaussians.means
    base = torch.from_numpy(chance.uniform(0.3, 0.7, size=3)).float()
    return with_colours(avatar, (base + 0.3 * (means @ waves).sin()).clamp(0, 1))


def disturbed(pose: BodyPose, degrees: float, seed: int) -> BodyPose:
    """Every joint's rotation off by so many degrees rms, calmly over time."""
    assert pose.global_orient is not None
    assert pose.body_pose is not None
    chance = np.random.default_rng(seed)
    count = len(pose.global_orient)
    noise = gaussian_filter1d(chance.normal(size=(count, 22, 3)), 4, axis=0, mode="nearest")
    noise *= np.deg2rad(degrees) / np.sqrt((noise**2).sum(-1).mean())
    turns = torch.from_numpy(noise).float()
    return replace(
        pose,
        global_orient=pose.global_orient + turns[:, 0],
        body_pose=pose.body_pose + turns[:, 1:].flatten(1),
    )


def misjudged(betas: torch.Tensor, seed: int) -> torch.Tensor:
    """A shape as a fit gets it wrong: the first six components off by 0.7 each, rms."""
    off = np.random.default_rng(5 + seed).normal(scale=0.7, size=6)
    return torch.cat([betas[:6] + torch.from_numpy(off).to(betas), betas[6:]])


def joints(body: Body, betas: torch.Tensor, pose: BodyPose) -> torch.Tensor:
    """The body's joints, (frames, 22, 3) metres."""
    return body.forward(replace(pose, betas=betas[None])).joints[:, :22].detach()


def error(betas: torch.Tensor, pose: BodyPose, truth: BodyPose, avatar: Avatar) -> float:
    """Mean distance of joints in the world from those of the avatar's own shape, millimetres."""
    off = joints(avatar.body, betas, pose) - joints(avatar.body, avatar.betas, truth)
    return 1000 * float(off.norm(dim=-1).mean())


def pictures(avatar: Avatar, pose: BodyPose) -> list[Look]:
    """What one camera sees, before a cluttered wall."""
    places = joints(avatar.body, avatar.betas, pose)
    hips = places[:, 0].mean(0).numpy()
    R, t = look_at(hips + 3.6 * np.array([np.sin(0.6), 0.15, np.cos(0.6)]), hips)
    focal = 1.3 * SIZE[1]
    K = torch.tensor([[focal, 0, SIZE[0] / 2], [0, focal, SIZE[1] / 2], [0, 0, 1.0]])
    view = View(K, torch.from_numpy(R).float(), torch.from_numpy(t).float())
    fine = replace(view, K=torch.diag(torch.tensor([FINE, FINE, 1.0])) @ K)
    clutter = np.random.default_rng(0).uniform(size=(SIZE[1], SIZE[0], 3))
    clutter = gaussian_filter1d(gaussian_filter1d(clutter, 4, 0), 4, 1)
    wall = torch.from_numpy((4 * (clutter - clutter.mean()) + 0.5).clip(0, 1)).float()
    told = torch.ones(SIZE[1], SIZE[0], dtype=torch.bool)
    found = []
    for row in range(len(places)):
        one = BodyPose.of(pose, avatar.betas, [row])
        with torch.no_grad():
            large = render(avatar.posed(one), fine, (FINE * SIZE[0], FINE * SIZE[1]))
        planes = torch.cat([large.colour, large.alpha[..., None]], -1).movedim(-1, 0)
        seen = avg_pool2d(planes, FINE).movedim(0, -1)
        image = (seen[..., :3] + (1 - seen[..., 3:]) * wall).clamp(0, 1)
        found.append(Look(row, image, seen[..., 3] > 0.5, told, view, one, 1.0))
    return found


def filmed(folder: Path) -> None:
    """Each camera's clip by itself: extracted, corrected, and held against four cameras' truth."""
    truth, body = load_truth(folder / "ground_truth.json"), load_body()
    print(f"\n{'camera':<12}{'':<10}{'axes':>8}{'world':>8}{'PA':>8}{'jitter':>8}{'slide':>8}")
    cuts = []
    with tempfile.TemporaryDirectory() as scratch:
        for clip in sorted(folder.glob("cam*.mp4")):
            out = Path(scratch) / clip.stem
            for command in (
                ["extract", str(clip), "--out", str(out)],
                ["avatar", "refine", str(out / "take.h5")],
            ):
                subprocess.run([sys.executable, "-m", "mocap", *command, "--quiet"], check=True)
            both = []
            for name, label in (("take.h5", "before"), ("refined.h5", "after")):
                figures = measured(Take.load(out / name), truth, body)
                both.append(figures[0])
                print(f"{clip.stem:<12}{label:<10}" + "".join(f"{one:8.1f}" for one in figures))
            cuts.append(1 - both[1] / both[0])
    print(f"camera axes: least {min(cuts):+.1%}, mean {np.mean(cuts):+.1%}")


def measured(take: Take, truth: Truth, body: Body) -> tuple[float, float, float, float, float]:
    """MPJPE in the camera's axes, upright, and after similarities, mm; jitter; foot slide, mm."""
    report = evaluate(take, truth, body=body).as_json()
    found = report["comparison"]["people"][0]
    person = next(one for one in report["people"] if one["person"] == found["person"])
    return (
        found["fit"]["mpjpe_camera_axes_mm"],
        found["fit"]["mpjpe_world_up_to_heading_mm"],
        found["fit"]["pa_mpjpe_mm"],
        person["fit"]["jitter_10m_per_s3"],
        person["feet"]["foot_slide_mm_per_frame"],
    )


if __name__ == "__main__":
    main()
