"""Calibration files as nested mappings and lists, whatever their syntax.

TOML, JSON, YAML and XML as OpenCV's FileStorage writes them (ROS' and Kalibr's YAML is simple
enough to pass for it), and the plain text of ``name:`` lines followed by rows of numbers.
"""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2

from mocap.errors import CalibrationError

#: Bytes; a recording with its calibration may be long, but a video is no calibration.
_LARGEST = 200_000_000

Document = Any


def read_document(path: Path) -> Document:
    """What a file says; the root element of XML that is not OpenCV's.

    Raises:
        CalibrationError: it is missing, no text, or damaged.
    """
    text = _text(path)
    last: Exception | None = None
    for parse in _parsers(path.suffix.lower(), text.lstrip()):
        try:
            return parse(text.lstrip("\ufeff"))
        # OpenCV's parser fails with SystemError, too.
        except (
            ValueError,
            RecursionError,
            cv2.error,
            SystemError,
            ElementTree.ParseError,
        ) as error:
            last = error
    said = "" if isinstance(last, cv2.error | SystemError) else f" ({last})"
    raise CalibrationError(f"{path}: is damaged, or no calibration{said}; write it again")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise CalibrationError(f"{path}: is too large for a calibration; give another file")
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise CalibrationError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{path}: is not text, so no calibration; give another") from error


def _parsers(suffix: str, text: str) -> list[Callable[[str], Document]]:
    """By what the text looks like, since names tell little (``.qca.txt`` is XML)."""
    if text.startswith("<"):
        return [_xml]
    if suffix == ".json" or (text.startswith(("{", "[")) and suffix != ".toml"):
        return [json.loads]
    if suffix in (".yaml", ".yml") or text.startswith("%YAML"):
        return [_yaml]
    if suffix == ".toml":
        return [tomllib.loads]
    return [_plain, tomllib.loads, _yaml]


def _xml(text: str) -> Document:
    root = ElementTree.fromstring(text.encode())
    return _storage(text) if root.tag == "opencv_storage" else root


def _yaml(text: str) -> Document:
    if not text.startswith("%YAML"):
        # YAML allows a list under a key to begin in the key's own column; OpenCV's reader does not.
        text = "%YAML:1.0\n---\n" + re.sub(r"(?m)^( *)- ", r"\1  - ", text)
    return _storage(text)


def _storage(text: str) -> Document:
    storage = cv2.FileStorage(text, cv2.FileStorage_READ | cv2.FileStorage_MEMORY)
    root = storage.root()
    if root.empty() or not root.isMap():
        raise ValueError("nothing in it")
    return _content(root)


def _content(node: cv2.FileNode) -> Document:
    if node.isMap():
        return {key: _content(node.getNode(key)) for key in node.keys()}  # noqa: SIM118
    if node.isSeq():
        return [_content(node.at(i)) for i in range(node.size())]
    if node.isString():
        return node.string()
    if node.isInt() or node.isReal():
        return node.real()
    return None


def _plain(text: str) -> Document:
    """Lines ``name:`` with rows of numbers below; a table of one row is a list."""
    document: dict[str, list[list[float]]] = {}
    rows: list[list[float]] | None = None
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.endswith(":"):
            rows = document.setdefault(line[:-1].strip(), [])
        elif rows is None:
            raise ValueError("begins with neither a name nor a known syntax")
        else:
            rows.append([float(word) for word in line.replace(",", " ").split()])
    return {name: rows[0] if len(rows) == 1 else rows for name, rows in document.items()}
