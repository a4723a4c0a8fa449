"""What comes of holding a take beside its video: figures by frame, by person, and a verdict."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mocap.evaluate.avatars import Resemblance
from mocap.evaluate.averages import mean
from mocap.evaluate.outlines import Agreement
from mocap.evaluate.report import plain
from mocap.take import Person, Take

#: Thicknesses of clothes that are tried, metres.
CLOTHES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03)
#: A body lies on the person in the picture if the overlap, clothes allowed for, is at least this
#: on the mean. Bodies beside their person have half of it, people taken for each other none.
LEAST_IOU = 0.65
#: Of fewer of somebody's frames, nothing is said of them as a whole.
LEAST_JUDGED = 0.25
#: Seconds between frames that are told as the worst, and how many there are.
_APART, _WORST = 0.25, 3


@dataclass(frozen=True)
class Judged:
    """What was found of one person in one frame.

    Attributes:
        frame: of the video.
        agreement: of the body with the mask, also widened by each of :data:`CLOTHES`.
        alike: of the avatar, if there is one.
        extent: the longer side of the mask, pixels.
    """

    frame: int
    agreement: Agreement
    alike: Resemblance | None
    extent: int


@dataclass(frozen=True)
class FrameAgreement:
    """One person in one frame.

    Attributes:
        frame: of the video.
        iou: the silhouette's with the mask.
        clothed_iou: the same of the body with the person's clothes.
        outline_px: distance between the edges of both.
        beyond_px: by how much the mask's edge lies outside the body's.
        psnr_db: of the avatar, NaN without one.
        ssim: of the avatar, NaN without one.
        avatar_iou: of what the avatar covers with the mask, NaN without one.
    """

    frame: int
    iou: float
    clothed_iou: float
    outline_px: float
    beyond_px: float
    psnr_db: float
    ssim: float
    avatar_iou: float


@dataclass(frozen=True)
class PersonAgreement:
    """One person against the picture; means are over the frames that could be judged.

    Attributes:
        person: the id.
        frames: how many of the person's frames were looked at.
        judged_share: of them, in how many a mask could be had.
        agrees: whether the body lies on the person; None where too little could be judged.
        iou: of the bare body's silhouette with the mask.
        median_iou: the same, median.
        clothed_iou: the same of the body widened by ``clothes_mm``.
        clothes_mm: the thickness that suits the person best, millimetres.
        outline_px: mean distance between the edges of both.
        outline_share_of_height: the same over the longer side of the person in the picture.
        beyond_px: by how much the mask's edge lies outside the body's.
        psnr_db: of the avatar within the region about the person.
        ssim: of the avatar there.
        avatar_iou: of what the avatar covers with the mask.
        worst: frames with the least overlap, apart from each other.
        each: every frame that was judged.
    """

    person: str
    frames: int
    judged_share: float
    agrees: bool | None
    iou: float
    median_iou: float
    clothed_iou: float
    clothes_mm: float
    outline_px: float
    outline_share_of_height: float
    beyond_px: float
    psnr_db: float
    ssim: float
    avatar_iou: float
    worst: tuple[int, ...]
    each: tuple[FrameAgreement, ...]


@dataclass(frozen=True)
class PictureReport:
    """A take against its video; ``masks`` says what told people from the background."""

    video: str
    masks: str
    people: tuple[PersonAgreement, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data; units are in the names, what is not known is None."""
        return plain(asdict(self))


def summary(
    take: Take, person: Person, judged: list[Judged], every: int, least: float
) -> PersonAgreement:
    """What is found of a person, frame by frame, as a whole.

    Args:
        take: with the frame rate.
        person: one of its people.
        judged: the frames that could be judged, in order.
        every: of how many frames one was looked at.
        least: overlap of a body that lies on the person.
    """
    looked_at = int(np.count_nonzero(person.frames % every == 0))
    wider = np.array([one.agreement.widened for one in judged]).reshape(-1, len(CLOTHES))
    suits = int(np.argmax(wider.mean(0))) if len(wider) else 0
    each = tuple(_frame(one, float(iou)) for one, iou in zip(judged, wider[:, suits], strict=True))
    share = len(each) / looked_at if looked_at else 0.0

    def over_frames(name: str) -> float:
        return mean(np.array([getattr(one, name) for one in each], float))

    ious = [one.iou for one in each]
    height = float(np.median([one.extent for one in judged])) if judged else float("nan")
    clothed = over_frames("clothed_iou")
    return PersonAgreement(
        person=person.id,
        frames=looked_at,
        judged_share=share,
        agrees=clothed >= least if share >= LEAST_JUDGED else None,
        iou=over_frames("iou"),
        median_iou=float(np.median(ious)) if ious else float("nan"),
        clothed_iou=clothed,
        clothes_mm=1000 * CLOTHES[suits] if judged else float("nan"),
        outline_px=over_frames("outline_px"),
        outline_share_of_height=over_frames("outline_px") / height if height else float("nan"),
        beyond_px=over_frames("beyond_px"),
        psnr_db=over_frames("psnr_db"),
        ssim=over_frames("ssim"),
        avatar_iou=over_frames("avatar_iou"),
        worst=_worst(each, _APART * take.video.fps),
        each=each,
    )


def _frame(one: Judged, clothed_iou: float) -> FrameAgreement:
    found, alike = one.agreement, one.alike or Resemblance(*[float("nan")] * 3)
    return FrameAgreement(
        frame=one.frame,
        iou=found.iou,
        clothed_iou=clothed_iou,
        outline_px=found.distance_px,
        beyond_px=found.beyond_px,
        **asdict(alike),
    )


def _worst(each: tuple[FrameAgreement, ...], apart: float) -> tuple[int, ...]:
    """Frames with the least overlap, the worst first, none within ``apart`` frames of another."""
    chosen: list[int] = []
    for one in sorted(each, key=lambda one: one.iou):
        if all(abs(one.frame - other) >= apart for other in chosen):
            chosen.append(one.frame)
    return tuple(chosen[:_WORST])
