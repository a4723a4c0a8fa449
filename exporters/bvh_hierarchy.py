"""The skeleton at the head of a BVH file: joints, offsets and channels."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from mocap.exporters.decimals import LIMIT

_CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}
# Python refuses to read whole numbers of thousands of digits; no count needs this many.
_LONGEST_COUNT = 18
_LONGEST_QUOTE = 40


class MalformedError(Exception):
    """What is wrong, in which line (from 1), and what helps where exporting again does not."""

    def __init__(self, line: int, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.line = line
        self.remedy = remedy


@dataclass(eq=False)
class Joint:
    """A joint as the file has it: file units, channels in file order, ``line`` from 1."""

    name: str
    parent: int
    line: int
    offset: list[float] | None = None
    channels: list[str] = field(default_factory=list)
    tip: list[float] | None = None


def parse_hierarchy(text: str) -> list[Joint]:
    """Read the text above MOTION: the joints in file order, each after its parent.

    Raises:
        MalformedError: naming the line.
    """
    parser = _Parser()
    for number, line in enumerate(text.split("\n"), 1):
        parser.feed(number, line)
    return parser.finished(number)


def quoted(words: str) -> str:
    """Words of a file as an error shows them: in one line, and never all of a binary file."""
    return repr(words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}...")


def whole_number(word: str) -> int | None:
    """A count, or None where the word is none."""
    return int(word) if word.isdecimal() and len(word) <= _LONGEST_COUNT else None


class _Parser:
    """The text above MOTION, line by line; braces may stand on lines of their own or not."""

    def __init__(self) -> None:
        self._joints: list[Joint] = []
        # Whose braces are open, as places in the list of joints; None stands for an End Site.
        self._open: list[int | None] = []
        # Who is named and waits for a brace.
        self._named: list[int | None] = []
        self._line = 0
        self._words: deque[str] = deque()
        self._handlers = {
            "HIERARCHY": self._start,
            "ROOT": self._root,
            "JOINT": self._joint,
            "END": self._end_site,
            "OFFSET": self._offset,
            "CHANNELS": self._channels,
            "{": self._enter,
            "}": self._leave,
        }

    def feed(self, number: int, line: str) -> None:
        self._line = number
        self._words.extend(line.replace("{", " { ").replace("}", " } ").split())
        while self._words:
            word = self._words.popleft()
            handler = self._handlers.get(word.upper())
            if handler is None:
                raise MalformedError(number, f"{quoted(word)} is not understood here")
            self._require(word == "{" or not self._named, "a joint has no opening brace")
            handler()

    def finished(self, number: int) -> list[Joint]:
        self._line = number
        self._require(bool(self._joints), "there is no ROOT joint")
        self._require(not self._open and not self._named, "a joint is not closed before MOTION")
        for joint in self._joints:
            self._line = joint.line
            self._require(joint.offset is not None, f"joint {quoted(joint.name)} has no OFFSET")
        return self._joints

    def _require(self, condition: bool, problem: str) -> None:
        if not condition:
            raise MalformedError(self._line, problem)

    def _start(self) -> None:
        self._require(not self._joints, "HIERARCHY stands inside a hierarchy")

    def _root(self) -> None:
        if self._joints:
            raise MalformedError(
                self._line,
                "a second ROOT; one skeleton a file can be read",
                "export every character to a file of its own",
            )
        self._name(-1)

    def _joint(self) -> None:
        self._name(self._current("JOINT"))

    def _name(self, parent: int) -> None:
        name = self._until({"{"})
        self._require(bool(name), "a joint has no name")
        self._named.append(len(self._joints))
        self._joints.append(Joint(" ".join(name), parent, self._line))

    def _end_site(self) -> None:
        self._current("End Site")
        self._until({"{"})
        self._named.append(None)

    def _enter(self) -> None:
        self._require(bool(self._named), "a brace opens that belongs to no joint")
        self._open.append(self._named.pop())

    def _leave(self) -> None:
        self._require(bool(self._open), "a brace closes that was never opened")
        self._open.pop()

    def _offset(self) -> None:
        words = [self._words.popleft() for _ in range(min(3, len(self._words)))]
        try:
            offset = [float(word) for word in words]
        except ValueError:
            offset = []
        sound = len(offset) == 3 and bool((np.abs(offset) < LIMIT).all())
        self._require(sound, f"OFFSET needs 3 numbers, not {quoted(' '.join(words))}")
        if self._open and self._open[-1] is None:
            owner = self._open[-2]
            assert owner is not None
            self._joints[owner].tip = offset
            return
        joint = self._joints[self._current("OFFSET")]
        self._require(joint.offset is None, f"joint {quoted(joint.name)} has a second OFFSET")
        joint.offset = offset

    def _channels(self) -> None:
        joint = self._joints[self._current("CHANNELS")]
        count = whole_number(self._words.popleft()) if self._words else None
        self._require(count is not None, "CHANNELS needs a count")
        names = [word.capitalize() for word in self._until(self._handlers.keys())]
        unknown = [name for name in names if name not in _CHANNELS]
        self._require(not unknown, f"channel {quoted(', '.join(unknown))} is not understood")
        self._require(len(names) == count, f"CHANNELS promises {count} and names {len(names)}")
        self._require(len(set(names)) == count, "CHANNELS names a channel twice")
        self._require(not joint.channels, f"joint {quoted(joint.name)} has CHANNELS twice")
        joint.channels = names

    def _until(self, ends: Collection[str]) -> list[str]:
        """The words of the line before the first one of ``ends``."""
        found = []
        while self._words and self._words[0].upper() not in ends:
            found.append(self._words.popleft())
        return found

    def _current(self, keyword: str) -> int:
        joint = self._open[-1] if self._open else None
        if joint is None:
            raise MalformedError(self._line, f"{keyword} stands outside a joint")
        return joint
