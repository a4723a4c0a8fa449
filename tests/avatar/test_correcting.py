"""A take's motion corrected by its clip, in which everything is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.filmed import Filmed, filmed
from mocap.avatar import RefineConfig, corrected, correcting
from mocap.avatar.picture_energy import Stage
from mocap.body import Body
from mocap.errors import AvatarError
from mocap.take import Take

#: Motion alone, quickly.
QUICK = RefineConfig(stages=(Stage(160, 10),), sizing=())
FRAMES = 24


@pytest.fixture(scope="module")
def seen(body: Body, tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return filmed(tmp_path_factory.mktemp("filmed"), body, people=2, frames=FRAMES)


def aside(take: Take, name: str, body: Body) -> Take:
    """Somebody 4 cm off, and nothing known of where they rest or were detected."""
    person = take.people[name]
    moved = replace(person.body, transl=person.body.transl + [0.04, 0, 0])
    with torch.no_grad():
        joints = body.forward(moved).joints.double().numpy()
    person = replace(person, body=replace(moved, joints=joints), contacts=None, keypoints2d=None)
    return replace(take, people=take.people | {name: person})


def off(take: Take, truth: Take, name: str) -> np.ndarray:
    """How far each frame's body, the middle of its joints, is from the truth, metres."""
    ours, theirs = (one.people[name].body.joints[:, :22] for one in (take, truth))
    return np.linalg.norm((ours - theirs).mean(1), axis=-1)


def test_motion_that_is_off_is_put_right(seen: Filmed, body: Body) -> None:
    wrong = aside(seen.take, "person-1", body)
    told: list[tuple[str, int, int]] = []
    found, corrections = corrected(
        wrong,
        seen.video,
        {"person-1": seen.avatars["person-1"]},
        body,
        QUICK,
        progress=lambda *at: told.append(at),
    )
    before, after = (off(one, seen.take, "person-1").mean() for one in (wrong, found))
    assert before == pytest.approx(0.04)
    assert after < 0.5 * before
    one = corrections["person-1"]
    assert (one.stretches, one.better) == (1, 1)
    assert one.after < one.before
    assert not one.shape.better
    assert found.people["person-2"] is wrong.people["person-2"]
    record = found.provenance[-1]
    assert record.name == correcting.STAGE
    assert record.parameters["better"] == {"person-1": "1 of 1"}
    assert told[0] == ("picture", 0, FRAMES)
    assert told[-1] == ("picture", FRAMES, FRAMES)


def test_stretches_meet(seen: Filmed, body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correcting, "_STRETCH", 16)
    monkeypatch.setattr(correcting, "_SHARED", 4)
    wrong = aside(seen.take, "person-2", body)
    found, corrections = corrected(
        wrong, seen.video, {"person-2": seen.avatars["person-2"]}, body, QUICK
    )
    assert corrections["person-2"].stretches == 2
    assert off(found, seen.take, "person-2").mean() < 0.7 * 0.04


@pytest.mark.parametrize("count", [1, 23, 240, 241, 456, 457, 1000, 1001])
@pytest.mark.parametrize("spacing", [2, 3, 5, 8])
def test_stretches_cover_every_frame(count: int, spacing: int) -> None:
    stretches = correcting._stretches(count, spacing)
    shares = np.zeros(count)
    for first, last in stretches:
        assert first % spacing == 0
        assert last - first <= 240 + 24
        shares[first:last] += correcting._fade(first, last, count)
    assert stretches[0][0] == 0
    assert stretches[-1][1] == count
    assert shares.min() > 0


def test_who_cannot_be_corrected_is_named(seen: Filmed, body: Body) -> None:
    def refused(take: Take, avatars: dict, message: str) -> None:
        with pytest.raises(AvatarError, match=message):
            corrected(take, seen.video, avatars, body, QUICK)

    person = seen.take.people["person-1"]
    unseen = replace(seen.take, people={"person-1": replace(person, masks=None)})
    still = replace(seen.take, people={"person-1": replace(person, body=None)})
    other = replace(person, body=replace(person.body, model="other", model_sha256="0" * 64))
    strange = replace(seen.take, people={"person-1": other})
    refused(seen.take, {}, "no avatar of anybody")
    refused(unseen, seen.avatars, "person-1 has no masks")
    refused(still, seen.avatars, "person-1 has no motion")
    refused(strange, seen.avatars, "fitted with the body other.*--body")
    refused(seen.take, {"anna": seen.avatars["person-1"]}, "anna has no motion")
