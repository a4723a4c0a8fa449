"""What programs call bones, and how they want skeletons to stand.

One table: a row is a program, a column what it wants. Where names come from:

- Mixamo: the skeletons that Adobe Mixamo puts into FBX files.
- Unreal: Epic's mannequin, "Skeletons" in the Unreal Engine documentation.
- Unity: ``HumanBodyBones``, Unity scripting reference.
- Rigify: Blender's human meta-rig, "Rigify", Blender manual.
- HumanIK: the names that MotionBuilder, Rokoko Studio and Vicon Shogun write.
"""

from dataclasses import dataclass, field
from typing import Literal

from mocap.errors import ExportError
from mocap.exporters.oriented import RestAxes
from mocap.skeletons import FINGERS, SMPLX_55


@dataclass(frozen=True)
class Preset:
    """What one program wants.

    Attributes:
        name: of the preset.
        bones: what SMPL-X's joints are called; those not named are left out, and what they carry
            goes with their parents.
        rest: the rest pose, arms out (T) or down by 45 degrees (A).
        up: which axis is up, in formats that can say so.
        units: of lengths, in formats that can say so.
        axes: of bones at rest, in formats that have any.
        root: a bone at the origin above the hips, if there is one.
    """

    name: str
    bones: dict[str, str] = field(repr=False)
    rest: Literal["T", "A"] = "T"
    up: Literal["y", "z"] = "y"
    units: Literal["cm", "m"] = "cm"
    axes: RestAxes = "y"
    root: str | None = None


def _bones(
    middle: str, sides: str, left: str, right: str, finger: str, fingers: str
) -> dict[str, str]:
    """Read ``"smplx=theirs …"``; ``*`` stands for a side, in the words of either skeleton.

    ``finger`` is a pattern of a finger's bone: ``{side}``, ``{finger}`` and ``{part}``, 1 to 3 from
    the hand; ``fingers`` are what the fingers are called, from the index finger to the thumb.
    """
    found = dict(pair.split("=") for pair in middle.split())
    for side, word in (("left", left), ("right", right)):
        for pair in sides.split():
            mine, theirs = pair.split("=")
            found[mine.replace("*", side)] = theirs.replace("*", word)
        for mine, theirs in zip(FINGERS, fingers.split(), strict=True):
            for part in (1, 2, 3):
                called = finger.format(side=word, finger=theirs, part=part)
                found[f"{side}_{mine}{part}"] = called
    return found


def _unity() -> dict[str, str]:
    """Unity's names: its fingers' bones have names, not numbers."""
    found = _bones(
        "pelvis=Hips spine1=Spine spine2=Chest spine3=UpperChest neck=Neck head=Head jaw=Jaw "
        "left_eye_smplhf=LeftEye right_eye_smplhf=RightEye",
        "*_hip=*UpperLeg *_knee=*LowerLeg *_ankle=*Foot *_foot=*Toes *_collar=*Shoulder "
        "*_shoulder=*UpperArm *_elbow=*LowerArm *_wrist=*Hand",
        *("Left", "Right", "{side}{finger}{part}", "Index Middle Little Ring Thumb"),
    )
    parts = {"1": "Proximal", "2": "Intermediate", "3": "Distal"}
    return {
        mine: name[:-1] + parts[name[-1]] if name[-1] in parts else name
        for mine, name in found.items()
    }


_HUMANIK = _bones(
    "pelvis=Hips spine1=Spine spine2=Spine1 spine3=Spine2 neck=Neck head=Head",
    "*_hip=*UpLeg *_knee=*Leg *_ankle=*Foot *_foot=*ToeBase *_collar=*Shoulder *_shoulder=*Arm "
    "*_elbow=*ForeArm *_wrist=*Hand",
    *("Left", "Right", "{side}Hand{finger}{part}", "Index Middle Pinky Ring Thumb"),
)

#: Every preset by its name.
PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("smplx", {name: name for name in SMPLX_55.names}),
        Preset("mixamo", {mine: f"mixamorig:{name}" for mine, name in _HUMANIK.items()}),
        Preset(
            "unreal",
            _bones(
                "pelvis=pelvis spine1=spine_01 spine2=spine_02 spine3=spine_03 neck=neck_01 "
                "head=head",
                "*_hip=thigh_* *_knee=calf_* *_ankle=foot_* *_foot=ball_* *_collar=clavicle_* "
                "*_shoulder=upperarm_* *_elbow=lowerarm_* *_wrist=hand_*",
                *("l", "r", "{finger}_0{part}_{side}", "index middle pinky ring thumb"),
            ),
            rest="A",
            up="z",
            axes="x",
            root="root",
        ),
        Preset("unity", _unity(), units="m"),
        Preset(
            "rigify",
            _bones(
                "pelvis=spine spine1=spine.001 spine2=spine.002 spine3=spine.003 neck=spine.004 "
                "head=spine.006 jaw=jaw left_eye_smplhf=eye.L right_eye_smplhf=eye.R",
                "*_hip=thigh.* *_knee=shin.* *_ankle=foot.* *_foot=toe.* *_collar=shoulder.* "
                "*_shoulder=upper_arm.* *_elbow=forearm.* *_wrist=hand.*",
                *("L", "R", "{finger}.0{part}.{side}", "f_index f_middle f_pinky f_ring thumb"),
            ),
            up="z",
            units="m",
        ),
        Preset("humanik", _HUMANIK),
    )
}


def preset_named(name: str) -> Preset:
    """The preset of a name.

    Raises:
        ExportError: there is none; it lists those there are.
    """
    found = PRESETS.get(name.lower())
    if found is None:
        raise ExportError(f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return found
