"""Checkpoints: everything comes back, and what is not one is refused by name."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mocap.depth import DepthNetwork, NetworkConfig, read_checkpoint, write_checkpoint
from mocap.errors import CheckpointError

from .conftest import somebody

RECIPE = {"epochs": 3, "losses": {"depth": 0.5}}


@pytest.fixture
def saved(make_network, tmp_path: Path) -> Path:
    network = make_network(frames=5, width=16)
    return write_checkpoint(
        network, tmp_path / "r.safetensors", recipe=RECIPE, data_sha256="ab" * 32, licence="CC0-1.0"
    )


def changed(path: Path, **told: object) -> Path:
    """The same file, but telling other things; the checksum left as it was."""
    with safe_open(path, framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = {**json.loads(file.metadata()["about"]), **told}
    save_file(weights, path, {"about": json.dumps(about)})
    return path


def test_round_trip(saved, make_network):
    checkpoint = read_checkpoint(saved)
    assert checkpoint.config == NetworkConfig(frames=5, width=16)
    assert checkpoint.recipe == RECIPE
    assert (checkpoint.data_sha256, checkpoint.licence) == ("ab" * 32, "CC0-1.0")
    assert len(checkpoint.sha256) == 64
    network, before = checkpoint.network(), make_network(frames=5, width=16)
    for name, weight in network.state_dict().items():
        assert weight.dtype == torch.float32
        torch.testing.assert_close(weight, before.state_dict()[name], atol=1e-6, rtol=1e-3)
    given = somebody(5).batch()
    torch.testing.assert_close(network(*given).xyz, before(*given).xyz, atol=0.01, rtol=0)
    assert not network.training


def test_half_a_megabyte_and_the_same_bytes_again(tmp_path):
    torch.manual_seed(0)
    network = DepthNetwork()
    one = write_checkpoint(network, tmp_path / "one.safetensors")
    other = write_checkpoint(network, tmp_path / "new" / "other.safetensors")
    assert one.read_bytes() == other.read_bytes()
    assert one.stat().st_size < 2 * sum(w.numel() for w in network.parameters()) + 10_000
    assert [path.name for path in other.parent.iterdir()] == [other.name]
    # What was rounded once is not rounded again.
    again = write_checkpoint(read_checkpoint(one).network(), tmp_path / "again.safetensors")
    assert again.read_bytes() == one.read_bytes()


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match=r"none\.safetensors: no such file; `mocap train"):
        read_checkpoint(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 0.5, 0.99], ids=str)
def test_cut_short(saved, kept):
    content = saved.read_bytes()
    saved.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(CheckpointError, match=r"r\.safetensors: is damaged, cut short"):
        read_checkpoint(saved)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04" * 99, b"\xff" * 500, b"{}" * 100], ids=["zip", "ff", "json"]
)
def test_garbage(tmp_path, content):
    path = tmp_path / "r.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"r\.safetensors: is damaged"):
        read_checkpoint(path)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.999])
def test_a_changed_byte_is_told(saved, share):
    content = bytearray(saved.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[header + int(share * (len(content) - header))] ^= 16
    saved.write_bytes(content)
    with pytest.raises(CheckpointError, match="checksum"):
        read_checkpoint(saved)


@pytest.mark.parametrize("version", [0, 2, "x", None])
def test_another_version_by_name(saved, version):
    with pytest.raises(
        CheckpointError, match=f"of version {version}; this program reads version 3"
    ):
        read_checkpoint(changed(saved, version=version))


def test_something_else(saved, tmp_path):
    with pytest.raises(CheckpointError, match="but no depth refiner"):
        read_checkpoint(changed(saved, format="other"))
    save_file({"a": torch.zeros(3)}, tmp_path / "plain.safetensors")
    with pytest.raises(CheckpointError, match="but no depth refiner"):
        read_checkpoint(tmp_path / "plain.safetensors")


def test_changed_metadata_is_told(saved):
    with pytest.raises(CheckpointError, match="checksum"):
        read_checkpoint(changed(saved, licence="mine"))


@pytest.mark.parametrize(
    "config",
    [
        {"width": 32},
        {"width": "16"},
        {"layers": 0},
        {"heads": 0},
        {"new": 1},
        {"frames": None},
        {"width": 10**9},
        {"layers": 1000},
        {"rate": float("inf")},
    ],
    ids=["width", "text", "layers", "heads", "new", "none", "vast", "deep", "rate"],
)
def test_parts_that_do_not_belong_together(saved, monkeypatch, config):
    # As if written by a program with other ideas, checksum and all.
    monkeypatch.setattr("mocap.depth.checkpoint._checksum", lambda *_: "0")
    told = asdict(NetworkConfig(frames=5, width=16))
    path = changed(saved, config={**told, **config}, checksum="0")
    with pytest.raises(CheckpointError, match="do not belong together"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "told",
    [{"recipe": [1]}, {"licence": 5}, {"data_sha256": None}],
    ids=lambda told: next(iter(told)),
)
def test_what_is_told_must_be_of_its_kind(saved, monkeypatch, told):
    monkeypatch.setattr("mocap.depth.checkpoint._checksum", lambda *_: "0")
    with pytest.raises(CheckpointError, match="do not belong together: recipe, data_sha256"):
        read_checkpoint(changed(saved, **told, checksum="0"))


def test_weights_must_be_numbers(saved, monkeypatch):
    monkeypatch.setattr("mocap.depth.checkpoint._checksum", lambda *_: "0")
    weights = load_file(saved)
    next(iter(weights.values()))[:1] = torch.nan
    with safe_open(saved, framework="pt") as file:
        about = {**json.loads(file.metadata()["about"]), "checksum": "0"}
    save_file(weights, saved, {"about": json.dumps(about)})
    with pytest.raises(CheckpointError, match="weights are not finite"):
        read_checkpoint(saved)


def test_sizes_that_the_weights_do_not_have_take_no_memory(saved, monkeypatch):
    made = []

    class Watched(DepthNetwork):
        def __init__(self, config: NetworkConfig) -> None:
            super().__init__(config)
            made.append({weight.device.type for weight in self.parameters()})

    monkeypatch.setattr("mocap.depth.checkpoint.DepthNetwork", Watched)
    monkeypatch.setattr("mocap.depth.checkpoint._checksum", lambda *_: "0")
    config = asdict(NetworkConfig(frames=5, width=1024, pose_width=1024, hidden=64))
    with pytest.raises(CheckpointError, match="do not belong together"):
        read_checkpoint(changed(saved, config=config, checksum="0"))
    assert made == [{"meta"}]


def test_networks_of_a_checkpoint_are_their_own_and_draw_no_lots(saved):
    checkpoint, before = read_checkpoint(saved), torch.random.get_rng_state()
    one, other = checkpoint.network(), checkpoint.network()
    assert torch.equal(torch.random.get_rng_state(), before)
    one.names.zero_()
    assert other.names.abs().max() > 0
    assert not any(weight.requires_grad or weight.is_meta for weight in other.parameters())


def test_metadata_nested_too_deeply(saved):
    with safe_open(saved, framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for depth in (900, 100_000):
        about = '{"format": "mocap-depth-refiner", "version": 3, "recipe": %s%s}'
        save_file(weights, saved, {"about": about % ("[" * depth, "]" * depth)})
        with pytest.raises(CheckpointError, match=r"r\.safetensors: is damaged"):
            read_checkpoint(saved)


def test_weights_that_are_no_numbers_are_not_written(make_network, tmp_path):
    network = make_network()
    network.names[3, 3] = 1e6
    with pytest.raises(CheckpointError, match=r"r\.safetensors: is not written: names"):
        write_checkpoint(network, tmp_path / "r.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be(make_network, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_checkpoint(make_network(), tmp_path / "file" / "r.safetensors")
