"""What Blender makes of a BVH file, as JSON; runs inside an interpreter that has ``bpy``.

    python blender_check.py FILE.bvh SCALE [PICTURE.png [FRAME]]

SCALE is metres in a unit of the file. The JSON has ``fps``, ``frames`` (keyframes), ``names``,
``parents``, ``heads`` (frames, bones, 3) in the file's axes (+Y up), metres, and ``lengths``
(frames, bones) between a bone's head and its parent's. It is the last line of the output,
because Blender prints too.
"""

import json
import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

# The importer's own defaults: the file's -Z is ahead and its Y is up.
AXES = {"axis_forward": "-Z", "axis_up": "Y"}


def imported(path: str, scale: float) -> bpy.types.Object:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="io_anim_bvh")
    bpy.ops.import_anim.bvh(
        filepath=path,
        global_scale=scale,
        update_scene_fps=True,
        update_scene_duration=True,
        rotate_mode="NATIVE",
        **AXES,
    )
    return bpy.context.view_layer.objects.active


def key_frames(armature: bpy.types.Object) -> int:
    """The number of keyframes, the same on every curve."""
    action = armature.animation_data.action
    curves = action.layers[0].strips[0].channelbags[0].fcurves
    counts = {len(curve.keyframe_points) for curve in curves}
    assert len(counts) == 1, f"curves of different lengths: {counts}"
    return counts.pop()


def measured(armature: bpy.types.Object) -> dict[str, object]:
    scene = bpy.context.scene
    names = [bone.name for bone in armature.data.bones]
    parents = [names.index(b.parent.name) if b.parent else -1 for b in armature.data.bones]
    frames = key_frames(armature)
    heads = np.empty((frames, len(names), 3))
    for frame in range(frames):
        scene.frame_set(frame + 1)
        for i, name in enumerate(names):
            heads[frame, i] = armature.matrix_world @ armature.pose.bones[name].head
    # Blender's world is Z up with -Y ahead: back to the file's axes.
    heads = np.stack([heads[..., 0], heads[..., 2], -heads[..., 1]], -1)
    return {
        "version": bpy.app.version_string,
        "fps": scene.render.fps / scene.render.fps_base,
        "frames": frames,
        "names": names,
        "parents": parents,
        "heads": heads.tolist(),
        "lengths": np.linalg.norm(heads[:, 1:] - heads[:, parents[1:]], axis=-1).tolist(),
    }


def render(armature: bpy.types.Object, picture: str, frame: int) -> None:
    """Draw the posed bones as octahedra seen from the front, where Blender characters look."""
    scene = bpy.context.scene
    scene.frame_set(frame)
    middle = armature.matrix_world @ armature.pose.bones[0].head
    for bone in armature.pose.bones:
        head, tail = (armature.matrix_world @ end for end in (bone.head, bone.tail))
        _draw_bone(head, tail)
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.location = middle + Vector((1.2, -3.5, 0.6))
    camera.rotation_euler = (middle - camera.location).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(camera)
    scene.camera = camera
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.data.energy = 4.0
    sun.rotation_euler = (0.7, 0.3, 0.2)
    scene.collection.objects.link(sun)
    bpy.ops.mesh.primitive_plane_add(size=4.0, location=(middle.x, middle.y, 0.0))
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 16
    scene.render.resolution_x, scene.render.resolution_y = 640, 640
    scene.render.filepath = picture
    bpy.ops.render.render(write_still=True)


def _draw_bone(head: Vector, tail: Vector) -> None:
    length = (tail - head).length
    bpy.ops.mesh.primitive_cone_add(
        vertices=8,
        radius1=min(0.03, 0.25 * length),
        radius2=0.003,
        depth=length,
        location=(head + tail) / 2,
        rotation=(tail - head).to_track_quat("Z", "Y").to_euler(),
    )


def main() -> None:
    path, scale = sys.argv[1], float(sys.argv[2])
    armature = imported(str(Path(path).resolve()), scale)
    result = measured(armature)
    if len(sys.argv) > 3:
        render(armature, sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
