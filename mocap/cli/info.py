"""``mocap info``: what is in a take."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocap.cli.console import configure, say, show
from mocap.cli.options import TakeFile, examples, flowing

if TYPE_CHECKING:
    from mocap.geometry import Camera
    from mocap.take import Person, Take


def info(
    take: TakeFile,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Write JSON, for other programs to read.")
    ] = False,
) -> None:
    """Show what is in a take: video, camera, world, people, and the stages it went through."""
    configure()
    from mocap.take import Take

    found = Take.load(take)
    facts = describe(found, take)
    if as_json:
        say(json.dumps(facts, indent=2))
    else:
        _show(found, facts)


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(info.__doc__),
        epilog=examples(
            "mocap info clip-mocap/take.h5",
            "mocap info clip-mocap/take.h5 --json | jq .people",
        ),
    )(info)


def describe(take: "Take", path: Path) -> dict[str, Any]:
    """A take's facts as JSON can hold them: metres, seconds, degrees, shares of 1."""
    times = take.video.timestamps
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "video": {
            "path": take.video.path,
            "sha256": take.video.sha256,
            "width": take.video.width,
            "height": take.video.height,
            "fps": take.video.fps,
            "frames": len(times),
            "seconds": float(times[-1]) if len(times) else 0.0,
        },
        "camera": _camera(take.camera),
        "world": None
        if take.world is None
        else {
            "gravity_source": take.world.gravity_source,
            "scale_source": take.world.scale_source,
        },
        "depth": _depth(take),
        "people": [_person(take, person) for person in take.people.values()],
        "stages": [
            {
                "name": stage.name,
                "version": stage.version,
                "seconds": stage.seconds,
                "inputs": stage.inputs,
                "parameters": stage.parameters,
            }
            for stage in take.provenance
        ],
    }


def _camera(camera: "Camera") -> dict[str, Any]:
    import numpy as np

    K, R, t = camera.K[0], camera.R[0], camera.t[0]
    middle = 2 * np.array([K[0, 2], K[1, 2]])
    longer = int(np.argmax(middle))
    focal = float(K[longer, longer])
    return {
        "source": camera.source,
        "moving": len(camera.R) > 1,
        "focal_length_px": focal,
        "field_of_view_degrees": float(np.rad2deg(2 * np.arctan(middle[longer] / 2 / focal))),
        "height_above_ground": float(-(R.T @ t)[1]),
        "tilt_down_degrees": float(np.rad2deg(np.arcsin(np.clip(-R[2, 1], -1, 1)))),
    }


def _depth(take: "Take") -> dict[str, Any] | None:
    """Who has refined depth, by which refiner, and how far points may be off."""
    import numpy as np

    from mocap.depth import REFINEMENT

    refined = [p.refined3d for p in take.people.values() if p.refined3d is not None]
    if not refined:
        return None
    sigma = np.concatenate([one.sigma[np.isfinite(one.sigma)] for one in refined])
    stage = next((stage for stage in take.provenance if stage.name == REFINEMENT), None)
    return {
        "refiner": stage.inputs.get("refiner", "") if stage else "",
        "people": len(refined),
        "median_sigma": float(np.median(sigma)) if len(sigma) else None,
    }


def _person(take: "Take", person: "Person") -> dict[str, Any]:
    from mocap.cli.tables import hands_seen, seconds_of

    body, masks = person.body, person.masks
    return {
        "id": person.id,
        "label": person.label,
        "first_frame": int(person.frames[0]),
        "last_frame": int(person.frames[-1]),
        "seconds": seconds_of(take, person),
        "seen": person.coverage,
        "hands_seen": hands_seen(person),
        "body": None
        if body is None
        else {"model": body.model, "sha256": body.model_sha256, "licence": body.licence},
        "masks": None
        if masks is None
        else {"source": masks.source, "known": float(masks.known.mean())},
    }


def _show(take: "Take", facts: dict[str, Any]) -> None:
    from mocap.cli.tables import people_table

    video, camera, world = facts["video"], facts["camera"], facts["world"]
    rows = {
        "take": f"{facts['file']}, {facts['bytes'] / 1e6:.1f} MB",
        "video": f"{video['path'] or 'not given'}, {video['width']}×{video['height']}, "
        f"{video['frames']} frames, {video['seconds']:.2f} s, {video['fps']:.2f} frames/s",
        "camera": f"{camera['source']}, field of view {camera['field_of_view_degrees']:.0f}°",
    }
    if world is None:
        rows["world"] = "none yet: `mocap fit` makes it"
    else:
        rows["camera"] += (
            f", {camera['height_above_ground']:.2f} m above the ground, "
            f"looking {_tilt(camera['tilt_down_degrees'])}"
        )
        if camera["source"] == "none":
            rows["camera"] = "none: the motion was imported, and nobody told how it was seen"
        rows["up"] = f"+Y, from {world['gravity_source']}"
        rows["scale"] = f"metres, from {world['scale_source']}"
    rows["depth"] = _depth_told(facts["depth"])
    rows["masks"] = _masks_told(facts["people"])
    for name, text in rows.items():
        say(f"{name:<7} {text}")
    stages = (f"{stage['name']} {stage['seconds']:.1f} s" for stage in facts["stages"])
    say(f"stages  {', '.join(stages) or 'none'}")
    say("")
    show(people_table(take))


def _depth_told(depth: dict[str, Any] | None) -> str:
    if depth is None:
        return "as detected"
    told = f"refined by {depth['refiner'][:12] or 'an unknown refiner'}"
    sigma = depth["median_sigma"]
    return told if sigma is None else f"{told}, points usually {1000 * sigma:.0f} mm off"


def _masks_told(people: list[dict[str, Any]]) -> str:
    """Of whom there are masks, and what made them."""
    masked = [person for person in people if person["masks"] is not None]
    told = [
        f"{person['label']} in {person['masks']['known']:.0%} of the frames" for person in masked
    ]
    sources = sorted({person["masks"]["source"] for person in masked})
    return f"{', '.join(told)}, by {' and by '.join(sources)}" if told else "none"


def _tilt(down: float) -> str:
    whole = round(abs(down))
    return f"{whole}° {'down' if down > 0 else 'up'}" if whole else "level"
