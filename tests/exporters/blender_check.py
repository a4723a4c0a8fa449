"""What Blender makes of a file of motion, as JSON; runs inside an interpreter that has ``bpy``.

    python blender_check.py FILE SCALE FPS [PICTURE.png [FRAME]]

FILE is .bvh, .fbx, .glb or .usd; SCALE is metres in a unit of a BVH file; FPS is the scene's rate
before the file is read, at which formats that have seconds are sampled. The JSON has ``fps``,
``frames`` (from the first key to the last), ``names``, ``parents``, ``heads`` (frames, bones, 3) in
metres, +Y up and ahead +Z, ``lengths`` (frames, bones) between a bone's head and its parent's,
``scale`` of the armature, and ``vertices`` of the surface in the last frame. It is the last line of
the output, because Blender prints too.
"""

import json
import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

# The importer's own defaults: the file's -Z is ahead and its Y is up.
AXES = {"axis_forward": "-Z", "axis_up": "Y"}


def imported(path: str, scale: float, fps: float) -> bpy.types.Object:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    render = bpy.context.scene.render
    render.fps, render.fps_base = round(fps), round(fps) / fps
    ending = Path(path).suffix
    if ending == ".bvh":
        bpy.ops.preferences.addon_enable(module="io_anim_bvh")
        bpy.ops.import_anim.bvh(
            filepath=path,
            global_scale=scale,
            update_scene_fps=True,
            update_scene_duration=True,
            rotate_mode="NATIVE",
            **AXES,
        )
    elif ending == ".fbx":
        bpy.ops.preferences.addon_enable(module="io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=path)
    elif ending == ".glb":
        bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
        bpy.ops.import_scene.gltf(filepath=path)
    else:
        bpy.ops.wm.usd_import(filepath=path)
    [armature] = [one for one in bpy.context.scene.objects if one.type == "ARMATURE"]
    return armature


def frames_of(armature: bpy.types.Object) -> range:
    """From the first key to the last."""
    first, last = armature.animation_data.action.frame_range
    return range(round(first), round(last) + 1)


def measured(armature: bpy.types.Object) -> dict[str, object]:
    scene = bpy.context.scene
    names = [bone.name for bone in armature.data.bones]
    parents = [names.index(b.parent.name) if b.parent else -1 for b in armature.data.bones]
    frames = frames_of(armature)
    heads = np.empty((len(frames), len(names), 3))
    for row, frame in enumerate(frames):
        scene.frame_set(frame)
        for i, name in enumerate(names):
            heads[row, i] = armature.matrix_world @ armature.pose.bones[name].head
    heads = y_up(heads)
    return {
        "version": bpy.app.version_string,
        "fps": scene.render.fps / scene.render.fps_base,
        "frames": len(frames),
        "names": names,
        "parents": parents,
        "heads": heads.tolist(),
        "lengths": np.linalg.norm(heads[:, 1:] - heads[:, parents[1:]], axis=-1).tolist(),
        "scale": list(armature.matrix_world.to_scale()),
        "vertices": y_up(surface(armature)).tolist(),
    }


def surface(armature: bpy.types.Object) -> np.ndarray:
    """(V, 3) the vertices that the armature moves, in the present frame."""
    found = np.empty((0, 3))
    graph = bpy.context.evaluated_depsgraph_get()
    for one in bpy.context.scene.objects:
        if one.type == "MESH" and any(change.type == "ARMATURE" for change in one.modifiers):
            shown = one.evaluated_get(graph)
            points = [one.matrix_world @ vertex.co for vertex in shown.data.vertices]
            found = np.concatenate([found, np.array(points)])
    return found


def y_up(points: np.ndarray) -> np.ndarray:
    """Blender's world is Z up with -Y ahead."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def hips(armature: bpy.types.Object) -> Vector:
    """Where the first bone is that is not on the ground."""
    for bone in armature.pose.bones:
        head = armature.matrix_world @ bone.head
        if head.z > 0.1:
            break
    return head


def render(armature: bpy.types.Object, picture: str, frame: int) -> None:
    """Draw the posed bones as octahedra seen from the front, where Blender characters look."""
    scene = bpy.context.scene
    scene.frame_set(frame)
    middle = hips(armature)
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
    path, scale, fps = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    armature = imported(str(Path(path).resolve()), scale, fps)
    result = measured(armature)
    if len(sys.argv) > 4:
        render(armature, sys.argv[4], int(sys.argv[5]) if len(sys.argv) > 5 else 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
