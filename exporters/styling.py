"""Skeletons as programs want them: names, rest pose, axes, a root bone; joints stay in place."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.exporters.heading import calm_heading
from mocap.exporters.performer import Performer
from mocap.exporters.presets import Preset
from mocap.exporters.skin import Skin
from mocap.geometry import Y_UP_TO_Z_UP, local_rotations

#: How far arms hang in an A-pose, degrees from level.
_DROP = 45.0


def styled(performer: Performer, preset: Preset, *, root_motion: bool = False) -> Performer:
    """A person of SMPL-X's joints as a preset wants them.

    Args:
        performer: T-pose, +Y up.
        preset: what is wanted; its axes of bones and units are left to the format.
        root_motion: whether the root bone travels over the ground below the hips, and turns with
            them, rather than stay at the origin. One is added where the preset has none.
    """
    found = standing(performer)
    if preset.rest == "A":
        found = posed_at_rest(found, _arms_down())
    found = kept(found, preset.bones)
    if preset.root is not None or root_motion:
        found = rooted(found, preset.root or "root", travels=root_motion)
    return turned(found, Y_UP_TO_Z_UP) if preset.up == "z" else found


def posed_at_rest(performer: Performer, pose: Mapping[str, Float[np.ndarray, "3 3"]]) -> Performer:
    """The same motion from another rest pose.

    A surface is bound anew where it is in that pose: what several joints move moves a little
    differently from there.

    Args:
        performer: the person.
        pose: local rotations from the present rest pose, of the joints that have any.
    """
    motion = performer.motion
    local = np.stack([pose.get(name, np.eye(3)) for name in motion.names])
    still = replace(
        motion,
        rotations=local[None],
        root_position=motion.rest_offsets[:1],
        local_positions=None,
    )
    world = still.world_rotations()[0]
    above = np.stack([np.eye(3) if up < 0 else world[up] for up in motion.parents])
    back = np.swapaxes(world, 1, 2)
    # A joint's axes are the world's in either rest pose: what a pose turned it by is undone.
    tips = motion.end_sites
    found = replace(
        motion,
        rest_offsets=(above @ motion.rest_offsets[..., None])[..., 0],
        rotations=above @ motion.rotations @ back,
        end_sites=None if tips is None else (world @ tips[..., None])[..., 0],
        local_positions=_turned_rows(motion.local_positions, above),
    )
    skin = performer.skin
    if skin is not None:
        old, new = motion.rest_positions(), still.joints()[0]
        shift = new - (world @ old[..., None])[..., 0]
        turn = np.einsum("vj,jab->vab", skin.weights, world)
        placed = (turn @ skin.vertices[..., None])[..., 0] + skin.weights @ shift
        skin = replace(skin, vertices=placed)
    return replace(performer, motion=found, skin=skin)


def standing(performer: Performer) -> Performer:
    """With a rest pose that stands on the ground at the origin, as far as joints or skin tell."""
    motion, skin = performer.motion, performer.skin
    lowest = motion.rest_positions() if skin is None else skin.vertices
    root = motion.rest_offsets[0]
    shift = np.array([-root[0], -lowest[:, 1].min(), -root[2]])
    offsets = motion.rest_offsets.copy()
    offsets[0] += shift
    if skin is not None:
        skin = replace(skin, vertices=skin.vertices + shift)
    return replace(performer, motion=replace(motion, rest_offsets=offsets), skin=skin)


def kept(performer: Performer, names: Mapping[str, str]) -> Performer:
    """Only the joints that have a name, under that name.

    What the others carry is carried by the nearest joint above them that stays.
    """
    motion = performer.motion
    staying = [i for i, name in enumerate(motion.names) if name in names]
    heir: list[int] = []
    for i, parent in enumerate(motion.parents):
        heir.append(staying.index(i) if i in staying else heir[parent])
    places = motion.rest_positions()
    parents = tuple(-1 if motion.parents[i] < 0 else heir[motion.parents[i]] for i in staying)
    above = [places[staying[up]] if up >= 0 else np.zeros(3) for up in parents]
    world = motion.world_rotations()[:, staying]
    local = motion.local_positions
    found = replace(
        motion,
        names=tuple(names[motion.names[i]] for i in staying),
        parents=parents,
        rest_offsets=places[staying] - np.stack(above),
        rotations=local_rotations(world, parents),
        end_sites=None if motion.end_sites is None else motion.end_sites[staying],
        local_positions=None if local is None else local[:, staying],
    )
    skin = performer.skin
    if skin is not None:
        weights = np.zeros((len(skin.vertices), len(staying)))
        np.add.at(weights.T, heir, skin.weights.T)
        skin = replace(skin, weights=weights)
    return replace(performer, motion=found, skin=skin)


def rooted(performer: Performer, name: str, *, travels: bool) -> Performer:
    """With a bone at the origin above the root; the rest of the skeleton stays where it is.

    Args:
        performer: +Y up.
        name: of the bone.
        travels: whether it moves over the ground below the root and turns with it.
    """
    motion = performer.motion
    frames = len(motion)
    place, turn = np.zeros((frames, 3)), np.tile(np.eye(3), (frames, 1, 1))
    if travels:
        place = motion.root_position * [1.0, 0.0, 1.0]
        turn = calm_heading(motion)
    back = np.swapaxes(turn, 1, 2)
    rotations = np.concatenate([turn[:, None], motion.rotations], axis=1)
    rotations[:, 1] = back @ motion.rotations[:, 0]
    local = np.tile(motion.rest_offsets, (frames, 1, 1))
    if motion.local_positions is not None:
        local = motion.local_positions.copy()
    local[:, 0] = (back @ (motion.root_position - place)[..., None])[..., 0]
    tips = motion.end_sites
    found = replace(
        motion,
        names=(name, *motion.names),
        parents=(-1, *(parent + 1 for parent in motion.parents)),
        rest_offsets=np.concatenate([np.zeros((1, 3)), motion.rest_offsets]),
        rotations=rotations,
        root_position=place,
        end_sites=None if tips is None else np.concatenate([np.full((1, 3), np.nan), tips]),
        local_positions=np.concatenate([place[:, None], local], axis=1),
    )
    skin = performer.skin
    if skin is not None:
        skin = replace(skin, weights=np.pad(skin.weights, ((0, 0), (1, 0))))
    return replace(performer, motion=found, skin=skin)


def turned(performer: Performer, axes: Float[np.ndarray, "3 3"]) -> Performer:
    """In other axes of the world, which joints at rest share: ``axes`` maps the old to the new."""
    motion = performer.motion
    tips, local = motion.end_sites, motion.local_positions
    found = replace(
        motion,
        rest_offsets=motion.rest_offsets @ axes.T,
        rotations=axes @ motion.rotations @ axes.T,
        root_position=motion.root_position @ axes.T,
        end_sites=None if tips is None else tips @ axes.T,
        local_positions=None if local is None else local @ axes.T,
    )
    skin: Skin | None = performer.skin
    if skin is not None:
        skin = replace(skin, vertices=skin.vertices @ axes.T)
    return replace(performer, motion=found, skin=skin)


def _arms_down() -> dict[str, np.ndarray]:
    """SMPL-X's T-pose to an A-pose."""
    return {
        f"{side}_shoulder": Rotation.from_euler("z", sign * _DROP, degrees=True).as_matrix()
        for side, sign in (("left", -1.0), ("right", 1.0))
    }


def _turned_rows(positions: np.ndarray | None, turns: np.ndarray) -> np.ndarray | None:
    return None if positions is None else (turns @ positions[..., None])[..., 0]
