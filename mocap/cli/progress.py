"""Shows how far the stages are: bars on a terminal, a line now and then elsewhere."""

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.text import Text

from mocap.cli.console import NOTES, note

#: What the stages do, and what they count.
_STAGES = {
    "detection": ("finding people", "frames"),
    "depth": ("putting depth right", "frames"),
    "fitting": ("fitting bodies", "frames"),
    "masks": ("outlining people", "frames"),
    "comparing": ("comparing with the clip", "frames"),
    "overlay": ("drawing overlay", "frames"),
    "body": ("building body", "steps"),
    "batches": ("rendering and detecting", "batches"),
    "motions": ("reading motions", "clips"),
    "frames": ("rendering and detecting", "frames"),
    "videos": ("converting videos", "videos"),
    "checking motions": ("checking motions", "clips"),
    "checking": ("checking what is there", "items"),
    "reading": ("reading pairs", "items"),
    "putting right": ("putting detections right", "poses"),
    "packing": ("packing pairs", "pairs"),
    "training": ("training", "poses"),
    "refining": ("refining depth", "poses"),
    "files": ("writing", "files"),
    "video": ("reading video", "frames"),
    "clips": ("putting motion on the robot", "clips"),
    "following": ("following motion", "frames"),
    "meshes": ("writing meshes", "frames"),
    "retarget": ("putting motion on the robot", "iterations"),
    "film": ("filming the robot", "frames"),
    "looking": ("looking at people", "frames"),
    "outlines": ("shaping avatars", "pictures"),
    "colours": ("colouring avatars", "pictures"),
    "depth pictures": ("looking all around", "pictures"),
    "surface": ("fusing depths", "points"),
    "filming": ("filming avatars", "frames"),
    "picture": ("refining motion by the picture", "frames"),
}
_BYTES = "MB"
# A stage shorter than this leaves only its first and last line in a log.
_SECONDS_BETWEEN_LINES = 10.0


@dataclass
class _Stage:
    """How far one stage is; amounts are in its unit."""

    title: str
    unit: str
    started: float = field(default_factory=lambda: time.monotonic())
    done: int = 0
    total: int | None = None
    seconds: float = 0.0
    finished: bool = False
    last_line: float = field(default_factory=lambda: time.monotonic())
    shown: bool = False
    task: TaskID | None = None
    news: str = ""

    def update(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total
        self.seconds = time.monotonic() - self.started
        self.finished = total is not None and done >= total

    def amount(self) -> str:
        """Such as ``45/230 frames``."""
        scale = 1e6 if self.unit == _BYTES else 1
        digits = 1 if self.unit == _BYTES else 0
        parts = [self.done] if self.total is None or self.finished else [self.done, self.total]
        return f"{'/'.join(f'{part / scale:.{digits}f}' for part in parts)} {self.unit}"

    def rate(self) -> str:
        """Such as ``4.8 frames/s``; empty where it would mean nothing."""
        if self.seconds < 0.2 or not self.done:
            return ""
        scale = 1e6 if self.unit == _BYTES else 1
        rate = self.done / scale / self.seconds
        return f"{rate:.1f} {self.unit}/s" if rate >= 1 else f"{60 * rate:.1f} {self.unit}/min"

    def left(self) -> str:
        """Such as ``0:38 left``; empty where it is not known."""
        if not self.total or not self.done or self.finished:
            return ""
        return f"{duration((self.total - self.done) * self.seconds / self.done)} left"

    def told(self) -> str:
        """What else there is to say of it."""
        return self.news


class StageProgress:
    """A :data:`mocap.progress.Progress` callback for one run, and a context manager.

    Args:
        patience: seconds that a stage may take without a word.
    """

    def __init__(self, patience: float = 0.0) -> None:
        self._patience = patience
        self._stages: dict[str, _Stage] = {}
        self._bars = _bars() if NOTES.is_terminal and not NOTES.quiet else None

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars:
            for stage in self._stages.values():
                if stage.task is not None and stage.total is None:
                    self._bars.remove_task(stage.task)
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Take in how far a stage is."""
        if stage not in self._stages:
            title, unit = _STAGES.get(stage, (stage, ""))
            self._stages[stage] = _Stage(title, _BYTES if stage.startswith("fetching") else unit)
        state = self._stages[stage]
        if state.finished:
            return
        state.update(done, total)
        if state.seconds < self._patience:
            return
        if self._bars:
            self._draw(self._bars, state)
        else:
            _write_line(state)
        state.shown = True

    def tell(self, stage: str, news: str) -> None:
        """Show something beside a stage that has begun, in the place of what was there."""
        if stage in self._stages:
            self._stages[stage].news = news

    def _draw(self, bars: Progress, state: _Stage) -> None:
        if state.task is None:
            state.task = bars.add_task(state.title, total=state.total, state=state)
        bars.update(state.task, completed=state.done, total=state.total)


def duration(seconds: float) -> str:
    """Such as ``0:38`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _write_line(state: _Stage) -> None:
    now = time.monotonic()
    if state.finished:
        rate = state.rate()
        spent = f"in {state.seconds:.1f} s" + (f" ({rate})" if rate else "")
        note(f"{state.title}: {state.amount()} {spent}")
    elif not state.shown:
        note(f"{state.title} ...")
    elif now - state.last_line >= _SECONDS_BETWEEN_LINES:
        state.last_line = now
        parts = (state.rate(), state.left(), state.news)
        details = ", ".join(part for part in parts if part)
        note(f"{state.title}: {state.amount()}" + (f" ({details})" if details else ""))


class _Column(ProgressColumn):
    """One of a stage's own descriptions."""

    def __init__(self, name: str, style: str) -> None:
        super().__init__()
        self._name, self._style = name, style

    def render(self, task: Task) -> Text:
        return Text(getattr(task.fields["state"], self._name)(), self._style)


def _bars() -> Progress:
    return Progress(
        SpinnerColumn(finished_text="✓", style="cyan"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        _Column("amount", "green"),
        _Column("rate", "cyan"),
        _Column("left", "magenta"),
        _Column("told", ""),
        console=NOTES,
    )
