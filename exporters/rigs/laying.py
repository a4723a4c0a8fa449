"""What a rig's joints are turned by when SMPL-X's are: rest poses laid on each other.

World rotations are told from either skeleton's rest pose. Before they are passed on, the rig's
rest pose is laid on the source's: limbs and fingers by the directions of their bones, feet by their
heading, so that soles stay flat. Hands go with their forearms; trunk and head stay as they are.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.exporters.rigs.carriers import parents_first
from mocap.exporters.rigs.rig import Rig
from mocap.geometry import rotation_between
from mocap.skeletons import FINGERS, SMPLX_55

_SIDES = ("left", "right")
_SPINE = ("spine1", "spine2", "spine3")
_TRUNK = ("pelvis", *_SPINE, "neck", "head")
#: How much of a bone is seen from ahead where it is told how far it is spread.
_SPREAD = 0.5
#: Palms that look another way than the source's, degrees, are turned to look its way.
_PALM = 30.0


@dataclass(frozen=True, eq=False)
class Drive:
    """How a rig's joints follow SMPL-X's.

    Attributes:
        carriers: of the rig's joints.
        sources: joint of the rig that is named to SMPL-X's joint that turns it.
        laid: the same to (3, 3), what lays its rest pose on the source's, +Y up and ahead +Z.
        drivers: (J,) the named joint that each joint turns with; -1 above the hips.
        shares: joints of the spine between named ones: those above and below, and how far along.
    """

    carriers: tuple[int, ...]
    sources: dict[int, int]
    laid: dict[int, Float[np.ndarray, "3 3"]]
    drivers: tuple[int, ...]
    shares: dict[int, tuple[int, int, float]]

    def turns(
        self, world: Float[np.ndarray, "frames source 3 3"]
    ) -> Float[np.ndarray, "frames joints 3 3"]:
        """(F, J, 3, 3) what joints are turned by from rest, of SMPL-X's world rotations."""
        found = np.tile(np.eye(3), (len(world), len(self.drivers), 1, 1))
        for joint, source in self.sources.items():
            found[:, joint] = world[:, source] @ self.laid[joint]
        for joint in parents_first(self.carriers):
            if joint in self.shares:
                above, below, share = self.shares[joint]
                found[:, joint] = _between(found[:, above], found[:, below], share)
            elif self.drivers[joint] not in (-1, joint):
                found[:, joint] = found[:, self.carriers[joint]]
        return found


def drive_of(rig: Rig, rest: Float[np.ndarray, "source 3"]) -> Drive:
    """How a rig follows a source.

    Args:
        rig: the rig.
        rest: (55, 3) SMPL-X's joints at rest, metres.
    """
    joints = dict(rig.joints)
    names = {name: name for name in joints}
    # Whatever joint of the spine is the last carries the chest.
    if "spine3" not in joints and (last := [name for name in _SPINE if name in joints]):
        names[last[-1]] = "spine3"
    places = rig.places()
    theirs = {name: places[i] for name, i in joints.items()}
    ours = dict(zip(SMPLX_55.names, rest, strict=True))
    laid = _laid(theirs, ours)
    sources = {joints[name]: SMPLX_55.index(source) for name, source in names.items()}
    carriers = rig.carriers
    drivers = [-1] * len(carriers)
    for i in parents_first(carriers):
        drivers[i] = i if i in sources else -1 if carriers[i] < 0 else drivers[carriers[i]]
    return Drive(
        carriers,
        sources,
        {joints[name]: turn for name, turn in laid.items()},
        tuple(drivers),
        _shares(carriers, joints),
    )


def heading(foot: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """The level direction of a foot from ankle to toe, ahead if it has none."""
    level = foot * [1.0, 0.0, 1.0]
    length = np.linalg.norm(level)
    return level / length if length > 0.2 * np.linalg.norm(foot) > 0 else np.array([0.0, 0.0, 1.0])


def _laid(theirs: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What lays each named joint's rest on the source's."""
    found = {name: np.eye(3) for name in theirs}
    for side in _SIDES:
        for chain in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
            limb = [f"{side}_{joint}" for joint in chain]
            _lay_chain(limb, np.eye(3), found, theirs, ours, is_limb=True)
        ankle, toe, wrist = (f"{side}_{joint}" for joint in ("ankle", "foot", "wrist"))
        if ankle in found:
            found[ankle] = np.eye(3)
            if toe in found:
                ways = [heading(feet[toe] - feet[ankle]) for feet in (theirs, ours)]
                found[ankle] = found[toe] = rotation_between(*ways)
        if wrist in found:
            _lay_palm(side, found, theirs, ours)
            for finger in FINGERS:
                chain_ = [f"{side}_{finger}{part}" for part in (1, 2, 3)]
                _lay_chain(chain_, found[wrist], found, theirs, ours)
    return found


def _lay_chain(
    chain: list[str],
    start: np.ndarray,
    found: dict[str, np.ndarray],
    theirs: dict[str, np.ndarray],
    ours: dict[str, np.ndarray],
    *,
    is_limb: bool = False,
) -> None:
    """Lay bones one after the other; what ends the chain goes with the bone before."""
    turn = start
    told = [name for name in chain if name in found]
    for place, name in enumerate(told):
        for following in told[place + 1 : place + 2]:
            bones = [places[following] - places[name] for places in (theirs, ours)]
            ways = [bone / (np.linalg.norm(bone) or 1.0) for bone in bones]
            if min(np.linalg.norm(bone) for bone in bones) > 0:
                if is_limb and not place:
                    turn = _swung(ways[0], ways[1])
                turn = rotation_between(turn @ ways[0], ways[1]) @ turn
        found[name] = turn


def _swung(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The turn about ahead that brings a bone nearest: as arms and legs are spread for a pose."""
    flat = start[:2], end[:2]
    if min(np.linalg.norm(way) for way in flat) < _SPREAD:
        return np.eye(3)
    angle = np.arctan2(end[1], end[0]) - np.arctan2(start[1], start[0])
    return Rotation.from_euler("z", angle).as_matrix()


def _lay_palm(
    side: str,
    found: dict[str, np.ndarray],
    theirs: dict[str, np.ndarray],
    ours: dict[str, np.ndarray],
) -> None:
    """Turn a hand about its forearm where its palm looks another way; the forearm goes half."""
    elbow, wrist = f"{side}_elbow", f"{side}_wrist"
    knuckles = [f"{side}_{finger}1" for finger in ("index", "pinky")]
    if elbow not in found or not found.keys() >= set(knuckles):
        return
    along = ours[wrist] - ours[elbow]
    along /= np.linalg.norm(along)
    across = [places[knuckles[0]] - places[knuckles[1]] for places in (theirs, ours)]
    across[0] = found[wrist] @ across[0]
    flat = [way - (way @ along) * along for way in across]
    angle = np.arctan2(np.cross(*flat) @ along, flat[0] @ flat[1])
    if abs(np.rad2deg(angle)) > _PALM:
        for name, share in ((elbow, 0.5), (wrist, 1.0)):
            found[name] = Rotation.from_rotvec(share * angle * along).as_matrix() @ found[name]


def _shares(carriers: tuple[int, ...], joints: dict[str, int]) -> dict[int, tuple[int, int, float]]:
    """Joints of the spine that nobody names, between those that somebody does."""
    found = {}
    trunk = [joints[name] for name in _TRUNK if name in joints]
    named = set(joints.values())
    for below in trunk:
        between: list[int] = []
        above = carriers[below]
        while above >= 0 and above not in named:
            between.insert(0, above)
            above = carriers[above]
        if above in trunk:
            for place, joint in enumerate(between, 1):
                found[joint] = (above, below, place / (len(between) + 1))
    return found


def _between(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """Rotations part of the way from one to another."""
    turn = Rotation.from_matrix(np.swapaxes(start, -1, -2) @ end).as_rotvec()
    return start @ Rotation.from_rotvec(share * turn).as_matrix()
