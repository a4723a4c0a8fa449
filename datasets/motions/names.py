"""What corpora call the joints of SMPL-X.

A table names, for each of SMPL-X's joints, the corpus's joint at the same place and, where that is
another, the joint whose rotation is the body part's. Names are compared without case, prefixes of
programs (``mixamorig:``) and punctuation.
"""

import re
from dataclasses import dataclass

from mocap.errors import MocapError

_PUNCTUATION = re.compile(r"[\s_.\-]")


@dataclass(frozen=True)
class JointTable:
    """Names of one family of skeletons.

    Attributes:
        name: of the family.
        places: SMPL-X joint to the corpus's joint at its place.
        turners: SMPL-X joint to the corpus's joint that carries its rotation, where it differs.
    """

    name: str
    places: dict[str, str]
    turners: dict[str, str]

    def turner(self, joint: str) -> str:
        """The corpus's joint that carries a rotation."""
        return self.turners.get(joint, self.places[joint])


def plain(name: str) -> str:
    """A joint's name without case, program's prefix and punctuation."""
    return _PUNCTUATION.sub("", name.rsplit(":", 1)[-1]).lower()


def _table(
    name: str, middle: str, sides: str, left: str, right: str, turners: str = ""
) -> JointTable:
    """Read ``"smplx=theirs …"``; ``*`` stands for a side, in the words of either skeleton."""
    places: dict[str, str] = {}
    turns: dict[str, str] = {}
    for text, into in ((middle, places), (sides, places), (turners, turns)):
        for pair in text.split():
            mine, theirs = pair.split("=")
            for side, word in (("left", left), ("right", right)) if "*" in pair else (("", ""),):
                into[mine.replace("*", side)] = plain(theirs.replace("*", word))
    return JointTable(name, places, turns)


#: Families of skeletons; the first whose every name a file has is taken.
TABLES: tuple[JointTable, ...] = (
    _table(
        "cmu-bvh",
        "pelvis=Hips spine1=lowerback spine3=Chest2 neck=Neck head=Head",
        "*_hip=*Hip *_knee=*Knee *_ankle=*Ankle *_foot=*Toe *_collar=*Collar "
        "*_shoulder=*Shoulder *_elbow=*Elbow *_wrist=*Wrist",
        "Left",
        "Right",
        "left_wrist=lhand right_wrist=rhand",
    ),
    _table(
        "perfume",
        "pelvis=Hips spine1=Chest spine2=Chest2 spine3=Chest4 neck=Neck head=Head",
        "*_hip=*Hip *_knee=*Knee *_ankle=*Ankle *_foot=*Toe *_collar=*Collar "
        "*_shoulder=*Shoulder *_elbow=*Elbow *_wrist=*Wrist",
        "Left",
        "Right",
    ),
    _table(
        "poser",
        "pelvis=hip spine1=abdomen spine3=chest neck=neck head=head",
        "*_hip=*Thigh *_knee=*Shin *_ankle=*Foot *_collar=*Collar *_shoulder=*Shldr "
        "*_elbow=*ForeArm *_wrist=*Hand *_middle1=*Mid1",
        "l",
        "r",
    ),
    *(
        _table(
            name,
            f"pelvis=Hips spine1=Spine spine2=Spine1 spine3={chest} neck=Neck head=Head",
            f"*_hip=*UpLeg *_knee=*Leg *_ankle=*Foot *_foot=*{toe} *_collar=*Shoulder "
            "*_shoulder=*Arm *_elbow=*ForeArm *_wrist=*Hand",
            "Left",
            "Right",
        )
        # Mixamo, Rokoko and MotionBuilder end the spine at Spine2; LAFAN calls toes Toe.
        for name, chest, toe in (
            ("spine3", "Spine3", "ToeBase"),
            ("mixamo", "Spine2", "ToeBase"),
            ("lafan", "Spine2", "Toe"),
        )
    ),
    _table(
        "asf",
        "pelvis=root spine1=lowerback spine2=upperback spine3=thorax neck=upperneck head=head",
        "*_hip=*femur *_knee=*tibia *_ankle=*foot *_foot=*toes *_collar=*clavicle "
        "*_shoulder=*humerus *_elbow=*radius *_wrist=*wrist",
        "l",
        "r",
        "*_wrist=*hand",
    ),
    _table(
        "amp",
        "pelvis=pelvis spine3=torso head=head",
        "*_hip=*_thigh *_knee=*_shin *_ankle=*_foot *_shoulder=*_upper_arm "
        "*_elbow=*_lower_arm *_wrist=*_hand",
        "left",
        "right",
    ),
    _table(
        "deepmimic",
        "pelvis=root spine3=chest head=neck",
        "*_hip=*_hip *_knee=*_knee *_ankle=*_ankle *_shoulder=*_shoulder *_elbow=*_elbow "
        "*_wrist=*_wrist",
        "left",
        "right",
    ),
)


def table_for(names: tuple[str, ...]) -> JointTable:
    """The table of a skeleton.

    Raises:
        MocapError: no table knows these names; it lists what is there.
    """
    have = {plain(name) for name in names}
    for table in TABLES:
        if have.issuperset(table.places.values()) and have.issuperset(table.turners.values()):
            return table
    known = ", ".join(table.name for table in TABLES)
    raise MocapError(
        f"a skeleton of joints {', '.join(names[:12])}… is of no known family ({known}); "
        "add a table to mocap.datasets.motions.names"
    )
