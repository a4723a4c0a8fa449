"""What can be wrong with a copy of AIST++."""

from mocap.errors import MocapError


class AistError(MocapError):
    """An AIST++ folder or file that is missing, damaged, or not laid out as AIST++ is."""


#: What to do where a replica cannot be written.
ELSEWHERE = "free some space or choose another folder"
