"""What Blender makes of a motion on the character that it was made for, as JSON.

    python blender_apply.py CHARACTER MOTION FPS

Both are .fbx or .glb. The motion's action is given to the character's armature; the JSON is what
``blender_check.py`` tells of that.
"""

import json
import sys
from pathlib import Path

import bpy
from blender_check import imported, measured


def main() -> None:
    hero, motion, fps = sys.argv[1], sys.argv[2], float(sys.argv[3])
    armature = imported(str(Path(hero).resolve()), 1.0, fps)
    before = set(bpy.data.objects)
    if Path(motion).suffix == ".fbx":
        bpy.ops.preferences.addon_enable(module="io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=str(Path(motion).resolve()))
    else:
        bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
        bpy.ops.import_scene.gltf(filepath=str(Path(motion).resolve()))
    [other] = [one for one in set(bpy.data.objects) - before if one.type == "ARMATURE"]
    given = armature.animation_data or armature.animation_data_create()
    given.action = other.animation_data.action
    given.action_slot = other.animation_data.action_slot
    print(json.dumps(measured(armature)))


if __name__ == "__main__":
    main()
