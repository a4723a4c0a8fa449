"""``mocap train depth`` and ``mocap evaluate depth``: what they make, say and refuse."""

import csv
import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_pairs import make_pairs

from mocap.cli.train import configuration
from mocap.datasets.pairs import write_npz
from mocap.depth import DepthNetwork, NetworkConfig, write_checkpoint
from mocap.skeletons import COCO_17, MEDIAPIPE_33
from mocap.training.depth import MODEL, RESUMABLE, SINGLE_FRAME, WINDOWS, TrainConfig

from .conftest import PATIENCE, Ended, start

Run = Callable[..., Ended]

#: A network so small that it is trained at once.
RECIPE: dict[str, Any] = {
    "network": {"width": 16, "layers": 1, "pose_width": 32, "hidden": 1},
    "batch": 256,
    "average": 0.9,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pairs = make_pairs(60, (0.0, 60.0, 150.0, -120.0, -40.0), (10.0,))
    return write_npz(pairs, tmp_path_factory.mktemp("pairs") / "made.npz")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "recipe.json"
    path.write_text(json.dumps(RECIPE), encoding="utf-8")
    return path


def refused(ended: Ended) -> str:
    """The one line with which a command refuses."""
    assert ended.code == 1
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ended.err
    assert "Traceback" not in ended.err
    return errors[0].removeprefix("error: ")


@pytest.mark.parametrize("command", [("train", "depth"), ("evaluate", "depth")])
def test_help_has_examples(mocap: Run, command: tuple[str, str]) -> None:
    ended = mocap(*command, "--help")
    assert ended.code == 0
    assert "Examples" in ended.out


def test_help_tells_the_usual_values(mocap: Run) -> None:
    usual = TrainConfig(data=("",), out="")
    told = " ".join(mocap("train", "depth", "--help").out.replace("│", " ").split())
    for option, value in (
        ("--epochs", usual.epochs),
        ("--frames", usual.network.frames),
        ("--seed", usual.seed),
        ("--batch", usual.batch),
        ("--lr", usual.lr),
    ):
        assert re.search(rf"{option} ((?!--).)*\[default: {value}\]", told), option


def test_a_call_without_data_is_wrong(mocap: Run, tmp_path: Path) -> None:
    for command in (("train", "depth", "--out", tmp_path), ("evaluate", "depth")):
        ended = mocap(*command)
        assert ended.code == 2
        assert "--data" in ended.err


def test_train_go_on_and_measure(mocap: Run, data: Path, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ("train", "depth", "--data", data, "--out", out, "--recipe", recipe, "--seed", 3)
    first = mocap(*command, "--epochs", 2, "--resume")
    assert first.code == 0, first.err
    assert f"{out}: holds no run to go on with; it begins anew" in first.err
    assert "starting" not in first.err
    assert first.out == f"{out / MODEL}\n"
    assert re.search(r"^epoch 1/2: loss [\d.-]+, MPJPE [\d.]+ mm \(raw [\d.]+\)", first.err, re.M)
    assert re.search(r"^training: \d+ poses in [\d.]+ s", first.err, re.M)
    assert "GPU" not in first.err
    told = json.loads((out / "config.json").read_text(encoding="utf-8"))["config"]
    assert (told["seed"], told["epochs"], told["network"]["width"]) == (3, 2, 16)

    assert "--resume" in refused(mocap(*command, "--epochs", 4))
    again = mocap(*command, "--epochs", 4, "--resume")
    assert again.code == 0, again.err
    assert "epoch 2/4" not in again.err
    assert "epoch 4/4" in again.err
    assert "begins anew" not in again.err
    for epochs in (4, 3):
        done = mocap(*command, "--epochs", epochs, "--resume")
        assert (done.code, done.out) == (0, f"{out / MODEL}\n")
        assert "nothing was left to do after epoch 4; train on with more --epochs" in done.err
    other = refused(mocap(*command, "--epochs", 5, "--resume", "--lr", 0.1))
    assert "lr is 0.1" in other

    figures, plot = tmp_path / "figures.json", tmp_path / "polar.png"
    measured = mocap(
        "evaluate", "depth", out / MODEL, "--data", data, "--json", figures, "--plot", plot
    )
    assert measured.code == 0, measured.err
    assert re.search(r"^MPJPE \(mm\) +[\d.]+ +[\d.]+ +[+-]\d+%$", measured.out, re.M)
    assert re.search(r"^-60° to -30° +\d+( \(few\))? +[\d.]+ +[\d.]+ ", measured.out, re.M)
    assert "better than raw in" in measured.out
    said = json.loads(figures.read_text(encoding="utf-8"))
    assert said["split"] == "test"
    assert said["overall"]["raw"]["samples"] == 60
    assert said["overall"]["refined"]["mpjpe_mm"] > 0
    assert len(said["azimuths"]) == 12
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes talk over Gloo")
def test_two_devices_share_the_work(data: Path, recipe: Path, tmp_path: Path) -> None:
    def trained(name: str, *options: object) -> tuple[dict[str, str], str]:
        out = tmp_path / name
        command = ("train", "depth", "--data", data, "--out", out, "--recipe", recipe)
        process = start(*command, "--epochs", 2, "--device", "cpu", *options)
        said, notes = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, notes
        assert said == f"{out / MODEL}\n"
        with (out / "metrics.csv").open(newline="") as file:
            return list(csv.DictReader(file))[-1], notes

    alone, _ = trained("alone")
    together, notes = trained("together", "--devices", 2)
    assert notes.count("epoch 2/2") == 1
    # Other lots are drawn, of so few pairs that they tell.
    assert float(together["val_mpjpe_mm"]) == pytest.approx(float(alone["val_mpjpe_mm"]), rel=0.15)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_what_is_stopped_goes_on(mocap: Run, data: Path, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ("train", "depth", "--data", data, "--out", out, "--recipe", recipe)
    process = start(*command, "--epochs", 100000)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 3/"):
            process.send_signal(signal.SIGINT)
            break
    said, notes = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said == ""
    last = notes.splitlines()[-1]
    found = re.fullmatch(
        r"stopped after epoch (\d+) of 100000; the same command with --resume goes on from it",
        last,
    )
    assert found, notes
    assert "Traceback" not in notes
    assert (out / RESUMABLE).exists()
    done = int(found[1])
    ended = mocap(*command, "--epochs", done + 1, "--resume")
    assert ended.code == 0, ended.err
    assert f"epoch {done + 1}/{done + 1}" in ended.err
    assert f"epoch {done}/" not in ended.err


def test_bad_input_is_refused_by_name(mocap: Run, data: Path, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"

    def train(*arguments: object) -> str:
        return refused(mocap("train", "depth", "--out", out, *arguments))

    assert "none.npz" in train("--data", tmp_path / "none.npz")
    (tmp_path / "empty").mkdir()
    assert "empty" in train("--data", tmp_path / "empty")
    (tmp_path / "text.npz").write_text("no pairs", encoding="utf-8")
    assert "text.npz" in train("--data", tmp_path / "text.npz")
    for option, value, fault in (
        ("--precision", "9-bit", "'9-bit' is not one of"),
        ("--device", "abacus", "'abacus' is not one of"),
        ("--seed", 2**32, "4294967295"),
        ("--lr", 0, "it must be above 0"),
        ("--lr", "nan", "it must be above 0"),
        ("--data", data.parent / "." / data.name, "is given twice"),
    ):
        ended = mocap("train", "depth", "--out", out, "--data", data, option, value)
        assert ended.code == 2
        assert fault in " ".join(ended.err.replace("│", " ").split())
    assert "64000 devices" in train("--data", data, "--device", "cpu", "--devices", 64000)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "dataset.json").touch()
    ended = mocap("train", "depth", "--out", tmp_path / "full", "--data", data)
    assert "holds files that are no run (dataset.json)" in refused(ended)
    (tmp_path / "recipe.json").write_text("[1]", encoding="utf-8")
    assert "recipe.json" in train("--data", data, "--recipe", tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_text('{"rhythm": 1}', encoding="utf-8")
    assert "rhythm" in train("--data", data, "--recipe", tmp_path / "recipe.json")
    (tmp_path / "recipe.json").write_text('{"network": {"width": "a"}}', encoding="utf-8")
    told = train("--data", data, "--recipe", tmp_path / "recipe.json")
    assert 'recipe.json: network.width is "a"; a whole number is wanted' in told
    for content in ('{"config": [1]}', '{"network": 5}', '{"losses": 5}'):
        (tmp_path / "recipe.json").write_text(content, encoding="utf-8")
        told = train("--data", data, "--recipe", tmp_path / "recipe.json", "--frames", 3)
        assert "recipe.json: is no recipe" in told
    assert not out.exists()

    def measure(*arguments: object) -> str:
        return refused(mocap("evaluate", "depth", *arguments))

    model = write_checkpoint(DepthNetwork(NetworkConfig(**RECIPE["network"])), tmp_path / "m.st")
    assert "none.npz" in measure(model, "--data", tmp_path / "none.npz")
    assert "model.safetensors" in measure(tmp_path / "model.safetensors", "--data", data)
    (tmp_path / "cut.safetensors").write_bytes(b"no model")
    assert "cut.safetensors" in measure(tmp_path / "cut.safetensors", "--data", data)
    (tmp_path / "alone").mkdir()
    train_only = write_npz(
        make_pairs(5, (0.0,), (0.0,), splits=("train",)), tmp_path / "alone" / "train.npz"
    )
    assert "(split test), but train 5; choose" in measure(model, "--data", train_only)
    for option, value, fault in (
        ("--split", "tset", "'tset' is not one of train, val, test, all"),
        ("--device", "abacus", "'abacus' is not one of"),
        ("--plot", tmp_path / "plot.doc", "must end in .png, .svg, .pdf"),
        ("--data", data, "is given twice"),
    ):
        ended = mocap("evaluate", "depth", model, "--data", data, option, value)
        assert ended.code == 2
        assert fault in " ".join(ended.err.replace("│", " ").split())
    ended = mocap("evaluate", "depth", model, "--data", data, "--tell-elevation", 3)
    assert ended.code == 0
    assert "cannot be told elevations" in ended.err
    for option, name in (("--json", "a.json"), ("--plot", "a.png")):
        told = measure(model, "--data", tmp_path / "none.npz", option, model / name)
        assert f"{name}: its folder cannot be made or written; choose another with {option}" in told
    assert "none.npz" in measure(
        model, "--data", tmp_path / "none.npz", "--json", tmp_path / "new" / "a.json"
    )
    assert not (tmp_path / "new").exists()
    told = measure(model, "--data", tmp_path / "none.npz", "--json", tmp_path)
    assert "is a folder; choose a file with --json" in told
    before = data.read_bytes(), model.read_bytes()
    for option, path in (("--json", data), ("--plot", model)):
        ended = mocap("evaluate", "depth", model, "--data", data, option, path)
        assert ended.code == 2
        assert "would be written over what is read" in re.sub(r"\W+", " ", ended.err)
    assert (data.read_bytes(), model.read_bytes()) == before


def test_pairs_are_measured_as_extraction_would_have_them(
    mocap: Run, data: Path, tmp_path: Path
) -> None:
    model = write_checkpoint(DepthNetwork(NetworkConfig(**RECIPE["network"])), tmp_path / "m.st")
    evaluate = ("evaluate", "depth", model, "--as-extracted", "--split", "all", "--data")
    assert "none of the pairs hold all of the detector's landmarks" in refused(
        mocap(*evaluate, data)
    )
    pairs = make_pairs(60, (0.0, 120.0), (10.0,), landmarks=True)
    for frame in (10, 11, 40, 75):  # The detector takes left for right.
        for values in (pairs.landmarks_xy, pairs.landmarks_xyz, pairs.landmarks_confidence):
            values[frame] = values[frame, MEDIAPIPE_33.mirror]
        for values in (pairs.pose_2d, pairs.corrupted, pairs.visibility):
            values[frame] = values[frame, COCO_17.mirror]
    whole = write_npz(pairs, tmp_path / "whole.npz")
    assert mocap(*evaluate, whole, "--json", tmp_path / "right.json").code == 0
    as_detected = [word for word in evaluate if word != "--as-extracted"]
    assert mocap(*as_detected, whole, "--json", tmp_path / "raw.json").code == 0
    right, wrong = (
        json.loads((tmp_path / name).read_text(encoding="utf-8"))
        for name in ("right.json", "raw.json")
    )
    assert right["as_extracted"]
    assert not wrong["as_extracted"]
    put_right, detected = (told["overall"]["raw"] for told in (right, wrong))
    assert put_right["samples"] == detected["samples"] == len(pairs)
    assert put_right["mpjpe_mm"] < 0.95 * detected["mpjpe_mm"]


def test_single_frames_get_the_quick_network() -> None:
    assert configuration(None, {}, 1).network == SINGLE_FRAME
    assert configuration(None, {}, 9).network == replace(WINDOWS, frames=9)
