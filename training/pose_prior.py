"""Makes the pose prior that the fit is shipped with, from the motion corpora.

Run as ``python -m mocap.training.pose_prior --data DIR --out FILE``. Performers that
:func:`held_out` names are not learned from: what the prior is worth was measured on them.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.body import Body, load_body
from mocap.datasets.motions import CMU_ACKNOWLEDGEMENT
from mocap.fitting.freedom import COORDINATES, means, spreads
from mocap.fitting.prior import PosePrior, coordinate_names
from mocap.progress import Progress, silent
from mocap.training.mixtures import Mixture, fit_mixture
from mocap.training.pose_samples import PoseClip, balanced, collect

logger = logging.getLogger(__name__)

#: One Gaussian. Mixtures and Student's t describe held-out poses as well or better, and fit worse:
#: from a wrong start a frame is held by the wrong component, or pulled home by none.
COMPONENTS = 1
#: Degrees of freedom of Student's t; infinite is a Gaussian.
FREEDOM = np.inf
#: Radians by which another skeleton, performer or retargeting would have it differently.
BREADTH = np.deg2rad(10.0)
#: Radians of the diagonal that covariances are shrunk towards, and its worth in samples.
FLOOR, STRENGTH = np.deg2rad(8.0), 400.0
#: How much the hand-set spreads of anatomical tables count against what was learned: corpora are
#: few, and know some joints only in some poses.
TABLES = 0.625

#: Corpora learned from. CMU's terms allow products made with its data, the others' are Apache-2.0.
_LEARNED = ("cmu", "cmu_expmap/train", "cmu_expmap/test", "cmu_bvh11", "salsa", "climbing")
_HELD_OUT_PERFORMERS = ("cmu-05", "cmu-135")
_HELD_OUT_CLIPS = ("mocap_climb_seq_4",)


def held_out(clip: PoseClip) -> bool:
    """Whether a clip is kept for measuring: other corpora, two of CMU's performers, one climb."""
    return (
        clip.corpus not in _LEARNED
        or clip.performer in _HELD_OUT_PERFORMERS
        or clip.name.startswith(_HELD_OUT_CLIPS)
    )


def build(
    data_folder: str | Path,
    out: str | Path,
    *,
    body: Body | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> PosePrior:
    """Learn the prior and write it; takes some minutes.

    Args:
        data_folder: with the motion corpora; see :func:`mocap.datasets.motions.sources`.
        out: the file to write.
        body: whose coordinates; the open body if None.
        seed: of all that is drawn.
        progress: called with ``"poses"``, clips done, clips.

    Raises:
        MocapError: the corpora are not there, or a file of theirs cannot be read.
    """
    clips = collect(data_folder, body or load_body(), seed=seed, progress=progress)
    prior = learn([clip for clip in clips if not held_out(clip)], seed=seed)
    write(prior, Path(out))
    return prior


def learn(
    clips: list[PoseClip], *, components: int = COMPONENTS, freedom: float = FREEDOM, seed: int = 0
) -> PosePrior:
    """The prior of some clips."""
    poses = balanced(clips)
    logger.info("learning from %d poses of %d clips", len(poses), len(clips))
    floor = np.full(len(COORDINATES), FLOOR)
    mixture = fit_mixture(
        poses, components, freedom=freedom, floor=floor, strength=STRENGTH, seed=seed
    )
    return prior_of(tempered(broadened(mixture, BREADTH), TABLES))


def broadened(mixture: Mixture, deviation: float) -> Mixture:
    """The mixture of poses that are each off by an independent error, radians.

    Every skeleton has its own idea of a straight neck and a flat foot; a mixture as narrow as the
    performers it was learned from calls every other performer impossible.
    """
    more = deviation**2 * np.eye(mixture.means.shape[1])
    return Mixture(mixture.means, mixture.covariances + more, mixture.weights, mixture.freedom)


def tempered(mixture: Mixture, share: float) -> Mixture:
    """The product of Gaussians with the hand-set one to the power of ``share``.

    Student's t has no such product and is left as it is, and so are shares of components.
    """
    if np.isfinite(mixture.freedom):
        return mixture
    by_hand = share * np.diag(1 / spreads() ** 2)
    learned = np.linalg.inv(mixture.covariances)
    both = learned + by_hand
    pulled = np.einsum("kij,kj->ki", learned, mixture.means) + by_hand @ means()
    centres = np.linalg.solve(both, pulled[..., None])[..., 0]
    return Mixture(centres, np.linalg.inv(both), mixture.weights)


def prior_of(mixture: Mixture) -> PosePrior:
    """The mixture in the form the fit wants, likeliest component first."""
    order = np.argsort(-mixture.weights, kind="stable")
    roots: Float[np.ndarray, "k c c"] = mixture.precision_roots()
    return PosePrior(
        mixture.means[order], roots[order], np.log(mixture.weights[order]), mixture.freedom
    )


def write(prior: PosePrior, path: Path) -> None:
    """Write a prior as the fit reads it: single precision, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            means=prior.means.astype(np.float32),
            roots=prior.roots.astype(np.float32),
            log_weights=prior.log_weights.astype(np.float32),
            freedom=np.array(prior.freedom),
            coordinates=np.array(coordinate_names()),
            acknowledgement=np.array(CMU_ACKNOWLEDGEMENT),
        )
    partial.replace(path)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="folder with the motion corpora")
    parser.add_argument("--out", required=True, type=Path, help="file to write")
    parser.add_argument("--seed", default=0, type=int)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    def progress(_: str, done: int, total: int | None) -> None:
        logger.info("%d of %d clips", done, total)

    build(options.data, options.out, seed=options.seed, progress=progress)


if __name__ == "__main__":
    _main()
