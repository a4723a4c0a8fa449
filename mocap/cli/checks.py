"""What ``mocap doctor`` looks at; none of it may fail for want of what it looks for."""

import base64
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

_PROJECT = "mocap-toolkit"
_LITTLE_SPACE = 1e9
#: Seconds; a cold disk takes long to import torch.
_PATIENCE = 120

#: What the extras are for, and what to know before installing one.
_EXTRAS = {
    "train": "training the depth refiner",
    "robots": "motion for robots",
    "avatar": "Gaussian avatars; on an NVIDIA GPU too, which is untried",
    "view": "Rerun recordings",
    "usd": "motion as USD",
    "c3d": "motion as C3D",
    "rig": "motion on characters in FBX files",
    "smplx": "checks against the smplx package: licensed for non-commercial research only",
    "sam2": "people's masks; wants torchvision",
}

_TORCH = """
import torch
if torch.cuda.is_available():
    print("cuda,", torch.cuda.get_device_name())
elif torch.backends.mps.is_available():
    print("mps")
else:
    print("cpu,", torch.get_num_threads(), "threads")
"""
_BODY = "from mocap.body import load_body; body = load_body(); print(body.path)"
_REFINERS = """
from mocap.depth import DepthRefiner
for single_frame in (False, True):
    DepthRefiner.load(single_frame=single_frame)
print("both can be read")
"""
_ENCODER = "import av; av.Codec('libx264', 'w'); print('PyAV', av.__version__)"


class Status(Enum):
    """How a check came out, as it is shown."""

    GOOD = "ok"
    ABSENT = "absent"
    BAD = "FAILS"


@dataclass(frozen=True)
class Check:
    """One thing looked at; ``ABSENT`` is nothing to worry about."""

    name: str
    status: Status
    details: str

    @property
    def what(self) -> str:
        """The line to show."""
        return f"{self.name}: {self.details}"


def check_all() -> list[Check]:
    """Look at everything; takes some seconds."""
    required = _requirements().get("", [])
    probes: list[Callable[[], Check | list[Check]]] = [
        _system,
        *(lambda name=name: _package(name) for name in required),
        lambda: _probe("torch device", _TORCH),
        _body,
        lambda: _probe("depth refiners", _REFINERS),
        lambda: _probe("H.264 encoder", _ENCODER),
        _assets,
        _disk,
        _extras,
    ]
    # Each import runs in a process of its own: whatever it does, this program lives on.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        results = [future.result() for future in [pool.submit(probe) for probe in probes]]
    return [check for found in results for check in (found if isinstance(found, list) else [found])]


def _system() -> list[Check]:
    supported = sys.version_info >= (3, 11)
    own = _version(_PROJECT)
    return [
        Check(
            "Python",
            Status.GOOD if supported else Status.BAD,
            f"{platform.python_version()} on {platform.platform()}"
            + ("" if supported else "; 3.11 or newer is needed"),
        ),
        Check(
            "mocap",
            Status.GOOD if own else Status.BAD,
            own or f"is not installed (pip install {_PROJECT}); this is a bare source tree",
        ),
    ]


def _requirements() -> dict[str, list[str]]:
    """Names of required packages by extra; those that everybody needs under ``""``."""
    try:
        lines = distribution(_PROJECT).requires or []
    except PackageNotFoundError:
        return {}
    found: dict[str, list[str]] = {}
    for line in lines:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name:
            found.setdefault(extra[1] if extra else "", []).append(name[0])
    return found


def _package(name: str) -> Check:
    has = _version(name)
    if not has:
        return Check(name, Status.BAD, f"is not installed: pip install {_PROJECT}")
    module = name.replace("-", "_")
    works, said = _run(f"import {module}")
    if not works:
        return Check(name, Status.BAD, f"{has}, but cannot be imported: {said}")
    return Check(name, Status.GOOD, has)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _probe(name: str, code: str) -> Check:
    works, said = _run(code)
    return Check(name, Status.GOOD if works else Status.BAD, said)


def _run(code: str) -> tuple[bool, str]:
    """Whether some Python runs, and the last line it writes."""
    try:
        # -P: a stray module in the user's folder must not be taken for the package.
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    said = (done.stderr if done.returncode else done.stdout).decode(errors="replace")
    lines = said.strip().splitlines()
    return done.returncode == 0, lines[-1] if lines else f"ended with code {done.returncode}"


def _body() -> Check:
    works, said = _run(_BODY)
    if not works:
        return Check("body model", Status.BAD, said)
    path = Path(said)
    recorded = _recorded_hash(path.name)
    content = path.read_bytes()
    if recorded and recorded != hashlib.sha256(content).digest():
        again = f"pip install --force-reinstall --no-deps {_PROJECT}"
        return Check("body model", Status.BAD, f"{path} is not the file installed: {again}")
    sha256 = hashlib.sha256(content).hexdigest()
    return Check("body model", Status.GOOD, f"{path.name}, sha256 {sha256[:12]}…")


def _recorded_hash(name: str) -> bytes | None:
    """The SHA-256 that the installer noted; an editable install notes none."""
    try:
        files = distribution(_PROJECT).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        if file.name == name and file.hash and file.hash.mode == "sha256":
            return base64.urlsafe_b64decode(file.hash.value + "=")
    return None


def _assets() -> list[Check]:
    try:
        from mocap.assets import CATALOGUE, cache_folder, cached
    except ImportError as error:
        return [Check("models and clips", Status.BAD, str(error))]
    checks = []
    for name, asset in CATALOGUE.items():
        own = os.environ.get(asset.variable)
        if own:
            there = Path(own).expanduser().exists()
            details = f"{own} (named by {asset.variable})" + ("" if there else ": does not exist")
            checks.append(Check(name, Status.GOOD if there else Status.BAD, details))
        elif cached(name):
            checks.append(Check(name, Status.GOOD, f"in {cache_folder()}"))
        else:
            when = "when first used" if asset.wheel else "where MOCAP_OFFICIAL_MODELS=1 says so"
            details = f"will be fetched {when} ({asset.size / 1e6:.0f} MB)"
            checks.append(Check(name, Status.ABSENT, details))
    return checks


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    status = Status.GOOD if free > _LITTLE_SPACE else Status.BAD
    return Check("disk", status, f"{free / 1e9:.1f} GB free in {Path.cwd()}")


def _extras() -> list[Check]:
    requirements = _requirements()
    checks = []
    for extra, purpose in _EXTRAS.items():
        packages = {name: _version(name) for name in requirements.get(extra, [])}
        name = f"extra {extra} ({purpose})"
        if packages and all(packages.values()):
            has = ", ".join(f"{package} {has}" for package, has in packages.items())
            checks.append(Check(name, Status.GOOD, has))
        else:
            checks.append(Check(name, Status.ABSENT, f"pip install '{_PROJECT}[{extra}]'"))
    return checks
