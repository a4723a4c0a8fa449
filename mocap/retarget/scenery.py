"""Sky and light for robots whose models have none: pictures of them would be black."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mujoco

#: The sky's colours above and at the horizon.
_ABOVE, _HORIZON = (0.72, 0.8, 0.88), (0.96, 0.97, 0.98)
#: Where the light comes from, seen from the robot, metres, and how bright it is.
_SUN, _BRIGHT = (1.0, 1.5, 4.0), 0.5


def add_scenery(spec: mujoco.MjSpec, base: Any) -> None:
    """Give a model a sky, and a light that follows the robot, where it lacks them."""
    import mujoco

    if not any(int(t.type) == int(mujoco.mjtTexture.mjTEXTURE_SKYBOX) for t in spec.textures):
        spec.add_texture(
            name="sky",
            type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
            builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
            rgb1=_ABOVE,
            rgb2=_HORIZON,
            width=32,
            height=192,
        )
    if not spec.lights:
        base.add_light(
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            mode=mujoco.mjtCamLight.mjCAMLIGHT_TRACKCOM,
            pos=_SUN,
            dir=[-part for part in _SUN],
            diffuse=[_BRIGHT] * 3,
            specular=[0.1] * 3,
            castshadow=False,
        )
