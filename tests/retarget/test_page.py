"""The report as a page: what a browser is given."""

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.retarget import correspondence_of, read_robot, retarget, robot_report, write_page
from mocap.retarget.checks import CHECKS
from retarget.made_up import marching, written


class Page(HTMLParser):
    """What is in a page: elements, attributes and text; nothing is left open."""

    VOID = ("meta",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def count(self, tag: str, **wanted: str) -> int:
        return sum(
            name == tag and all(given.get(key) == value for key, value in wanted.items())
            for name, given in self.found
        )


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    return read_robot(written(tmp_path_factory.mktemp("robot")))


def test_a_page_tells_what_was_measured(robot, tmp_path):
    march = replace(marching(), name="<a & b>")
    [trajectory] = retarget([march], robot)
    report = robot_report(trajectory, march, robot, correspondence_of(robot))
    path = write_page(report, trajectory, robot, tmp_path / "r.html", film="a.mp4")
    page = Page(path.read_text(encoding="utf-8"))
    assert f"<a & b> on {robot.name}" in page.words
    assert "Passes: every figure is within its limit." in page.words
    assert page.count("tr") == 1 + len(CHECKS)
    assert report.stance in page.words
    assert page.count("video", src="a.mp4") == 1
    # Nothing is fetched from elsewhere.
    assert not any("//" in str(value) for _, given in page.found for value in given.values())
    lines = [given["points"] for tag, given in page.found if tag == "polyline"]
    assert len(lines) >= 2
    assert all(len(str(points).split()) == len(march) for points in lines)
    limited = np.isfinite(robot.low) & np.isfinite(robot.high)
    for name in np.array(robot.joints)[limited]:
        assert name in page.words


def test_a_page_of_what_fails_says_what(robot, tmp_path):
    march = marching()
    [trajectory] = retarget([march], robot)
    places = trajectory.root_position + [0.0, 0.0, 0.3]
    found = correspondence_of(robot)
    for broken in (places, np.full_like(places, np.nan)):
        spoilt = replace(trajectory, root_position=broken)
        report = robot_report(spoilt, march, robot, found)
        path = write_page(report, spoilt, robot, tmp_path / "r.html")
        page = Page(path.read_text(encoding="utf-8"))
        assert page.count("p", **{"class": "verdict fails"}) == len(report.failures) > 0
        assert not any(word.startswith("Passes") for word in page.words)
        assert len(report.reasons) == len(report.failures)
        for reason in report.reasons:
            assert f"Fails: {reason}" in page.words
    assert page.count("polyline") == page.count("video") == 0
