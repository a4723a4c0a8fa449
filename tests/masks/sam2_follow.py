"""Follow people with a SAM 2 of random weights, and print what came of it as JSON.

Run by an interpreter that has ``sam2``: SITE TAKE VIDEO FOLDER. SITE is a folder of packages with
all that is not SAM 2's.
"""

import json
import resource
import site
import sys
from pathlib import Path

SITE, TAKE, VIDEO, FOLDER = sys.argv[1:]
site.addsitedir(SITE)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from mocap.errors import MaskError  # noqa: E402
from mocap.masks import Sam2Segmenter, with_masks  # noqa: E402
from mocap.masks.sam2 import _declare_operators  # noqa: E402
from mocap.take import Take  # noqa: E402

_declare_operators()

from sam2.build_sam import build_sam2_video_predictor  # noqa: E402


def random_checkpoint(path: Path) -> Path:
    """The smallest model, nothing learned, as a checkpoint."""
    torch.manual_seed(0)
    model = build_sam2_video_predictor("configs/sam2.1/sam2.1_hiera_t.yaml", device="cpu")
    torch.save({"model": model.state_dict()}, path)
    return path


def lacking(whole: Path) -> str:
    """What is said of a checkpoint without one of its weights."""
    held = torch.load(whole, weights_only=True)
    held["model"].pop("sam_mask_decoder.iou_token.weight")
    torch.save(held, whole.with_name("lacking.pt"))
    try:
        Sam2Segmenter(whole.with_name("lacking.pt"), device="cpu")
    except MaskError as error:
        return str(error)
    return ""


def peak() -> float:
    """Most memory so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Once over the clip, in stretches of three frames."""
    take = Take.load(TAKE)
    segmenter = Sam2Segmenter(random_checkpoint(Path(FOLDER, "random.pt")), device="cpu", stretch=3)
    before = peak()
    result = with_masks(take, VIDEO, segmenter)
    result.save(Path(FOLDER, "masked.h5"))
    people = {}
    for name, person in result.people.items():
        masks = person.masks
        assert masks is not None
        found = [masks.at(row) for row in range(len(person.frames))]
        people[name] = {
            "known": masks.known.tolist(),
            "pixels": [0 if mask is None else int(np.count_nonzero(mask)) for mask in found],
        }
    print(
        json.dumps(
            {
                "name": segmenter.name,
                "inputs": segmenter.inputs,
                "people": people,
                "lacking": lacking(Path(FOLDER, "random.pt")),
                "growth": peak() - before,
            }
        )
    )


main()
