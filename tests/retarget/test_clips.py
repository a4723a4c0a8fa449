"""Real people's motion on real robots: what the report holds them to."""

import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.datasets import motions as corpora
from mocap.retarget import (
    RetargetConfig,
    correspondence_of,
    prepared,
    read_robot,
    retarget,
    robot_report,
)

WALK = "cmu_isaacgym_amp/amp_humanoid_walk.npy"
CRAWL = "deepmimic/humanoid3d_crawl.txt"
KICK = "deepmimic/humanoid3d_spinkick.txt"
CARTWHEEL = "deepmimic/humanoid3d_cartwheel.txt"
STAIRS = "../results/pyroki_humanoid/smpl_keypoints.npy"
READERS = {
    WALK: corpora.read_poselib_clip,
    CRAWL: corpora.read_deepmimic_clip,
    KICK: corpora.read_deepmimic_clip,
    CARTWHEEL: corpora.read_deepmimic_clip,
    STAIRS: corpora.read_keypoints_clip,
}


@pytest.mark.parametrize(
    ("model", "clip"),
    [
        ("unitree_g1/g1.xml", WALK),
        ("unitree_g1/g1.xml", KICK),
        ("unitree_g1/g1.xml", CRAWL),
        ("unitree_g1/g1.xml", STAIRS),
        ("unitree_h1/h1.xml", WALK),
        ("booster_t1/t1.xml", WALK),
        # Arms of four joints pass their shoulders' singularities without a jump.
        ("booster_t1/t1.xml", CARTWHEEL),
    ],
)
def test_robots_follow_people(data_dir, body, model, clip):
    path, motion = data_dir.parent / "robots" / model, data_dir / "motions" / clip
    for file in (path, motion):
        if not file.is_file():
            pytest.skip(f"{file} is not there")
    human = corpora.human_of_clip(READERS[clip](motion), body)
    robot, config = read_robot(path), RetargetConfig()
    human, found = prepared(human, config), correspondence_of(robot)
    report = robot_report(retarget([human], robot, found, config)[0], human, robot, found)
    assert report.passed, report.failures
    assert report.figures["tracking"]["segments_mean_deg"] < 7
