"""Where avatars come from: kinds of files, and who reads them.

Other packages add theirs as entry points of the group ``mocap.avatars``, each of which names a
:class:`Source`::

    [project.entry-points."mocap.avatars"]
    mine = "my_package.avatars:source"
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from mocap.avatar.adopting import Tell, adopt, untold
from mocap.avatar.avatar import Avatar
from mocap.avatar.dictionary import read_dictionary
from mocap.avatar.file import binding_file, bound_by_file
from mocap.avatar.ply import read_splat
from mocap.body import Body
from mocap.errors import AvatarError, MocapError

#: The entry points of packages that read other kinds.
GROUP = "mocap.avatars"


@dataclass(frozen=True)
class Source:
    """A kind of files that hold avatars.

    Attributes:
        name: of the kind, as users know it.
        knows: whether a file that is there is of this kind; quickly, and without an error if not.
        read: an avatar of a file of this kind, bound to a body in single precision; what is found
            is told in a few words. :func:`mocap.avatar.adopt` binds what is not bound yet. Raises
            :class:`mocap.errors.AvatarError` with what is wrong, and what to do.
    """

    name: str
    knows: Callable[[Path], bool]
    read: Callable[[Path, Body, Tell], Avatar]


def load_avatar(path: str | Path, body: Body, tell: Tell = untold) -> Avatar:
    """An avatar from a file of any kind that is known, bound to the body now if it was not before.

    Args:
        path: of the splat, or of whatever a source reads.
        body: the model, in single precision.
        tell: told what was found, in a few words each.

    Raises:
        AvatarError: it is of no kind that is known, or of no person, or in no pose that is
            recognised, or damaged, or of another body; or a package's source is broken.
    """
    path = Path(path)
    if _is_bound(path):
        return bound_by_file(read_splat(path), binding_file(path), body)
    if not path.is_file():
        raise AvatarError(f"{path}: is not there, or no file; name an avatar's file")
    source = _source_of(path)
    if source is None:
        names = ", ".join(one.name for one in (*_added(), *_BUILT_IN))
        raise AvatarError(
            f"{path}: is no avatar of a kind that is known ({names}); export it as a splat"
        )
    return source.read(path, body, tell)


def _source_of(path: Path) -> Source | None:
    """Packages are asked first: they may know more of a file than its ending."""
    return next((one for one in (*_added(), *_BUILT_IN) if one.knows(path)), None)


def _added() -> list[Source]:
    """What other packages read, in the order of their names."""
    return [_loaded(point) for point in sorted(entry_points(group=GROUP), key=lambda p: p.name)]


def _loaded(point: EntryPoint) -> Source:
    plug_in = f"the plug-in {point.name} ({point.dist.name if point.dist else point.value})"
    with _blamed(f"{plug_in} cannot be loaded"):
        source = point.load()
    if not isinstance(source, Source):
        raise AvatarError(
            f"{plug_in} is broken: {point.value} is no mocap.avatar.Source; update or uninstall it"
        )

    def knows(path: Path) -> bool:
        with _blamed(f"{path}: {plug_in} fails on it"):
            return bool(source.knows(path))

    def read(path: Path, body: Body, tell: Tell) -> Avatar:
        with _blamed(f"{path}: {plug_in} fails on it"):
            avatar = source.read(path, body, tell)
        if not isinstance(avatar, Avatar):
            raise AvatarError(f"{path}: {plug_in} made no avatar of it; update or uninstall it")
        return avatar

    return Source(source.name, knows, read)


@contextmanager
def _blamed(what: str) -> Iterator[None]:
    """Errors of a plug-in in one line that names it; its own words for users pass."""
    try:
        yield
    except MocapError:
        raise
    # Whatever strangers' code raises, or ends the program with, is its fault.
    except (Exception, SystemExit) as fault:
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        raise AvatarError(f"{what} ({said}); update or uninstall it") from fault


def _is_splat(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return path.suffix.lower() == ".ply" or file.read(3) == b"ply"
    except OSError:
        # Whoever reads it says why it cannot be.
        return True


def _is_bound(path: Path) -> bool:
    return _is_splat(path) and binding_file(path).exists()


def _read_splat(path: Path, body: Body, tell: Tell) -> Avatar:
    return adopt(read_splat(path), body, path.stem, str(path), tell=tell)


def _is_dictionary(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".npz", ".pt", ".pth")


_BUILT_IN = (
    Source("splats (.ply)", _is_splat, _read_splat),
    Source("dictionaries of arrays (.npz, .pt, .pth)", _is_dictionary, read_dictionary),
)
