"""Tips of bones that no joint marks."""

import numpy as np
from jaxtyping import Float

# From their joint in the rest pose: metres, for an adult's head.
_FACE_TIPS = {
    "jaw": (0.0, -0.04, 0.07),
    "left_eye_smplhf": (0.0, 0.0, 0.03),
    "right_eye_smplhf": (0.0, 0.0, 0.03),
}


def leaf_tips(
    names: tuple[str, ...], parents: tuple[int, ...], offsets: Float[np.ndarray, "joints 3"]
) -> Float[np.ndarray, "joints 3"]:
    """Tips for the joints that end a chain: (J, 3) metres in the rest pose, NaN for the others.

    A finger goes on as its last bone does, somewhat shorter; toes go on level with the floor;
    jaw and eyes look ahead.
    """
    tips = np.full((len(names), 3), np.nan)
    for i in sorted(set(range(len(names))) - set(parents)):
        bone = offsets[i] if parents[i] >= 0 else np.zeros(3)
        if names[i] in ("left_foot", "right_foot"):
            bone = bone * [1.0, 0.0, 1.0]
        length = np.linalg.norm(bone)
        # A bone of no length has no direction to go on in, and tools drop zero-length bones.
        straight = 0.8 * bone if length > 1e-4 else np.array([0.0, 0.02, 0.0])
        tips[i] = _FACE_TIPS.get(names[i], straight)
    return tips
