"""Names of sequences and videos, and the views that are known to be bad.

A sequence is what nine cameras saw at once: ``gBR_sBM_cAll_d04_mBR0_ch01`` is genre BR, situation
BM (a basic move; FM is a freestyle), all cameras, dancer 04, music BR0, choreography 01. The video
of camera c01 is ``gBR_sBM_c01_d04_mBR0_ch01.mp4``.
"""

import re

from mocap.datasets.aistpp.errors import AistError

#: The nine cameras, in the order of every array that has an axis of views.
VIEWS = tuple(f"c{number:02d}" for number in range(1, 10))

#: Views that AIST++'s own processing leaves out, and why.
BAD_VIEWS: dict[tuple[str, str], str] = {
    ("gBR_sBM_cAll_d04_mBR0_ch01", "c05"): "it is not synchronised with the others",
    ("gJB_sBM_cAll_d07_mJB3_ch05", "c07"): "its picture is 640×480, which the cameras are not of",
}

_ALL = re.compile(r"(?<=_)cAll(?=_|$)")
_VIEW = re.compile(r"(?<=_)c0[1-9](?=_|$)")
_DANCER = re.compile(r"(?<=_)d\d+(?=_|$)")


def video_name(sequence: str, view: str) -> str:
    """The video of a sequence that a camera took, without ``.mp4``.

    Raises:
        AistError: there is no such camera, or that is no name of a sequence.
    """
    if view not in VIEWS:
        raise AistError(f"AIST++ has no camera {view!r}; its cameras are {', '.join(VIEWS)}")
    if len(_ALL.findall(sequence)) != 1:
        raise AistError(f"{sequence!r} is no sequence of AIST++, which have cAll in their names")
    return _ALL.sub(view, sequence)


def sequence_name(video: str) -> tuple[str, str]:
    """The sequence a video (its name without ``.mp4``) is of, and the camera that took it.

    Raises:
        AistError: that is no name of a video.
    """
    found = _VIEW.findall(video)
    if len(found) != 1:
        raise AistError(f"{video!r} is no video of AIST++, which have one of c01 to c09 in it")
    return _VIEW.sub("cAll", video), found[0]


def dancer(sequence: str) -> str:
    """Who dances, ``d04`` say; the whole name where it does not tell."""
    found = _DANCER.search(sequence)
    return found.group() if found else sequence
