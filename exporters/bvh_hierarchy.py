"""The skeleton at the head of a BVH file: joints, offsets and channels."""

from dataclasses import dataclass, field

import numpy as np

_CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}


class MalformedError(Exception):
    """What is wrong, and in which line (from 1)."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


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


class _Parser:
    """The text above MOTION, line by line; braces may stand on lines of their own or not."""

    def __init__(self) -> None:
        self._joints: list[Joint] = []
        # The joints whose braces are open; None stands for an End Site.
        self._open: list[Joint | None] = []
        self._named: list[Joint | None] = []
        self._line = 0

    def feed(self, number: int, line: str) -> None:
        self._line = number
        words = line.replace("{", " { ").replace("}", " } ").split()
        handlers = {
            "HIERARCHY": self._start,
            "ROOT": self._root,
            "JOINT": self._joint,
            "END": self._end_site,
            "OFFSET": self._offset,
            "CHANNELS": self._channels,
            "{": self._enter,
            "}": self._leave,
        }
        while words:
            handler = handlers.get(words[0].upper())
            self._require(handler is not None, f"{words[0]!r} is not understood here")
            assert handler is not None
            words = handler(words[1:])

    def finished(self, number: int) -> list[Joint]:
        self._line = number
        self._require(bool(self._joints), "there is no ROOT joint")
        self._require(not self._open and not self._named, "a joint is not closed before MOTION")
        for joint in self._joints:
            self._line = joint.line
            self._require(joint.offset is not None, f"joint {joint.name} has no OFFSET")
        return self._joints

    def _require(self, condition: bool, problem: str) -> None:
        if not condition:
            raise MalformedError(self._line, problem)

    def _start(self, words: list[str]) -> list[str]:
        self._require(not self._joints, "HIERARCHY stands inside a hierarchy")
        return words

    def _root(self, words: list[str]) -> list[str]:
        self._require(not self._joints, "a second ROOT; one skeleton a file can be read")
        return self._name(words, -1)

    def _joint(self, words: list[str]) -> list[str]:
        return self._name(words, self._joints.index(self._current("JOINT")))

    def _name(self, words: list[str], parent: int) -> list[str]:
        self._require(not self._named, "a joint has no opening brace")
        end = words.index("{") if "{" in words else len(words)
        self._require(end > 0, "a joint has no name")
        joint = Joint(" ".join(words[:end]), parent, self._line)
        self._joints.append(joint)
        self._named.append(joint)
        return words[end:]

    def _end_site(self, words: list[str]) -> list[str]:
        self._current("End Site")
        self._require(not self._named, "a joint has no opening brace")
        self._named.append(None)
        return words[words.index("{") :] if "{" in words else []

    def _enter(self, words: list[str]) -> list[str]:
        self._require(bool(self._named), "a brace opens that belongs to no joint")
        self._open.append(self._named.pop())
        return words

    def _leave(self, words: list[str]) -> list[str]:
        self._require(bool(self._open), "a brace closes that was never opened")
        self._open.pop()
        return words

    def _offset(self, words: list[str]) -> list[str]:
        try:
            offset = [float(word) for word in words[:3]]
        except ValueError:
            offset = []
        self._require(
            len(offset) == 3 and bool(np.isfinite(offset).all()), "OFFSET needs 3 numbers"
        )
        if self._open and self._open[-1] is None:
            owner = self._open[-2]
            assert owner is not None
            owner.tip = offset
        else:
            self._current("OFFSET").offset = offset
        return words[3:]

    def _channels(self, words: list[str]) -> list[str]:
        joint = self._current("CHANNELS")
        self._require(bool(words) and words[0].isdecimal(), "CHANNELS needs a count")
        count = int(words[0])
        names = [word.capitalize() for word in words[1 : count + 1]]
        unknown = [name for name in names if name not in _CHANNELS]
        self._require(not unknown, f"channel {', '.join(unknown)} is not understood")
        self._require(len(names) == count, f"CHANNELS promises {count} and names {len(names)}")
        self._require(len(set(names)) == count, "CHANNELS names a channel twice")
        joint.channels = names
        return words[count + 1 :]

    def _current(self, keyword: str) -> Joint:
        joint = self._open[-1] if self._open else None
        self._require(joint is not None, f"{keyword} stands outside a joint")
        assert joint is not None
        return joint
