"""The hands of a person whose body points are known: a crop about each wrist."""

import numpy as np

from mocap.keypoints.crops import Crop
from mocap.keypoints.detector import Detection, Image, PointDetector
from mocap.skeletons import HAND_21, MEDIAPIPE_33

#: Side of a hand's crop over the forearm's image length, and over the torso's where the forearm
#: points at the camera.
_FOREARMS, _TORSOS = 1.6, 0.6
#: Distance, in hand sizes, below which two detections are one hand.
_SAME = 0.2
#: A hand needs about this many pixels of crop to be told from noise.
LEAST_CROP = 40


def hand_crop(person: Detection, side: str) -> Crop | None:
    """Where to look for a hand; None if the wrist is not seen or the hand would be too small."""
    points = MEDIAPIPE_33.indices(
        f"{side}_elbow", f"{side}_wrist", f"{side}_index", f"{side}_pinky",
        f"{side}_shoulder", f"{side}_hip",
    )  # fmt: skip
    elbow, wrist, index, pinky, shoulder, hip = person.xy[points]
    if person.confidence[points[1]] < 0.3:
        return None
    size = max(
        _FOREARMS * float(np.linalg.norm(wrist - elbow)),
        _TORSOS * float(np.linalg.norm(shoulder - hip)),
    )
    if size < LEAST_CROP:
        return None
    knuckles = (index + pinky) / 2
    return Crop.around(wrist + 1.2 * (knuckles - wrist), size)


def detect_hands(
    image: Image, person: Detection, detector: PointDetector
) -> dict[str, Detection | None]:
    """A person's left and right hand where they can be seen, in the image's pixels.

    The side is that of the arm the hand hangs on; the hand detector's own word on left and right
    is wrong more often than the arm's.
    """
    gaps: dict[str, float] = {}
    hands: dict[str, Detection | None] = {"left": None, "right": None}
    for side in hands:
        crop = hand_crop(person, side)
        if crop is None or not crop.overlaps(image):
            continue
        wrist = person.xy[MEDIAPIPE_33.index(f"{side}_wrist")]
        near = [
            (float(np.linalg.norm(hand.xy[HAND_21.index("wrist")] - wrist)), hand)
            for hand in crop.detect(image, detector)
        ]
        if near:
            gap, hand = min(near, key=lambda pair: pair[0])
            if gap < 0.3 * crop.side:
                hands[side], gaps[side] = hand, gap
    left, right = hands["left"], hands["right"]
    if left is not None and right is not None and _one_hand(left, right):
        hands[max(gaps, key=lambda side: gaps[side])] = None
    return hands


def _one_hand(a: Detection, b: Detection) -> bool:
    """Whether two detections, of crops that overlap, show the same hand."""
    size = max(float(np.ptp(a.xy, axis=0).max()), float(np.ptp(b.xy, axis=0).max()), 1.0)
    return float(np.median(np.linalg.norm(a.xy - b.xy, axis=-1))) < _SAME * size
