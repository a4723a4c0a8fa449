"""Where the two people of the demo clip are, read off its frames by eye.

Made by looking at the decoded frames (enlarged, under a grid of pixels) and at nothing else: no
detector had a say. Each label is the middle of the torso, halfway between the middle of the
shoulders and the middle of the hips, to about 25 px; and whether most of the body can be seen by
somebody who looks. It cannot where the person is in the sun's glare, behind the tree or cut off by
the picture's border; a half-transparent body whose parts can all be told is visible.

The man stands on the box, jumps, flies through the glare in a somersault, lands at about frame 190
and runs off behind the tree. The woman comes from behind the tree and walks out on the left.
"""

#: Standing height of either person, pixels; both are about as tall in the picture.
HEIGHT = 390.0

#: Video frame to (x, y) of the torso's middle, pixels, where most of the man is visible.
MAN = {
    0: (652, 208),
    6: (649, 230),
    12: (643, 190),
    18: (637, 187),
    24: (632, 228),
    30: (634, 188),
    36: (637, 178),
    42: (640, 230),
    48: (638, 178),
    54: (638, 185),
    60: (636, 232),
    66: (634, 173),
    72: (632, 183),
    78: (636, 230),
    84: (640, 228),
    90: (649, 193),
    96: (645, 205),
    102: (650, 210),
    108: (665, 210),
    114: (690, 213),
    120: (720, 212),
    126: (737, 212),
    132: (753, 215),
    138: (768, 212),
    144: (780, 207),
    150: (793, 207),
    154: (799, 215),
    158: (808, 247),
    162: (828, 265),
    166: (875, 225),
    168: (885, 215),
    175: (958, 297),
    176: (965, 293),
    178: (967, 313),
    180: (962, 345),
    182: (968, 385),
    184: (980, 425),
    186: (1007, 468),
    188: (1036, 530),
    190: (1053, 622),
    192: (1085, 700),
    195: (1103, 765),
    198: (1137, 782),
    201: (1167, 765),
    204: (1208, 732),
    207: (1260, 702),
    210: (1293, 697),
    213: (1353, 700),
    216: (1395, 695),
    219: (1453, 672),
    222: (1500, 660),
    224: (1532, 668),
}

#: Frames in which the man is mostly hidden: in the glare, then behind the tree.
MAN_HIDDEN = (170, 171, 172, 174, 226, 228, 229)

#: Video frame to (x, y) of the torso's middle, pixels, where most of the woman is visible.
WOMAN = {
    40: (1565, 700),
    42: (1548, 700),
    45: (1533, 700),
    48: (1507, 685),
    54: (1465, 682),
    60: (1420, 682),
    66: (1358, 680),
    72: (1310, 680),
    78: (1262, 662),
    84: (1190, 660),
    90: (1125, 655),
    96: (1073, 655),
    102: (1017, 652),
    108: (950, 650),
    114: (895, 650),
    120: (835, 650),
    126: (765, 650),
    132: (722, 655),
    138: (653, 650),
    144: (587, 645),
    150: (543, 652),
    154: (503, 652),
    158: (447, 652),
    162: (405, 650),
    166: (369, 660),
    170: (326, 668),
    174: (280, 668),
    178: (240, 665),
    182: (195, 660),
    186: (155, 665),
    190: (112, 668),
    194: (57, 668),
}

#: Frames in which the woman is mostly hidden: behind the tree, then beyond the left border.
WOMAN_HIDDEN = (0, 12, 24, 36, 38, 196, 198, 200, 204, 210, 222)
