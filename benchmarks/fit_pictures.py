"""Pictures of a fitted take, for eyes: the body over the video, from the side, and from above.

    python benchmarks/fit_pictures.py TAKE VIDEO --out DIR [--count 8] [--frames 10 20 30]

Writes ``over-PERSON.png`` (the skin over the video, cut out around the person; yellow dots are
where the detector saw keypoints, orange where it was unsure), ``side-PERSON.png`` (instants from
the camera's direction and from its left, the floor as a line, and how high soles are; what rests is
red) and ``top.png`` (everybody's path and feet from above).
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np

from mocap.body import Body, load_body
from mocap.evaluate.feet import contact_states, sole_points
from mocap.take import Person, Take
from mocap.video import open_video

mpl.use("Agg")
import matplotlib.pyplot as plt

#: Skin colours of people, RGB.
COLOURS = ((86, 156, 214), (220, 130, 70), (110, 180, 100), (190, 110, 190), (200, 180, 60))
RESTING, LEFT, RIGHT = (230, 40, 40), "tab:blue", "tab:orange"
SURE = 0.5
#: Of the skin over the video.
OPACITY = 0.6
#: Pixels of an instant's cell, and of a metre, in the pictures from the side.
CELL, METRE = 210, 110
NAMES = ("left heel", "left toe", "right heel", "right toe")


def skin(person: Person, body: Body, rows: Sequence[int]) -> np.ndarray:
    """(R, V, 3) the surface at some of a person's frames, world metres."""
    motion = person.body
    assert motion is not None
    names = (
        "expression global_orient body_pose left_hand_pose right_hand_pose jaw_pose transl joints"
    )
    some = {name: getattr(motion, name)[list(rows)] for name in names.split()}
    posed = body.forward(replace(motion, **some, joint_sigma=None), return_vertices=True)
    assert posed.vertices is not None
    return posed.vertices.detach().double().numpy()


def paint(
    picture: np.ndarray,
    pixels: np.ndarray,
    inside: np.ndarray,
    faces: np.ndarray,
    colour: tuple[int, int, int],
) -> None:
    """Draw a closed surface, far triangles first, lit from where it is seen.

    Args:
        picture: (H, W, 3), painted over.
        pixels: (V, 2) where vertices fall.
        inside: (V, 3) vertices in the axes of the eye, z away from it.
        faces: (T, 3) counter-clockwise from outside.
        colour: of the surface.
    """
    corners = inside[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    order = np.argsort(-corners[..., 2].mean(1))
    order = order[np.isfinite(pixels[faces[order]]).all((1, 2))]
    light = np.array([-0.3, -0.5, -0.8])
    shade = 0.45 + 0.55 * np.clip(normals @ (light / np.linalg.norm(light)), 0, 1)
    spots = np.clip(np.round(pixels[faces] * 8), -(2**24), 2**24).astype(np.int32)
    for index in order:
        if normals[index] @ corners[index, 0] < 0:
            tone = tuple(float(part) for part in shade[index] * np.array(colour))
            cv2.fillConvexPoly(picture, spots[index], tone, cv2.LINE_AA, 3)


def over_video(
    take: Take, name: str, body: Body, images: Mapping[int, np.ndarray], colour: int
) -> np.ndarray:
    """A sheet of the skin over frames of the video, each beside the frame itself."""
    person = take.people[name]
    first = int(person.frames[0])
    rows = [frame - first for frame in images]
    faces, surfaces = body.faces.numpy(), skin(person, body, rows)
    soles = sole_points(person, body)
    contact, _ = contact_states(person, np.full((len(person.frames), 4), np.nan))
    cells = []
    for row, surface, (frame, image) in zip(rows, surfaces, images.items(), strict=True):
        at = np.array([frame])
        _, R, t = take.camera.at(at)
        pixels = take.camera.project(surface[None], at)[0]
        layer = image.copy()
        paint(layer, pixels, surface @ R[0].T + t[0], faces, COLOURS[colour % len(COLOURS)])
        shown = cv2.addWeighted(layer, OPACITY, image, 1 - OPACITY, 0)
        size = max(3, round(np.ptp(pixels[:, 1]) / 130))
        if person.keypoints2d is not None:
            told = person.keypoints2d
            for spot, sure in zip(told.xy[row], told.confidence[row], strict=True):
                if np.isfinite(spot).all():
                    tone = (255, 255, 0) if sure > SURE else (255, 140, 0)
                    cv2.circle(shown, spot.round().astype(int).tolist(), size, tone, -1)
        if soles is not None:
            for spot in take.camera.project(soles[row : row + 1], at)[0][contact[row]]:
                cv2.circle(shown, spot.round().astype(int).tolist(), 2 * size, RESTING, 2)
        unseen = "" if person.observed[row] else " unseen"
        pair = np.hstack([cut_out(part, pixels) for part in (image, shown)])
        cv2.putText(pair, f"{frame}{unseen}", (8, 26), 0, 0.8, (255, 255, 255), 3)
        cv2.putText(pair, f"{frame}{unseen}", (8, 26), 0, 0.8, (0, 0, 0), 1)
        cells.append(pair)
    return sheet(cells, columns=4)


def cut_out(image: np.ndarray, pixels: np.ndarray, height: int = 480) -> np.ndarray:
    """The picture around a person, of one size; black beyond the picture."""
    low, high = np.nanmin(pixels, 0), np.nanmax(pixels, 0)
    middle, reach = (low + high) / 2, 0.62 * max(high[1] - low[1], (high[0] - low[0]) * 1.3)
    scale = height / (2 * reach)
    width = round(height / 1.3)
    shift = np.array([width / 2, height / 2]) - scale * middle
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_AREA)


def sheet(cells: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size in rows."""
    blank = [np.zeros_like(cells[0])] * (-len(cells) % columns)
    padded = [*cells, *blank]
    return np.vstack(
        [np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)]
    )


def ground_axes(take: Take) -> np.ndarray:
    """(3, 3) rows: to the camera's right along the ground, down, and away from the camera."""
    right = take.camera.R[0][0] * [1, 0, 1]
    right /= np.linalg.norm(right)
    down = np.array([0.0, -1.0, 0.0])
    return np.stack([right, down, np.cross(right, down)])


def strip(
    surfaces: np.ndarray, axes: np.ndarray, body: Body, labels: Sequence[str], colour: int
) -> np.ndarray:
    """Instants beside each other, seen level along the third of some axes; the floor is a line."""
    floor = round((max(float(surfaces[..., 1].max()), 1.0) + 0.35) * METRE)
    below = max(-float(surfaces[..., 1].min()), 0.0) + 0.15
    size = floor + round(below * METRE), CELL * len(surfaces), 3
    picture = np.full(size, 255, np.uint8)
    for number, surface in enumerate(surfaces):
        inside = surface @ axes.T
        inside[:, [0, 2]] -= inside[:, [0, 2]].mean(0)
        pixels = inside[:, :2] * METRE + [CELL * (number + 0.5), floor]
        # From far away all rays are parallel.
        far = inside + [0, 0, 1000]
        paint(picture, pixels, far, body.faces.numpy(), COLOURS[colour % len(COLOURS)])
        cv2.putText(picture, labels[number], (CELL * number + 8, 22), 0, 0.7, (0, 0, 0), 2)
    cv2.line(picture, (0, floor), (picture.shape[1], floor), RESTING, 1)
    return picture


def from_the_side(take: Take, name: str, body: Body, frames: Sequence[int], colour: int):
    """Instants from two sides, and the height of the soles over time."""
    person = take.people[name]
    rows = [frame - int(person.frames[0]) for frame in frames]
    surfaces, front = skin(person, body, rows), ground_axes(take)
    # From the camera's left: what is near the camera is on the right.
    side = np.stack([-front[2], front[1], front[0]])
    labels = [str(frame) for frame in frames]
    views = {
        "as the camera looks, level": front,
        "from the camera's left (the camera is on the right)": side,
    }
    strips = [strip(surfaces, axes, body, labels, colour) for axes in views.values()]
    tall = 17 * strips[0].shape[0] / strips[0].shape[1]
    figure, panels = plt.subplots(
        4, 1, figsize=(18, 2 * tall + 8), height_ratios=[tall, tall, 3, 3], layout="constrained"
    )
    for panel, title, picture in zip(panels, views, strips, strict=False):
        panel.imshow(picture)
        panel.set_axis_off()
        panel.set_title(f"{name} {title}; red: the floor; a cell is {CELL / METRE:.1f} m wide")
    soles = sole_points(person, body)
    assert soles is not None
    contact, _ = contact_states(person, soles[..., 1])
    for foot, name_ in enumerate(NAMES):
        tone, style = (LEFT if foot < 2 else RIGHT), ("-" if foot % 2 else "--")
        for panel, values in (
            (panels[2], soles[:, foot, 1]),
            (panels[3], soles[:, foot] @ front[2] - np.median(soles @ front[2])),
        ):
            panel.plot(person.frames, values, style, color=tone, lw=1, label=name_)
            held = np.where(contact[:, foot], values, np.nan)
            panel.plot(person.frames, held, color="red", lw=3, alpha=0.5)
    panels[2].axhline(0, color="black", lw=1)
    panels[2].set_ylabel("height of soles, m (red: rests)")
    panels[3].set_ylabel("away from the camera, m")
    panels[3].set_xlabel("frame")
    for panel in panels[2:]:
        for start, stop in unseen_runs(person):
            panel.axvspan(start, stop, color="grey", alpha=0.25)
        panel.legend(loc="upper right", ncols=4, fontsize=8)
        panel.grid(alpha=0.3)
    return figure


def unseen_runs(person: Person) -> list[tuple[int, int]]:
    """First and last frames of what was filled in."""
    edges = np.diff(np.concatenate([[0], (~person.observed).astype(int), [0]]))
    starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    first = int(person.frames[0])
    return [(first + int(a), first + int(b) - 1) for a, b in zip(starts, stops, strict=True)]


def from_above(take: Take, body: Body, every: int):
    """Everybody's pelvis and soles on the ground, the camera below."""
    front = ground_axes(take)
    plane = front[[0, 2]]
    figure, panel = plt.subplots(figsize=(11, 11))
    for number, (name, person) in enumerate(take.people.items()):
        if person.body is None:
            continue
        tone = np.array(COLOURS[number % len(COLOURS)]) / 255
        root = person.body.joints[:, 0] @ plane.T
        panel.plot(*root.T, color=tone, lw=2, label=f"{name}: pelvis")
        for row in range(0, len(root), every):
            panel.annotate(str(person.frames[row]), root[row], fontsize=7)
        soles = sole_points(person, body)
        if soles is None:
            continue
        contact, _ = contact_states(person, soles[..., 1])
        flat = soles @ plane.T
        for foot in range(4):
            panel.plot(*flat[:, foot].T, lw=0.6, color=LEFT if foot < 2 else RIGHT)
            panel.plot(*flat[contact[:, foot], foot].T, ".", ms=4, color="red")
    camera = -(take.camera.R[0].T @ take.camera.t[0]) @ plane.T
    panel.plot(*camera, "k^", ms=10, label="camera")
    panel.set_aspect("equal")
    panel.grid(alpha=0.3)
    panel.set_xlabel("to the camera's right, m")
    panel.set_ylabel("away from the camera, m")
    panel.set_title("from above; blue: left foot, orange: right foot, red: rests")
    panel.legend(loc="best")
    figure.tight_layout()
    return figure


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("take", type=Path)
    parser.add_argument("video", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=8, help="instants of each person")
    parser.add_argument("--frames", type=int, nargs="+", help="instants, by video frame")
    options = parser.parse_args()
    take, body = Take.load(options.take), load_body()
    options.out.mkdir(parents=True, exist_ok=True)
    instants = {}
    for name, person in take.people.items():
        if person.body is None:
            continue
        spread = np.linspace(person.frames[0], person.frames[-1], options.count)
        asked = options.frames or spread.round().astype(int).tolist()
        there = [one for one in asked if person.frames[0] <= one <= person.frames[-1]]
        if there:
            instants[name] = sorted(set(there))
    wanted, images = {one for frames in instants.values() for one in frames}, {}
    with open_video(options.video) as source:
        for frame in source:
            if frame.index in wanted:
                images[frame.index] = frame.image.copy()
    for number, (name, frames) in enumerate(instants.items()):
        shown = {frame: images[frame] for frame in frames if frame in images}
        picture = over_video(take, name, body, shown, number)
        cv2.imwrite(str(options.out / f"over-{name}.png"), picture[..., ::-1])
        from_the_side(take, name, body, frames, number).savefig(
            options.out / f"side-{name}.png", dpi=80
        )
    every = max(1, len(take.video.timestamps) // 12)
    from_above(take, body, every).savefig(options.out / "top.png", dpi=80)
    print(f"{options.out}: {', '.join(sorted(path.name for path in options.out.glob('*.png')))}")


if __name__ == "__main__":
    main()
