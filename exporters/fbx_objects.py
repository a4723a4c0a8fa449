"""The objects of an FBX file, and what is connected to what."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from mocap.exporters.fbx_nodes import Node, Packed, Value

Property = tuple[str, str, str, str, *tuple[Value, ...]]

_LINEAR = 0x4


def properties(*rows: Property) -> Node:
    """A node of properties: name, type, label, flags, values."""
    node = Node("Properties70")
    for row in rows:
        node.add("P", *row)
    return node


def matrix(
    rotation: Float[np.ndarray, "3 3"], position: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "4 4"]:
    """The transform of column vectors with this rotation and position."""
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = rotation, position
    return found


class Objects:
    """Objects by number; those made first are numbered first."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []
        self._connections = Node("Connections")
        self._count = 1
        # Curves with keys at the same times have the same reference counts and flags.
        self._keys: dict[int, tuple[Node, ...]] = {}

    def plain(self, kind: str, name: str, group: str, sort: str, *nodes: Node) -> int:
        """An object; returns its number."""
        self._count += 1
        # FBX's own way of saying that a name is in a group.
        full = f"{name}\x00\x01{group}"
        self._nodes.append(Node(kind, np.int64(self._count), full, sort, nodes=nodes))
        return self._count

    def connect(self, inner: int, outer: int, to: str | None = None) -> None:
        """Connect an object to another, or to a property of it; 0 is the scene."""
        ends = (np.int64(inner), np.int64(outer))
        if to is None:
            self._connections.add("C", "OO", *ends)
        else:
            self._connections.add("C", "OP", *ends, to)

    def model(
        self,
        name: str,
        sort: str,
        above: int,
        position: Float[np.ndarray, "3"],
        turn: Float[np.ndarray, "3"],
        scale: float = 1.0,
    ) -> int:
        """A node of the scene; degrees about x, then y, then z."""
        rows: list[Property] = [
            ("RotationActive", "bool", "", "", 1),
            ("InheritType", "enum", "", "", 1),
            ("ScalingMax", "Vector3D", "Vector", "", 0.0, 0.0, 0.0),
            ("DefaultAttributeIndex", "int", "Integer", "", 0),
            ("PreRotation", "Vector3D", "Vector", "", *turn.tolist()),
            ("Lcl Translation", "Lcl Translation", "", "A", *position.tolist()),
            ("Lcl Rotation", "Lcl Rotation", "", "A", 0.0, 0.0, 0.0),
            ("Lcl Scaling", "Lcl Scaling", "", "A", scale, scale, scale),
        ]
        found = self.plain(
            "Model",
            *(name, "Model", sort),
            *(Node("Version", 232), properties(*rows)),
            *(Node("Shading", True), Node("Culling", "CullingOff")),
        )
        self.connect(found, above)
        return found

    def attribute(self, name: str, bone: int, size: float) -> None:
        """What makes a limb node a bone."""
        found = self.plain(
            "NodeAttribute",
            *(name, "NodeAttribute", "LimbNode"),
            properties(("Size", "double", "Number", "", size)),
            Node("TypeFlags", "Skeleton"),
        )
        self.connect(found, bone)

    def animate(
        self,
        model: int,
        layer: int,
        short: str,
        what: str,
        times: Packed,
        values: Float[np.ndarray, "3 frames"],
    ) -> None:
        """Curves for the three numbers of a property."""
        rows: list[Property] = [
            (f"d|{axis}", "Number", "", "A", float(row[0]))
            for axis, row in zip("XYZ", values, strict=True)
        ]
        curves = self.plain("AnimationCurveNode", short, "AnimCurveNode", "", properties(*rows))
        self.connect(curves, layer)
        self.connect(curves, model, what)
        for axis, row in zip("XYZ", values, strict=True):
            curve = self.plain(
                "AnimationCurve",
                *("", "AnimCurve", ""),
                *(Node("Default", float(row[0])), Node("KeyVer", 4008), Node("KeyTime", times)),
                Node("KeyValueFloat", row),
                *self._key_nodes(len(row)),
            )
            self.connect(curve, curves, f"d|{axis}")

    def _key_nodes(self, count: int) -> tuple[Node, ...]:
        """What all keys of a curve have in common: they are linear."""
        if count not in self._keys:
            self._keys[count] = (
                Node("KeyAttrFlags", np.array([_LINEAR], "i4")),
                Node("KeyAttrDataFloat", np.zeros(4, "f4")),
                Node("KeyAttrRefCount", np.array([count], "i4")),
            )
        return self._keys[count]

    def geometry(
        self,
        name: str,
        model: int,
        vertices: Float[np.ndarray, "vertices 3"],
        faces: Int[np.ndarray, "faces 3"],
        normals: Float[np.ndarray, "vertices 3"],
    ) -> int:
        """The surface of a mesh model, of one plain material."""
        corners = faces.astype("i4")
        # The last corner of a face is told by its complement.
        corners[:, 2] = ~corners[:, 2]
        lit = Node("LayerElementNormal", 0)
        for key, value in (
            ("Version", 101),
            ("Name", ""),
            ("MappingInformationType", "ByVertice"),
            ("ReferenceInformationType", "Direct"),
            ("Normals", normals.astype("f8").ravel()),
        ):
            lit.add(key, value)
        painted = Node("LayerElementMaterial", 0)
        for key, value in (
            ("Version", 101),
            ("Name", ""),
            ("MappingInformationType", "AllSame"),
            ("ReferenceInformationType", "IndexToDirect"),
            ("Materials", np.zeros(1, "i4")),
        ):
            painted.add(key, value)
        layer = Node("Layer", 0)
        layer.add("Version", 100)
        for kind in ("LayerElementNormal", "LayerElementMaterial"):
            element = layer.add("LayerElement")
            element.add("Type", kind)
            element.add("TypedIndex", 0)
        found = self.plain(
            "Geometry",
            *(name, "Geometry", "Mesh"),
            *(Node("GeometryVersion", 124), Node("Vertices", vertices.astype("f8").ravel())),
            Node("PolygonVertexIndex", corners.ravel()),
            *(lit, painted, layer),
        )
        self.connect(found, model)
        material = self.plain(
            "Material",
            *(name, "Material", ""),
            *(Node("Version", 102), Node("ShadingModel", "lambert"), Node("MultiLayer", 0)),
            properties(("DiffuseColor", "Color", "", "A", 0.72, 0.72, 0.75)),
        )
        self.connect(material, model)
        return found

    def deformer(self, name: str, geometry: int) -> int:
        """What moves a surface by joints."""
        found = self.plain(
            "Deformer",
            *(name, "Deformer", "Skin"),
            *(Node("Version", 101), Node("Link_DeformAcuracy", 50.0)),
        )
        self.connect(found, geometry)
        return found

    def cluster(
        self,
        name: str,
        deformer: int,
        bone: int,
        vertices: Int[np.ndarray, " moved"],
        weights: Float[np.ndarray, " moved"],
        place: Float[np.ndarray, "4 4"],
    ) -> None:
        """The vertices that a joint moves; ``place`` is the joint's in the bind pose."""
        found = self.plain(
            "Deformer",
            *(name, "SubDeformer", "Cluster"),
            *(Node("Version", 100), Node("UserData", "", "")),
            *(Node("Indexes", vertices.astype("i4")), Node("Weights", weights.astype("f8"))),
            Node("Transform", np.linalg.inv(place).T.ravel().copy()),
            Node("TransformLink", place.T.ravel().copy()),
        )
        self.connect(found, deformer)
        self.connect(bone, found)

    def bind_pose(self, name: str, places: Mapping[int, Float[np.ndarray, "4 4"]]) -> None:
        """Where models are when the surface is bound to them."""
        nodes = [Node("Type", "BindPose"), Node("Version", 100), Node("NbPoseNodes", len(places))]
        for model, place in places.items():
            one = Node("PoseNode")
            one.add("Node", np.int64(model))
            one.add("Matrix", place.T.ravel().copy())
            nodes.append(one)
        self.plain("Pose", name, "Pose", "BindPose", *nodes)

    def nodes(self) -> list[Node]:
        """What a file has of them: how many of each kind, the objects, the connections."""
        counts = Counter(node.name for node in self._nodes)
        definitions = Node("Definitions")
        definitions.add("Version", 100)
        definitions.add("Count", sum(counts.values()) + 1)
        for kind, count in {"GlobalSettings": 1, **counts}.items():
            definitions.add("ObjectType", kind).add("Count", count)
        return [definitions, Node("Objects", nodes=self._nodes), self._connections]
