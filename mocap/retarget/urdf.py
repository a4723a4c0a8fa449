"""URDF as MuJoCo can read it: meshes found, or left out, and what its reader drops kept.

MuJoCo's own reader knows no ``package://``, stops at the first mesh it cannot load, and forgets
velocity limits and which joints only mimic others.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.errors import RetargetError
from mocap.retarget.meshes import READ

#: Joints that have limits.
_LIMITED = ("revolute", "prismatic")
#: Inertia that is as good as none, kg m^2.
_NO_INERTIA = 1e-9


@dataclass(frozen=True)
class Urdf:
    """A URDF ready for MuJoCo.

    Attributes:
        text: the XML.
        velocity: rad/s or m/s, of the joints that state it.
        still: joints that follow others, or whose limits leave them no room.
        missing: meshes that are left out: no such file is found.
        bared: links that lost a shape by it.
        weightless: links whose mass or inertia is left out: no body has such.
    """

    text: str
    velocity: dict[str, float]
    still: frozenset[str]
    missing: tuple[str, ...]
    bared: frozenset[str]
    weightless: tuple[str, ...]


def read_urdf(path: Path) -> Urdf:
    """Read a URDF.

    Raises:
        RetargetError: it is none.
    """
    try:
        root = ET.fromstring(path.read_bytes())
    except (ET.ParseError, OSError) as error:
        raise RetargetError(f"{path}: is not a readable URDF: {error}") from error
    if root.tag != "robot":
        raise RetargetError(f"{path}: is no URDF: it begins with <{root.tag}>, not <robot>")
    if any(element.tag.startswith("{") and "xacro" in element.tag for element in root.iter()):
        raise RetargetError(f"{path}: is a xacro; `xacro {path.name} > robot.urdf` makes the URDF")
    missing, bared = [], set()
    for link in root.iter("link"):
        for kind in ("visual", "collision"):
            for shape in link.findall(kind):
                mesh = shape.find("geometry/mesh")
                if mesh is None:
                    continue
                named = mesh.get("filename", "")
                found = _mesh(named, path)
                if found is None:
                    missing.append(named.rsplit("/", 1)[-1])
                    bared.add(link.get("name", ""))
                    link.remove(shape)
                else:
                    mesh.set("filename", str(found))
    velocity, still = {}, set()
    for joint in root.findall("joint"):
        name, limit = joint.get("name", ""), joint.find("limit")
        if limit is not None and float(limit.get("velocity", 0.0)) > 0:
            velocity[name] = float(limit.get("velocity", 0.0))
        ends = [] if limit is None else [limit.get(end) for end in ("lower", "upper")]
        # MuJoCo would take equal limits for none.
        stuck = None not in ends and len({float(end) for end in ends if end}) == 1
        if joint.find("mimic") is not None or (stuck and joint.get("type") in _LIMITED):
            still.add(name)
    # Materials may name textures that are not there; sensors and plugins mean nothing here.
    for tag in ("gazebo", "transmission", "mujoco", "sensor"):
        for element in root.findall(tag):
            root.remove(element)
    for parent in root.iter():
        for texture in parent.findall("texture"):
            parent.remove(texture)
    extension = ET.SubElement(root, "mujoco")
    ET.SubElement(
        extension,
        "compiler",
        strippath="false",
        discardvisual="false",
        balanceinertia="true",
        fusestatic="false",
        boundmass="1e-6",
        boundinertia="1e-9",
    )
    weightless = tuple(link.get("name", "") for link in root.findall("link") if _weightless(link))
    return Urdf(
        ET.tostring(root, encoding="unicode"),
        velocity,
        frozenset(still),
        tuple(dict.fromkeys(missing)),
        frozenset(bared),
        weightless,
    )


def _weightless(link: ET.Element) -> bool:
    """Whether a link's mass or inertia can be no body's; it is then removed, or next to none."""
    inertial = link.find("inertial")
    mass, inertia = link.find("inertial/mass"), link.find("inertial/inertia")
    if inertial is None or mass is None or inertia is None:
        return False
    weight = float(mass.get("value", 0.0))
    if not (np.isfinite(weight) and weight >= 0):
        link.remove(inertial)
        return True
    xx, yy, zz, xy, xz, yz = (
        float(inertia.get(name, 0.0)) for name in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
    )
    values = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    if np.isfinite(values).all() and np.linalg.eigvalsh(values)[0] >= -_NO_INERTIA:
        return False
    inertia.attrib = {name: str(_NO_INERTIA) for name in ("ixx", "iyy", "izz")}
    inertia.attrib |= {name: "0" for name in ("ixy", "ixz", "iyz")}
    return True


def _mesh(named: str, model: Path) -> Path | None:
    """The file of a mesh; None where there is none."""
    inside = named.removeprefix("file://")
    if named.startswith("package://"):
        inside = named.removeprefix("package://").lstrip("/")
    places = [Path(inside), model.parent / inside]
    # A package is a folder above the model of the package's name, wherever it was unpacked.
    parts = Path(inside).parts
    for above in model.resolve().parents:
        places.append(above / inside)
        if len(parts) > 1:
            places.append(above.joinpath(*parts[1:]))
    for place in places:
        if place.is_file() and place.suffix.lower() in READ:
            return place.resolve()
    # Makers who ship shapes in one format name them in another.
    for place in places:
        for suffix in READ:
            if place.suffix and (file := place.with_suffix(suffix)).is_file():
                return file.resolve()
    return next((place.resolve() for place in places if place.is_file()), None)
