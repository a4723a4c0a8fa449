"""Training pairs of motion that is known: rendered, and looked at by the real detector."""

from mocap.datasets.synthetic.film import Actor, Studio, cast, film
from mocap.datasets.synthetic.library import Motion, read_library
from mocap.datasets.synthetic.performances import perform
from mocap.datasets.synthetic.renderer import Lighting, Look, Renderer
from mocap.datasets.synthetic.synthesize import synthesize

__all__ = [
    "Actor",
    "Lighting",
    "Look",
    "Motion",
    "Renderer",
    "Studio",
    "cast",
    "film",
    "perform",
    "read_library",
    "synthesize",
]
