"""What can be wrong with a copy of AIST++."""

from mocap.errors import MocapError


class AistError(MocapError):
    """An AIST++ folder or file that is missing, damaged, or not laid out as AIST++ is."""
