"""The exceptions users can cause; each message names the thing, what is wrong, and the remedy.

Anything else that escapes is a bug in this package, and the command line lets it show.
"""


class MocapError(Exception):
    """Base of every error that a user, not a programmer, has to act on."""


class VideoError(MocapError):
    """A video, image folder or camera that cannot be read or written."""


class AssetError(MocapError):
    """A model or clip that could be had from none of its sources."""


class CalibrationError(MocapError):
    """A camera calibration that is missing, damaged, absurd, or of another picture."""


class DetectionError(MocapError):
    """A clip in which nobody could be found or followed."""


class TakeError(MocapError):
    """A take file that is missing, damaged, of another format, or of a newer version."""


class BodyError(MocapError):
    """A body-model file that is missing, damaged or lacks what the format requires."""


class CheckpointError(MocapError):
    """Weights of a network that are missing, damaged, or of another version."""


class FitError(MocapError):
    """A person whose keypoints cannot carry a body."""


class MaskError(MocapError):
    """A take whose people cannot be told from the background, or a segmenter that is not there."""


class ExportError(MocapError):
    """A motion that cannot be written in, or read from, the format asked for."""


class RetargetError(MocapError):
    """A robot model that no motion can be put on, or a motion that no robot can follow."""


class AvatarError(MocapError):
    """A file of Gaussians that cannot be read, or Gaussians that cannot be rendered here."""


def numpy_fault(error: Exception) -> str:
    """What numpy says of a file that it cannot load, without its advice to unpickle it."""
    text = str(error)
    return "it is no file of numpy's, or holds Python objects" if "pickle" in text else text
