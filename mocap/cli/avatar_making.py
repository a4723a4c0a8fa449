"""Avatars of a take's people, made from its clip and kept in a folder."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mocap.avatar import (
    Avatar,
    Created,
    CreationConfig,
    bound_from,
    create_avatars,
    write_avatar,
)
from mocap.body import Body
from mocap.cli.avatar_jobs import avatar_of
from mocap.cli.folders import writable_folder
from mocap.errors import MocapError
from mocap.progress import Progress
from mocap.take import Take


def chosen_people(take: Take, person: list[str] | None) -> list[str]:
    """Ids of those whom the user has named, or else of everybody who can be made an avatar of.

    Raises:
        MocapError: there is nobody, or somebody has no motion or no masks.
    """
    able = [
        name for name, one in take.people.items() if one.body is not None and one.masks is not None
    ]
    for name in person or []:
        if name not in take.people:
            raise MocapError(f"the take has no {name!r}, only {', '.join(take.people) or 'nobody'}")
        if name not in able:
            raise MocapError(f"{name} has not both a motion and masks in the take; leave them out")
    if not able:
        raise MocapError("nobody in the take has both a motion and masks; `mocap masks` makes them")
    return list(dict.fromkeys(person or able))


def own_avatars(
    take: Take, clip: Path, folder: Path, names: Sequence[str], body: Body, progress: Progress
) -> dict[str, Avatar]:
    """The avatars of a take's people, from a folder; those it lacks are made and kept there.

    Raises:
        MocapError: one cannot be read, made or written.
    """
    if folder.exists() and not folder.is_dir():
        raise MocapError(f"{folder}: is no folder; give that of the avatars by --avatars")
    files = {name: folder / f"{name}.ply" for name in names}
    found = {name: avatar_of(path, body) for name, path in files.items() if path.exists()}
    missing = {name: path for name, path in files.items() if name not in found}
    made = make_avatars(take, clip, missing, body, progress=progress)
    found |= {name: one.avatar for name, one in made.items()}
    return {name: found[name] for name in names}


def make_avatars(
    take: Take,
    clip: Path,
    files: Mapping[str, Path],
    body: Body,
    config: CreationConfig | None = None,
    *,
    progress: Progress,
) -> dict[str, Created]:
    """Avatars of a take's people, one after another; each is kept in its file once it is made.

    Raises:
        MocapError: one cannot be made or written; those before it are kept.
    """
    made: dict[str, Created] = {}
    for name, path in files.items():
        with writable_folder(path.parent):
            made |= create_avatars(take, clip, body, [name], config, progress=progress)
            write_avatar(made[name].avatar, path)
    return made


def require_made_of_clips(files: Iterable[Path]) -> None:
    """Refuse to replace people from elsewhere, who may not be had again.

    Raises:
        MocapError: one of the files is there, and `mocap avatar create` has not made it.
    """
    for path in files:
        origin = bound_from(path) if path.exists() else ""
        if origin != "":
            told = "has no binding" if origin is None else f"was bound from {origin}"
            raise MocapError(
                f"{path}: {told}, and was not made of a clip; --force replaces it, or choose "
                "another folder with --out"
            )
