"""Surfaces out of COLLADA files, which URDFs often name and MuJoCo does not read.

Points are placed as the file's scene places them, and in metres. The axis that the file calls up
is told, not turned: :mod:`.up_axes` says why. The format is COLLADA 1.4.1 of the Khronos Group.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from mocap.errors import RetargetError

Surface = tuple[Float[np.ndarray, "points 3"], Int[np.ndarray, "triangles 3"]]
#: Nodes within nodes, at most: those that name themselves go on for ever.
_DEPTH = 64


def read_collada(path: Path) -> tuple[Surface, str]:
    """Read the triangles of a file.

    Returns:
        (P, 3) points, metres, and (T, 3) rows of points; larger polygons are cut up. And the axis
        that the file calls up: ``Y_UP``, which goes without saying, ``Z_UP`` or ``X_UP``.

    Raises:
        RetargetError: it is no COLLADA, is damaged, or has no surface.
    """
    try:
        root = ET.fromstring(path.read_bytes())
    except (ET.ParseError, OSError) as error:
        raise RetargetError(f"{path}: is no COLLADA file: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    try:
        parts = _File(root).parts()
    except (LookupError, ValueError, AttributeError) as error:
        raise RetargetError(f"{path}: is a damaged COLLADA file: {error}") from error
    if not any(len(triangles) for _, triangles in parts):
        raise RetargetError(f"{path}: has no triangles")
    counts = np.cumsum([0, *(len(points) for points, _ in parts)])
    triangles = [rows + first for (_, rows), first in zip(parts, counts, strict=False)]
    points = np.concatenate([points for points, _ in parts])
    up = (root.findtext("asset/up_axis") or "Y_UP").strip()
    return (points, np.concatenate(triangles)), up


class _File:
    """The elements of a file, by id."""

    def __init__(self, root: ET.Element) -> None:
        self._root = root
        self._named = {f"#{e.get('id')}": e for e in root.iter() if e.get("id")}

    def parts(self) -> list[Surface]:
        """What the scene shows; all that there is, where there is no scene."""
        unit = self._root.find("asset/unit")
        metre = float(unit.get("meter", 1.0)) if unit is not None else 1.0
        scale = np.diag([metre, metre, metre, 1.0])
        shown = self._root.find("scene/instance_visual_scene")
        if shown is None:
            return [self._geometry(e, scale) for e in self._root.iter("geometry")]
        scene = self._named[shown.get("url", "")]
        return [part for node in scene.findall("node") for part in self._node(node, scale, 0)]

    def _node(self, node: ET.Element, above: np.ndarray, depth: int) -> list[Surface]:
        if depth > _DEPTH:
            raise ValueError("its nodes contain themselves")
        place, found = above, []
        for child in node:
            if child.tag in _MOVES:
                place = place @ _MOVES[child.tag](_numbers(child))
            elif child.tag == "node":
                found += self._node(child, place, depth + 1)
            elif child.tag == "instance_node":
                found += self._node(self._named[child.get("url", "")], place, depth + 1)
            elif child.tag == "instance_geometry":
                found.append(self._geometry(self._named[child.get("url", "")], place))
            elif child.tag == "instance_controller":
                skin = self._named[child.get("url", "")].find("skin")
                if skin is not None:
                    found.append(self._geometry(self._named[skin.get("source", "")], place))
        return found

    def _geometry(self, geometry: ET.Element, place: np.ndarray) -> Surface:
        points, triangles = [np.zeros((0, 3))], [np.zeros((0, 3), int)]
        mesh = geometry.find("mesh")
        for polygons in () if mesh is None else mesh:
            if polygons.tag not in _CUT:
                continue
            inputs = {e.get("semantic"): e for e in polygons.findall("input")}
            every = 1 + max(int(e.get("offset", 0)) for e in inputs.values())
            vertices = self._named[inputs["VERTEX"].get("source", "")]
            source = next(e for e in vertices.findall("input") if e.get("semantic") == "POSITION")
            corners = self._positions(self._named[source.get("source", "")])
            first = int(inputs["VERTEX"].get("offset", 0))
            rows = _CUT[polygons.tag](polygons, first, every)
            # Points of no triangle would be corners of the hull.
            used, rows = np.unique(rows, return_inverse=True)
            triangles.append(rows.reshape(-1, 3) + sum(map(len, points)))
            points.append(corners[used])
        corners = np.concatenate(points) @ place[:3, :3].T + place[:3, 3]
        if not np.isfinite(corners).all():
            raise ValueError("it has points that are not numbers")
        return corners, np.concatenate(triangles)

    def _positions(self, source: ET.Element) -> np.ndarray:
        """(V, 3) what an accessor reads."""
        accessor = source.find("technique_common/accessor")
        values = _numbers(self._named[accessor.get("source", "")])  # type: ignore[union-attr]
        stride, start = (
            int(accessor.get(name, usual))  # type: ignore[union-attr]
            for name, usual in (("stride", 3), ("offset", 0))
        )
        values = values[start:]
        return values[: len(values) // stride * stride].reshape(-1, stride)[:, :3]


def _numbers(element: ET.Element) -> np.ndarray:
    return np.array((element.text or "").split(), float)


def _rows(element: ET.Element, first: int, every: int) -> np.ndarray:
    return np.array((element.text or "").split(), int)[first::every]


def _triangles(polygons: ET.Element, first: int, every: int) -> np.ndarray:
    found = [_rows(p, first, every).reshape(-1, 3) for p in polygons.findall("p")]
    return np.concatenate([np.zeros((0, 3), int), *found])


def _polylist(polygons: ET.Element, first: int, every: int) -> np.ndarray:
    none = np.zeros(0, int)
    rows = np.concatenate([none, *(_rows(p, first, every) for p in polygons.findall("p"))])
    sizes = np.concatenate([none, *(_rows(v, 0, 1) for v in polygons.findall("vcount"))])
    # Fans: the first corner with each of the edges that it is not on.
    fans = np.maximum(sizes - 2, 0)
    corner = np.repeat(np.cumsum(sizes) - sizes, fans)
    edge = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans) + corner + 1
    return rows[np.stack([corner, edge, edge + 1], 1)]


def _fans(polygons: ET.Element, first: int, every: int) -> np.ndarray:
    found = [np.zeros((0, 3), int)]
    for p in polygons.iter("p"):
        rows = _rows(p, first, every)
        found.append(np.stack([np.full(len(rows) - 2, rows[0]), rows[1:-1], rows[2:]], 1))
    return np.concatenate(found)


def _strips(polygons: ET.Element, first: int, every: int) -> np.ndarray:
    found = [np.zeros((0, 3), int)]
    for p in polygons.findall("p"):
        rows = _rows(p, first, every)
        strip = np.stack([rows[:-2], rows[1:-1], rows[2:]], 1)
        strip[1::2] = strip[1::2, ::-1]
        found.append(strip)
    return np.concatenate(found)


_CUT = {
    "triangles": _triangles,
    "polylist": _polylist,
    "polygons": _fans,
    "trifans": _fans,
    "tristrips": _strips,
}


def _moved(by: np.ndarray) -> np.ndarray:
    place = np.eye(4)
    place[:3, 3] = by
    return place


def _turned(axis: np.ndarray) -> np.ndarray:
    place = np.eye(4)
    way = axis[:3] / max(float(np.linalg.norm(axis[:3])), 1e-12)
    place[:3, :3] = Rotation.from_rotvec(np.radians(axis[3]) * way).as_matrix()
    return place


_MOVES = {
    "matrix": lambda values: values.reshape(4, 4),
    "translate": _moved,
    "rotate": _turned,
    "scale": lambda values: np.diag([*values, 1.0]),
}
