"""What programs and corpora call the joints of SMPL-X.

A table names, for each of SMPL-X's joints, the skeleton's joint at the same place and, where that
is another, the joint whose rotation is the body part's. Names are compared without case, prefixes
of programs (``mixamorig:``) and punctuation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mocap.errors import MocapError
from mocap.exporters.presets import PRESETS, Preset
from mocap.skeletons import FINGERS

_PUNCTUATION = re.compile(r"[\s_.\-]")
#: The prefix of bones that carry a surface, in Blender.
_DEFORMING = "def"


@dataclass(frozen=True)
class JointTable:
    """Names of one family of skeletons.

    Attributes:
        name: of the family.
        places: SMPL-X joint to the skeleton's joint at its place.
        turners: SMPL-X joint to the skeleton's joint that carries its rotation, where it differs.
        extras: as ``places``, joints that not every skeleton of the family has: fingers, eyes.
    """

    name: str
    places: dict[str, str]
    turners: dict[str, str]
    extras: dict[str, str] = field(default_factory=dict)

    def turner(self, joint: str) -> str:
        """The skeleton's joint that carries a rotation."""
        return self.turners.get(joint, self.places[joint])


def plain(name: str) -> str:
    """A joint's name without case, program's prefix and punctuation."""
    return _PUNCTUATION.sub("", name.rsplit(":", 1)[-1]).lower()


def _table(
    name: str,
    middle: str,
    sides: str,
    left: str,
    right: str,
    turners: str = "",
    *,
    fingers: str = "",
    finger: str = "",
    extras: str = "",
) -> JointTable:
    """Read ``"smplx=theirs …"``; ``*`` stands for a side, in the words of either skeleton.

    ``finger`` is a pattern of a finger's bone: ``*``, ``{finger}`` and ``{part}``, 1 to 3 from the
    hand; ``fingers`` are what the fingers are called, from the index finger to the thumb.
    """
    called = " ".join(
        f"*_{mine}{part}={finger.format(finger=theirs, part=part)}"
        for mine, theirs in zip(FINGERS, fingers.split(), strict=False)
        for part in (1, 2, 3)
    )
    places: dict[str, str] = {}
    turns: dict[str, str] = {}
    more: dict[str, str] = {}
    for text, into in (
        *((middle, places), (sides, places)),
        *((turners, turns), (called, more), (extras, more)),
    ):
        for pair in text.split():
            mine, theirs = pair.split("=")
            for side, word in (("left", left), ("right", right)) if "*" in pair else (("", ""),):
                into[mine.replace("*", side)] = plain(theirs.replace("*", word))
    return JointTable(name, places, turns, more)


def _preset_table(preset: Preset) -> JointTable:
    """The names that a preset gives; fingers and faces come and go."""
    told = {mine: plain(theirs) for mine, theirs in preset.bones.items()}
    spare = [name for name in told if "eye" in name or name == "jaw" or name[-1] in "123"]
    extras = {name: told[name] for name in spare if not name.startswith("spine")}
    places = {name: theirs for name, theirs in told.items() if name not in extras}
    return JointTable(preset.name, places, {}, extras)


_HANDS = {"fingers": "Index Middle Pinky Ring Thumb", "finger": "*Hand{finger}{part}"}

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
        fingers="Index Mid Pinky Ring Thumb",
        finger="*{finger}{part}",
        extras="left_eye_smplhf=leftEye right_eye_smplhf=rightEye",
    ),
    *(
        _table(
            name,
            f"pelvis=Hips spine1=Spine spine2=Spine1 spine3={chest} neck=Neck head=Head",
            f"*_hip=*UpLeg *_knee=*Leg *_ankle=*Foot *_foot=*{toe} *_collar=*Shoulder "
            "*_shoulder=*Arm *_elbow=*ForeArm *_wrist=*Hand",
            "Left",
            "Right",
            **_HANDS,
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
    _table(
        "makehuman",
        "pelvis=hip spine1=abdomen spine3=chest neck=neck head=head",
        "*_hip=*Thigh *_knee=*Shin *_ankle=*Foot *_collar=*Collar *_shoulder=*Shldr "
        "*_elbow=*ForeArm *_wrist=*Hand",
        "l",
        "r",
        fingers="finger2 finger3 finger5 finger4 finger1",
        finger="{finger}-{part}.*",
        extras="*_thumb1=*thumb *_eye_smplhf=eye.* jaw=jaw",
    ),
    _table(
        "biped",
        "pelvis=Pelvis spine1=Spine spine2=Spine1 spine3=Spine2 neck=Neck head=Head",
        "*_hip=*_Thigh *_knee=*_Calf *_ankle=*_Foot *_foot=*_Toe0 *_collar=*_Clavicle "
        "*_shoulder=*_UpperArm *_elbow=*_Forearm *_wrist=*_Hand",
        "L",
        "R",
        extras=" ".join(
            f"*_{mine}{part}=*_Finger{number}{tail}"
            for number, mine in enumerate(("thumb", "index", "middle", "ring", "pinky"))
            for part, tail in ((1, ""), (2, "1"), (3, "2"))
        ),
    ),
    _table(
        "vrm",
        "pelvis=J_Bip_C_Hips spine1=J_Bip_C_Spine spine2=J_Bip_C_Chest spine3=J_Bip_C_UpperChest "
        "neck=J_Bip_C_Neck head=J_Bip_C_Head",
        "*_hip=J_Bip_*_UpperLeg *_knee=J_Bip_*_LowerLeg *_ankle=J_Bip_*_Foot "
        "*_foot=J_Bip_*_ToeBase *_collar=J_Bip_*_Shoulder *_shoulder=J_Bip_*_UpperArm "
        "*_elbow=J_Bip_*_LowerArm *_wrist=J_Bip_*_Hand",
        "L",
        "R",
        fingers="Index Middle Little Ring Thumb",
        finger="J_Bip_*_{finger}{part}",
        extras="*_eye_smplhf=J_Adj_*_FaceEye",
    ),
    *(_preset_table(preset) for preset in PRESETS.values() if preset.name != "mixamo"),
)


def table_for(names: Sequence[str]) -> JointTable:
    """The table of a skeleton that has every joint of one, extras aside.

    Raises:
        MocapError: no table knows these names; it lists what is there.
    """
    have = {plain(name) for name in names}
    for table in TABLES:
        if have.issuperset(table.places.values()) and have.issuperset(table.turners.values()):
            return table
    raise MocapError(
        f"a skeleton of joints {', '.join(names[:12])}… is of no known family "
        f"({families()}); rename the hips, arms and legs as one of them does"
    )


def families() -> str:
    """The names of the families, for people to read."""
    return ", ".join(table.name for table in TABLES)


def joints_named(names: Sequence[str]) -> dict[str, int]:
    """SMPL-X's joints among those of a skeleton, by the family that knows most of them.

    Names may have a prefix in common (``Character1_Hips``, ``Bip01 Pelvis``); where several have,
    bones that carry a surface are meant (``DEF-spine``), or those of the shortest. Of joints of one
    name the first is meant. Empty where no family knows the hips and a leg or an arm.
    """
    best: dict[str, int] = {}
    told = [plain(name) for name in names]
    for table in TABLES:
        wanted = {**table.places, **table.extras}
        root = table.places["pelvis"]
        prefixes = {name.removesuffix(root) for name in told if name.endswith(root)}
        for prefix in sorted(prefixes, key=lambda text: (text != _DEFORMING, len(text), text)):
            places: dict[str, int] = {}
            for i, name in enumerate(told):
                places.setdefault(name.removeprefix(prefix), i)
            found = {mine: places[name] for mine, name in wanted.items() if name in places}
            if len(found) > len(best) and "pelvis" in found and _has_limb(found):
                best = found
    return best


def _has_limb(found: dict[str, int]) -> bool:
    limbs = (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
    return any(
        all(f"{side}_{joint}" in found for joint in limb)
        for side in ("left", "right")
        for limb in limbs
    )
