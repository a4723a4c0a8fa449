"""A rig being posed: +Y up, ahead +Z, told from the pose in which it stands."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.errors import ExportError
from mocap.exporters.rigs.carriers import parents_first
from mocap.exporters.rigs.laying import Drive
from mocap.exporters.rigs.limbs import reached
from mocap.exporters.rigs.rig import Rig


@dataclass(eq=False)
class Figure:
    """A rig in every frame of a motion.

    Attributes:
        rig: the rig.
        drive: which joints turn with which.
        turns: (F, J, 3, 3) what joints are turned by from where they stand, in the world.
        hips: (F, 3) where the hips are, metres.
        root: (F, 3) where the rig's root bone is; where it stands if None.
    """

    rig: Rig
    drive: Drive
    turns: Float[np.ndarray, "frames joints 3 3"]
    hips: Float[np.ndarray, "frames 3"]
    root: Float[np.ndarray, "frames 3"] | None = None

    def joints(self) -> Float[np.ndarray, "frames joints 3"]:
        """(F, J, 3) where the joints are, metres."""
        places, carriers = self.rig.places(), self.rig.carriers
        hips, root = self.rig.joints["pelvis"], self.rig.root
        found = np.empty(self.turns.shape[:3])
        for joint in parents_first(carriers):
            carrier = carriers[joint]
            if joint == hips:
                found[:, joint] = self.hips
            elif joint == root and self.root is not None:
                found[:, joint] = self.root
            elif carrier < 0:
                found[:, joint] = places[joint]
            else:
                bone = places[joint] - places[carrier]
                found[:, joint] = found[:, carrier] + self.turns[:, carrier] @ bone
        return found

    def travel(self, heading: Float[np.ndarray, "frames 3 3"]) -> None:
        """Let the root bone go over the ground below the hips, and what hangs from it.

        Args:
            heading: (F, 3, 3) what it turns by, about +Y.

        Raises:
            ExportError: the rig has no bone above its hips.
        """
        rig, root = self.rig, self.rig.root
        if root is None:
            raise ExportError(
                f"{rig.name}: has no bone above its hips that could travel; leave root motion out"
            )
        places, level = rig.places(), np.array([1.0, 0.0, 1.0])
        behind = places[root] - places[rig.joints["pelvis"]] * level
        self.root = self.hips * level + heading @ behind
        along = {root}
        for joint in parents_first(rig.carriers):
            if rig.carriers[joint] in along and self.drive.drivers[joint] < 0:
                along.add(joint)
        self.turns[:, sorted(along)] = heading[:, None]

    def reach(
        self,
        limb: tuple[int, int, int],
        goal: Float[np.ndarray, "frames 3"],
        hinge: Float[np.ndarray, "frames 3"],
    ) -> None:
        """Bring the end of a limb to a goal; what hangs on the end keeps its turn."""
        placed = self.joints()[:, list(limb)]
        for joint, turn in zip(limb, reached(placed, goal, hinge), strict=False):
            for other, driver in enumerate(self.drive.drivers):
                if driver == joint:
                    self.turns[:, other] = turn @ self.turns[:, other]
