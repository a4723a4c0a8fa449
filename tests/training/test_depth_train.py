import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from made_pairs import make_pairs
from safetensors.torch import load_file

from mocap.datasets.pairs import PairsError, write_npz
from mocap.depth import NetworkConfig, read_checkpoint
from mocap.folder_lock import only_writer
from mocap.training.depth import (
    MODEL,
    RESUMABLE,
    LossWeights,
    TrainConfig,
    TrainingError,
    from_json,
    train,
)
from mocap.training.depth.config import differences
from mocap.training.depth.module import follow, schedule

NOTHING = {name: 0.0 for name, weight in vars(LossWeights()).items() if weight != "laplace"}
TINY = NetworkConfig(width=16, layers=2, pose_width=32, hidden=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pairs = make_pairs(
        60, tuple(range(-180, 180, 30)), (0.0, 25.0), splits=("train",) * 4 + ("val",)
    )
    return write_npz(pairs, tmp_path_factory.mktemp("pairs") / "made.npz")


@pytest.fixture(autouse=True)
def _no_plots(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than training does here."""
    if request.node.name != "test_it_really_learns":
        plots = import_module("mocap.training.depth.plots")
        monkeypatch.setattr(plots, "write_plots", lambda rows, folder: [])


def config(data: Path, out: Path, **changes: object) -> TrainConfig:
    start = TrainConfig(
        data=(str(data),), out=str(out), network=TINY, epochs=3, batch=256, device="cpu"
    )
    return replace(start, **changes)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / MODEL)


def figures(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def equal(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_really_learns(data: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    rows: list[Mapping[str, float]] = []
    wanted = config(data, tmp_path / "run", epochs=16, batch=128, lr=8e-3, average=0.95)
    model = train(
        wanted, lambda *how_far: told.append(how_far), report=lambda row: rows.append(dict(row))
    )
    last = [row for row in rows if "val_mpjpe_mm" in row][-1]
    assert last["val_mpjpe_mm"] < 0.7 * last["raw_mpjpe_mm"]
    assert last["val_depth_mm"] < 0.7 * last["raw_depth_mm"]
    # From where it is seen, there it was never trained on.
    assert last["val_camera_median_degrees"] < 30
    assert 0.4 < last["val_within_one_sigma"] < 0.95
    steps = [how_far for how_far in told if how_far[0] == "training"]
    assert steps[-1][1] == steps[-1][2] == 16 * 1200
    names = {path.name for path in model.parent.iterdir()}
    assert names >= {MODEL, RESUMABLE, "config.json", "metrics.csv", "losses.png", "metrics.png"}
    assert any((model.parent / "tensorboard").glob("events*"))


def test_the_best_epoch_is_kept_and_says_what_it_is(data: Path, tmp_path: Path) -> None:
    wanted = config(data, tmp_path / "run")
    kept = read_checkpoint(train(wanted))
    said = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    assert from_json(said["config"]) == wanted
    assert kept.data_sha256 == said["data_sha256"]
    assert kept.config == TINY
    assert kept.recipe["training"]["epochs"] == 3
    assert kept.recipe["pairs"] == {"train": 1200, "val": 240}
    rows = figures(tmp_path / "run")
    best = min(float(row["val_mpjpe_mm"]) for row in rows)
    assert kept.recipe["figures"]["val_mpjpe_mm"] == pytest.approx(best, rel=1e-5)
    assert kept.recipe["raw"]["mpjpe_mm"] > 50


def test_a_resumed_run_is_as_if_it_had_not_stopped(data: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(config(data, whole, epochs=4))

    def stop(row: Mapping[str, float]) -> None:
        if row["epoch"] == 3 and "val_mpjpe_mm" not in row:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(data, parts, epochs=4), report=stop)
    assert len(figures(parts)) == 2
    train(config(data, parts, epochs=4), resume=True)
    assert figures(parts) == figures(whole)
    assert equal(parts, whole)
    # Nothing is left to do.
    train(config(data, parts, epochs=4), resume=True)
    assert figures(parts) == figures(whole)
    # Nor of fewer, and what is there still says how many there were.
    before = (parts / "config.json").read_bytes()
    assert train(config(data, parts, epochs=2), resume=True) == parts / MODEL
    assert (parts / "config.json").read_bytes() == before
    assert figures(parts) == figures(whole)
    # More epochs are.
    train(config(data, parts, epochs=5), resume=True)
    assert len(figures(parts)) == 5


def test_seeds_make_the_same_or_another_model(data: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(config(data, tmp_path / name, epochs=1, seed=seed))
    assert equal(tmp_path / "a", tmp_path / "b")
    assert not equal(tmp_path / "a", tmp_path / "c")


def test_windows_of_frames(data: Path, tmp_path: Path) -> None:
    network = replace(TINY, frames=5, temporal_layers=1)
    train(config(data, tmp_path / "run", epochs=1, network=network))
    [row] = figures(tmp_path / "run")
    assert float(row["velocity"]) > 0


def test_a_handful_of_pairs_is_learned_from_in_every_epoch(tmp_path: Path) -> None:
    few = make_pairs(6, (0.0, 90.0), (0.0,), splits=("train", "val"))
    network = replace(TINY, frames=24, temporal_layers=1)
    pairs = write_npz(few, tmp_path / "few.npz")
    train(config(pairs, tmp_path / "run", epochs=2, network=network))
    assert [float(row["loss"]) != 0 for row in figures(tmp_path / "run")] == [True, True]


def test_runs_are_not_mixed_up(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(config(data, out, epochs=1))
    before = (out / MODEL).read_bytes()
    with pytest.raises(TrainingError, match=r"run: already holds a run; .*--resume"):
        train(config(data, out, epochs=1))
    with pytest.raises(TrainingError, match=r"run: is another run \(lr is 0.5, was 0.002\)"):
        train(config(data, out, epochs=2, lr=0.5), resume=True)
    # Both before any pairs are read.
    with pytest.raises(TrainingError, match="already holds a run"):
        train(config(tmp_path / "none.npz", out, epochs=1))
    with pytest.raises(TrainingError, match=r"lr is 0\.5"):
        train(config(tmp_path / "none.npz", out, lr=0.5), resume=True)
    other = write_npz(make_pairs(30, (0.0,), splits=("train", "val")), tmp_path / "other.npz")
    with pytest.raises(TrainingError, match="the data are not the same"):
        train(config(other, out, epochs=2), resume=True)
    (out / RESUMABLE).write_bytes((out / RESUMABLE).read_bytes()[:5000])
    with pytest.raises(TrainingError, match=r"last\.ckpt: is damaged.*--out$") as caught:
        train(config(data, out, epochs=2), resume=True)
    assert "weights_only" not in str(caught.value)
    (out / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"config\.json"):
        train(config(data, out, epochs=2), resume=True)
    (out / RESUMABLE).unlink()
    for resume in (False, True):
        with pytest.raises(TrainingError, match=r"config\.json"):
            train(config(data, out, epochs=2), resume=resume)
    assert (out / MODEL).read_bytes() == before


def test_a_best_model_that_is_gone_is_told(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(config(data, out, epochs=1))
    (out / MODEL).unlink()
    with pytest.raises(TrainingError, match=r"model\.safetensors: is gone"):
        train(config(data, out, epochs=1), resume=True)
    # There is a best one again as soon as there is an epoch, however good the first one was.
    rows = torch.load(out / RESUMABLE, weights_only=True)
    [history] = [one for one in rows["callbacks"].values() if "rows" in one]
    history["rows"][0]["val_mpjpe_mm"] = 0.0
    torch.save(rows, out / RESUMABLE)
    assert train(config(data, out, epochs=2), resume=True).exists()
    # From then on the best is the best of those that are still there.
    kept = torch.load(out / RESUMABLE, weights_only=True)["callbacks"]
    [history] = [one for one in kept.values() if "rows" in one]
    assert history["best"] == history["rows"][1]["val_mpjpe_mm"] > 0
    before = (out / MODEL).read_bytes()
    train(config(data, out, epochs=6), resume=True)
    row = min(figures(out)[1:], key=lambda one: float(one["val_mpjpe_mm"]))
    told = read_checkpoint(out / MODEL).recipe["figures"]
    assert told["val_mpjpe_mm"] == pytest.approx(float(row["val_mpjpe_mm"]), rel=1e-4)
    assert ((out / MODEL).read_bytes() == before) == (row["epoch"] == "2")


def test_validation_that_gives_no_number_ends_the_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = import_module("mocap.training.depth.history").History
    row = history._row
    lost = {"val_mpjpe_mm": float("nan")}
    monkeypatch.setattr(history, "_row", lambda *of: {**row(*of), **lost})
    with pytest.raises(TrainingError, match=r"run: what validates in epoch 1 is no number"):
        train(config(data, tmp_path / "run"))


def test_runs_of_older_versions_are_not_gone_on_with(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(config(data, out, epochs=1))
    stored = json.loads((out / "config.json").read_text(encoding="utf-8"))
    del stored["config"]["network"]["elevation"]
    (out / "config.json").write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(
        TrainingError, match=r"another version .*does not say network\.elevation.*another folder"
    ):
        train(config(data, out, epochs=2), resume=True)
    # A recipe may leave out what is as usual.
    assert from_json(stored["config"]).network.elevation


def test_what_cannot_be_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(TrainingError, match="CUDA"):
        train(config(data, tmp_path / "run", device="cuda"))
    with pytest.raises(TrainingError, match="16-mixed needs a GPU"):
        train(config(data, tmp_path / "run", precision="16-mixed"))
    with pytest.raises(TrainingError, match=r"4096 devices .* there are \d+ processor cores"):
        train(config(data, tmp_path / "run", devices=4096))
    with pytest.raises(TrainingError, match="precision '8' is none of"):
        config(data, tmp_path / "run", precision="8")
    with pytest.raises(TrainingError, match="epochs is 0"):
        config(data, tmp_path / "run", epochs=0)
    with pytest.raises(TrainingError, match=r"the loss is not finite in epoch 1.*--lr"):
        train(config(data, tmp_path / "hot", lr=1e30, clip=1e30, epochs=1, average=0.0))
    module = import_module("mocap.training.depth.machine")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"lightning.*pip install 'mocap-toolkit\[train\]'"):
        train(config(data, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_configurations_come_back_and_tell_their_differences(tmp_path: Path) -> None:
    one = config(Path("a.npz"), tmp_path)
    assert from_json(one.as_json()) == one
    other = replace(one, out="b", epochs=9, network=replace(TINY, width=24), seed=3)
    assert differences(one, other) == ["network.width is 24, was 16", "seed is 3, was 0"]
    with pytest.raises(TrainingError, match=r"network\.tempo; did you mean temporal\?"):
        from_json({"network": {"tempo": 1}})


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"lr": "fast"}, 'lr is "fast"; a number is wanted'),
        ({"lr": 0}, "lr is 0; it must be above 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"epochs": 2.5}, "epochs is 2.5; a whole number is wanted"),
        ({"extracted": 1}, "extracted is 1; true or false is wanted"),
        ({"seed": 2**32}, "seed is 4294967296; it must be from 0 to 4294967295"),
        ({"devices": True}, "devices is true; a whole number"),
        ({"data": "a.npz"}, 'data is "a.npz"; a list of texts'),
        ({"network": {"width": "a"}}, r'network\.width is "a"; a whole number'),
        ({"network": {"width": 30}}, "network: width and pose_width must be multiples"),
        ({"network": {"heads": 0}}, "network: frames, layers and heads start at 1"),
        ({"network": {"width": 4096}}, r"network\.width is 4096; it must be from 1 to 1024"),
        ({"network": {"widht": 32}}, r"network\.widht; did you mean width\?"),
        ({"network": 5}, "network is 5, not a"),
        ({"augmentations": {"mirror": 2}}, r"augmentations\.mirror is 2; .* from 0.0 to 1.0"),
        ({"losses": {"position": -1}}, r"losses\.position is -1; it must be 0 or more"),
        ({"losses": {"likelihood_kind": "t"}}, "neither laplace nor gaussian"),
        ({"losses": NOTHING}, "every loss weighs 0, .*; give one of losses a weight"),
        ({"losses": NOTHING | {"velocity": 1}, "network": {"frames": 1}}, "every loss weighs 0"),
        ({"augmentations": {"zoom": 0.1}}, r"nothing is called augmentations\.zoom"),
        ({"gap": 0.6}, "nothing is called gap"),
        ({"as_json": 1}, "nothing is called as_json"),
        ([1], r"the whole is \[1\]"),
    ],
    ids=lambda one: str(one)[:30] if not isinstance(one, str) else "",
)
def test_what_configurations_cannot_be_is_refused_by_key(content: object, fault: str) -> None:
    with pytest.raises(TrainingError, match=fault):
        from_json(content)  # type: ignore[arg-type]


def test_folders_of_other_things_are_left_alone(data: Path, tmp_path: Path) -> None:
    for name, file in (
        *(("store", "dataset.json"), ("notes", "config.json")),
        ("figures", "metrics.csv"),
    ):
        out = tmp_path / name
        out.mkdir()
        (out / file).write_text("{}", encoding="utf-8")
        with pytest.raises(TrainingError, match=f"{name}: holds files that are no run .{file}"):
            train(config(data, out), resume=True)
        assert [path.name for path in out.iterdir()] == [file]
    with pytest.raises(TrainingError, match=r"made\.npz: is a file"):
        train(config(data, data))


def test_what_ends_in_its_first_epoch_leaves_nothing(data: Path, tmp_path: Path) -> None:
    def stop(_: Mapping[str, float]) -> None:
        raise KeyboardInterrupt

    (tmp_path / "there").mkdir()
    for name in ("there", "new"):
        with pytest.raises(KeyboardInterrupt):
            train(config(data, tmp_path / name), report=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert not list((tmp_path / "there").iterdir())
    # What was killed there left its beginning, which is no run.
    train(config(data, tmp_path / "there", epochs=1))
    for name in (MODEL, RESUMABLE):
        (tmp_path / "there" / name).unlink()
    train(config(data, tmp_path / "there", epochs=1))


def test_many_processes_are_told_before_they_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = import_module("mocap.training.depth.machine")
    monkeypatch.setattr(machine, "_cores", lambda: 2)
    for devices, expected in ((1, []), (2, ["starting 2 processes"])):
        told: list[str] = []
        with pytest.raises(PairsError, match="none"):
            train(
                config(tmp_path / "none.npz", tmp_path / "run", devices=devices),
                lambda stage, *_, told=told: told.append(stage),
            )
        assert [stage for stage in told if stage.startswith("starting")] == expected


def test_stopped_at_the_very_end_is_finished(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("mocap.training.depth.history")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module.History, "on_train_end", stop)
    assert train(config(data, tmp_path / "run", epochs=1)).exists()


def test_a_first_loss_that_is_no_number_is_the_datas(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("mocap.training.depth.module")
    found = module.objective

    def spoilt(*given: object) -> dict[str, torch.Tensor]:
        return {name: value * float("nan") for name, value in found(*given).items()}

    monkeypatch.setattr(module, "objective", spoilt)
    with pytest.raises(TrainingError, match=r"made\.npz: the loss is not finite in the first step"):
        train(config(data, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_rates_rise_then_fall_as_a_cosine() -> None:
    rate = schedule(100, 0.1, 0.02)
    shares = np.array([rate(step) for step in range(101)])
    np.testing.assert_allclose(shares[:10], np.arange(1, 11) / 10)
    assert shares[55] == pytest.approx(0.02 + 0.98 * 0.5)
    assert shares[100] == pytest.approx(0.02)
    assert (np.diff(shares[10:]) < 0).all()


def test_the_mean_of_weights_follows_them() -> None:
    mean, network = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(mean.weight)
    torch.nn.init.ones_(network.weight)
    follow(mean, network, 0.9, 10_000)
    assert mean.weight.item() == pytest.approx(0.1)
    follow(mean, network, 0.9, 0)
    # Early on it forgets where it began: (1 + 0) / (10 + 0) of it stays.
    assert mean.weight.item() == pytest.approx(0.1 * 0.1 + 0.9)


_WATCH_THEN_TRAIN = """
import sys, time
import numpy as np
from mocap.assets import fetch
from mocap.keypoints import MediaPipePose
from mocap.training.depth import TrainConfig, from_json, train

detector = MediaPipePose(fetch("pose_landmarker"), most=1)
detector.detect(np.zeros((256, 256, 3), np.uint8))
train(from_json(__import__("json").loads(sys.argv[1])))
begin = time.process_time()
while time.process_time() < begin + 0.2:
    pass
detector.close()
"""


def test_a_process_that_also_detects_outlives_training(
    data: Path, tmp_path: Path, pose_bundle: Path
) -> None:
    # MediaPipe's timers end a process in which SIGPROF is not ignored; Lightning resets signals.
    wanted = json.dumps(config(data, tmp_path / "run", epochs=1).as_json())
    done = subprocess.run(
        [sys.executable, "-c", _WATCH_THEN_TRAIN, wanted], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_one_run_at_a_time_in_a_folder(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    with (
        only_writer(out),
        pytest.raises(TrainingError, match=r"run: another process is writing to it"),
    ):
        train(config(data, out))
    assert [path.name for path in out.iterdir()] == [".lock"]
