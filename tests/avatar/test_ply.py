"""Splats in PLY files: as others write them, and as no one should."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from avatar.scenes import random_gaussians
from mocap.avatar import Gaussians, read_splat, write_splat
from mocap.errors import AvatarError

#: Of degree 1, in the order of the original implementation.
NAMES = (
    "x y z nx ny nz f_dc_0 f_dc_1 f_dc_2 f_rest_0 f_rest_1 f_rest_2 f_rest_3 f_rest_4 f_rest_5 "
    "f_rest_6 f_rest_7 f_rest_8 opacity scale_0 scale_1 scale_2 rot_0 rot_1 rot_2 rot_3"
).split()
#: Two Gaussians, each with a number of its own everywhere.
ROWS = np.arange(52, dtype=float).reshape(2, 26) / 16 - 1
FORMATS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}


def ply(
    names: list[str] = NAMES,
    rows: np.ndarray = ROWS,
    encoding: str = "binary_little_endian",
    kind: str = "float",
    before: str = "",
    data_before: bytes = b"",
) -> bytes:
    """A PLY file of vertices."""
    lines = ["ply", f"format {encoding} 1.0", "comment of whoever made it"]
    lines += [before] if before else []
    lines += [f"element vertex {len(rows)}", *(f"property {kind} {name}" for name in names)]
    head = "\n".join([*lines, "end_header", ""]).encode()
    if encoding == "ascii":
        return (
            head
            + data_before
            + "".join(" ".join(map(repr, map(float, r))) + "\n" for r in rows).encode()
        )
    return (
        head
        + data_before
        + rows.astype(FORMATS[encoding] + {"float": "f4", "double": "f8"}[kind]).tobytes()
    )


def written(folder: Path, content: bytes) -> Path:
    path = folder / "splat.ply"
    path.write_bytes(content)
    return path


def expect_the_two(found: Gaussians) -> None:
    columns = dict(zip(NAMES, ROWS.T, strict=True))
    np.testing.assert_allclose(found.means.numpy(), ROWS[:, :3])
    np.testing.assert_allclose(found.harmonics[:, 0].numpy(), ROWS[:, 6:9])
    for channel in range(3):
        rest = [columns[f"f_rest_{3 * channel + band}"] for band in range(3)]
        np.testing.assert_allclose(found.harmonics[:, 1:, channel].numpy(), np.stack(rest, 1))
    np.testing.assert_allclose(found.opacities.numpy(), 1 / (1 + np.exp(-ROWS[:, 18])), rtol=1e-6)
    np.testing.assert_allclose(found.scales.numpy(), np.exp(ROWS[:, 19:22]), rtol=1e-6)
    np.testing.assert_allclose(found.rotations.numpy(), ROWS[:, 22:])


@pytest.mark.parametrize("kind", ["float", "double"])
@pytest.mark.parametrize("encoding", FORMATS)
def test_all_encodings_and_types_are_read(tmp_path, encoding, kind):
    expect_the_two(read_splat(written(tmp_path, ply(encoding=encoding, kind=kind))))


def test_lines_may_end_as_on_windows(tmp_path):
    expect_the_two(read_splat(written(tmp_path, ply(encoding="ascii").replace(b"\n", b"\r\n"))))


def test_order_does_not_matter_and_more_is_passed_over(tmp_path):
    order = np.random.default_rng(0).permutation(len(NAMES))
    names = [*(NAMES[i] for i in order), "segment", "red"]
    rows = np.concatenate([ROWS[:, order], np.full((2, 2), np.nan)], 1)
    expect_the_two(read_splat(written(tmp_path, ply(names, rows))))


def test_normals_may_be_missing(tmp_path):
    kept = [i for i, name in enumerate(NAMES) if name not in ("nx", "ny", "nz")]
    expect_the_two(read_splat(written(tmp_path, ply([NAMES[i] for i in kept], ROWS[:, kept]))))


@pytest.mark.parametrize("encoding", FORMATS)
def test_other_elements_may_come_first_and_after(tmp_path, encoding):
    sign = FORMATS[encoding]
    head = "element camera 2\nproperty float fov\nproperty uchar lens"
    data = b"1.5 3\n2.5 4\n" if encoding == "ascii" else struct.pack(f"{sign}fBfB", 1.5, 3, 2.5, 4)
    content = ply(encoding=encoding, before=head, data_before=data)
    content = content.replace(
        b"end_header", b"element face 1\nproperty list uchar int v\nend_header"
    )
    expect_the_two(read_splat(written(tmp_path, content + b"3 0 1 1\n")))


@pytest.mark.parametrize("coefficients", [1, 4, 9, 16])
@pytest.mark.parametrize("count", [0, 1, 20_000])
def test_what_is_written_is_read_again(tmp_path, count, coefficients):
    scene = random_gaussians(count, 1, coefficients, torch.float32)
    found = read_splat(write_splat(scene, tmp_path / "new" / "splat.ply"))
    for name, part in vars(scene).items():
        torch.testing.assert_close(getattr(found, name), part, rtol=2e-6, atol=1e-7)
    for name in ("means", "rotations", "harmonics"):
        assert torch.equal(getattr(found, name), getattr(scene, name))


def test_what_is_written_has_the_original_layout(tmp_path):
    found = read_splat(written(tmp_path, ply()))
    again = write_splat(found, tmp_path / "again.ply").read_bytes()
    head, data = again.split(b"end_header\n", 1)
    assert [line.split()[-1] for line in head.decode().splitlines()[3:]] == NAMES
    expected = ROWS.copy()
    expected[:, 3:6] = 0
    np.testing.assert_allclose(
        np.frombuffer(data, "<f4").reshape(2, 26), expected, rtol=1e-5, atol=1e-6
    )


def test_another_reader_finds_the_points(tmp_path):
    scene = random_gaussians(50, 2, dtype=torch.float32)
    cloud = trimesh.load(write_splat(scene, tmp_path / "splat.ply"))
    np.testing.assert_array_equal(cloud.vertices, scene.means.numpy())


def test_limits_are_written_as_numbers_and_read_back(tmp_path):
    scene = random_gaussians(2, 3, dtype=torch.float32)
    scene = replace(
        scene, opacities=torch.tensor([0.0, 1.0]), scales=torch.tensor([[0.0, 1, 1]] * 2)
    )
    path = write_splat(scene, tmp_path / "splat.ply")
    assert np.isfinite(np.frombuffer(path.read_bytes().split(b"end_header\n", 1)[1], "<f4")).all()
    found = read_splat(path)
    torch.testing.assert_close(found.opacities, scene.opacities, rtol=0, atol=1e-6)
    torch.testing.assert_close(found.scales, scene.scales, rtol=1e-6, atol=1e-30)


def test_infinite_logits_are_opacities_of_0_and_1(tmp_path):
    rows = ROWS.copy()
    rows[:, NAMES.index("opacity")] = [-np.inf, np.inf]
    assert read_splat(written(tmp_path, ply(rows=rows))).opacities.tolist() == [0, 1]


def test_gradients_and_double_precision_do_not_hinder_writing(tmp_path):
    scene = random_gaussians(3, 4)
    scene = replace(scene, means=scene.means.requires_grad_())
    found = read_splat(write_splat(scene, tmp_path / "splat.ply"))
    torch.testing.assert_close(found.means, scene.means.detach().float())


def test_what_is_not_finite_is_not_written(tmp_path):
    scene = random_gaussians(3, 5)
    scene.means[1, 2] = torch.nan
    with pytest.raises(AvatarError, match="not written: some of the Gaussians are not finite"):
        write_splat(scene, tmp_path / "splat.ply")
    assert not list(tmp_path.iterdir())


def broken(names: str, value: float) -> bytes:
    rows = ROWS.copy()
    rows[1, [NAMES.index(name) for name in names.split()]] = value
    return ply(rows=rows)


def without(*names: str) -> bytes:
    kept = [i for i, name in enumerate(NAMES) if name not in names]
    return ply([NAMES[i] for i in kept], ROWS[:, kept])


def cube(encoding: str) -> bytes:
    return trimesh.creation.box().export(file_type="ply", encoding=encoding)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no PLY file"),
        (b"solid cube\n", "is no PLY file"),
        (b"\x93NUMPY" + bytes(10_000), "is no PLY file"),
        (b"ply\nformat ascii 1.0\nelement vertex 2\n", "header is cut short"),
        (b"ply\n" + bytes(5000), "header is damaged"),
        (b"ply\nformat binary_middle_endian 1.0\nend_header\n", "damaged at 'format binary_middle"),
        (b"ply\nelement vertex many\nend_header\n", "damaged at 'element vertex many'"),
        (b"ply\nelement vertex 0\nproperty float x\nend_header\n", "how numbers are encoded"),
        (b"ply\nformat ascii 1.0\nproperty float x\nend_header\n", "damaged at 'property float x'"),
        (b"ply\n" + b"comment\n" * 20_000, "header has no end"),
        (b"ply\nformat ascii 1.0\nelement face 0\nend_header\n", "has no vertices"),
        (ply([*NAMES[:25], "x"]), "header is damaged"),
        (cube("binary"), "is a mesh or a point cloud, no Gaussian splat: .* no f_dc_0"),
        (cube("ascii"), "is a mesh or a point cloud"),
        (ply(["x", "y", "z"], ROWS[:, :3]), "is a mesh or a point cloud"),
        (without("scale_2"), "its Gaussians have no scale_2; export anew"),
        (without("opacity", "rot_3"), "no opacity and no rot_3"),
        (without("f_rest_8"), "has 8 f_rest properties; degrees 0 to 3 have 0, 9, 24 or 45"),
        (ply(["packed_position"], ROWS[:, :1]), "compressed splat"),
        (ply()[:-1], "is cut short: not all of its 2 Gaussians are there"),
        (ply(encoding="ascii")[:-200], "is cut short|numbers are damaged"),
        (ply(encoding="ascii").replace(b"-1.0", b"minus"), "numbers are damaged .*minus"),
        (ply(encoding="ascii").rsplit(b"\n", 2)[0] + b"\n" * 400, "is cut short"),
        (ply().replace(b"vertex 2", b"vertex 20000000000000000"), "is cut short"),
        (
            ply(encoding="ascii").replace(b"vertex 2", b"vertex 20000000000000000"),
            "is cut short",
        ),
        (
            ply(encoding="ascii", before="element foo 999999999999\nproperty float a"),
            "is cut short: not all of its 2 Gaussians",
        ),
        (ply().replace(b"vertex 2", b"vertex " + b"9" * 4000), "damaged at 'element vertex 9+…'"),
        (ply([*NAMES[:24], *["x" * 3000] * 2]), "header is damaged"),
        (ply(before=f"element {'x' * 3000} 1\nproperty list uchar int v"), "of varying length"),
        (ply(encoding="ascii").replace(b"-1.0", b"x" * 3000), "numbers are damaged"),
        (broken("x", np.nan), "number 1 of its 2 Gaussians is not finite; clean it"),
        (
            broken("rot_0 rot_1 rot_2 rot_3", 0.0),
            "the quaternion of number 1 of its 2 Gaussians is zero",
        ),
        (broken("f_rest_3", np.inf), "number 1 of its 2"),
        (broken("scale_0", 1e3), "number 1 of its 2"),
        (broken("opacity", np.nan), "number 1 of its 2"),
        (
            ply(before="element strip 1\nproperty list uchar int v"),
            "'strip' of varying length before its vertices",
        ),
        (
            ply().replace(b"property float x", b"property list uchar float x"),
            "its vertices have lists",
        ),
    ],
)
def test_what_is_no_splat_is_told_in_one_line(tmp_path, content, said):
    path = written(tmp_path, content)
    with pytest.raises(AvatarError, match=said) as error:
        read_splat(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 400


def test_files_that_cannot_be_read_or_written_are_told(tmp_path):
    with pytest.raises(AvatarError, match=r"none\.ply: cannot be read"):
        read_splat(tmp_path / "none.ply")
    with pytest.raises(AvatarError, match="cannot be read"):
        read_splat(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(AvatarError, match=r"cannot be written .*choose another folder"):
        write_splat(random_gaussians(1), tmp_path / "file" / "splat.ply")
