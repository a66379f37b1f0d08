"""The files of a virtual machine: what was written there, and the switches below /proc/sys/net."""

from __future__ import annotations

from posixpath import dirname, join, normpath

from iptlab.console.command import Session
from iptlab.console.switches import read_proc, write_proc
from iptlab.errors import FileError

# where relative paths begin, and the folders that every machine has
HOME = "/root"
_FOLDERS = frozenset(("/", HOME, "/dev", "/etc", "/etc/iptables", "/home", "/tmp", "/var"))
_SWITCHES = "/proc/sys/net/"
_NULL = "/dev/null"
# characters that one file, or a stream between two commands, may hold
MOST_TEXT = 4_000_000
_MISSING = "No such file or directory"


def read_file(session: Session, name: str) -> str:
    """What a file holds; FileError in the words of cat(1)."""
    path = _path(name)
    if path == _NULL:
        return ""
    if (switch := read_proc(session, path)) is not None:
        return switch
    if path in session.box.files:
        return session.box.files[path]
    raise FileError(f"{name}: {'Is a directory' if _is_folder(session, path) else _MISSING}")


def write_file(session: Session, name: str, text: str, *, append: bool = False) -> None:
    """Put a text into a file, or behind what is there; FileError in the shell's words."""
    path = _path(name)
    if path == _NULL:
        return
    if path.startswith(_SWITCHES):
        # an empty text is a file that is only opened
        if why := (text or read_proc(session, path) is None) and write_proc(session, path, text):
            raise FileError(f"{name}: {why}")
        return
    if _is_folder(session, path):
        raise FileError(f"{name}: Is a directory")
    if not _is_folder(session, dirname(path)):
        raise FileError(f"{name}: {_MISSING}")
    whole = session.box.files.get(path, "") + text if append else text
    if len(whole) > MOST_TEXT:
        raise FileError(f"{name}: No space left on device")
    session.box.files[path] = whole


def _path(name: str) -> str:
    """The whole path of a name; an empty one is no file's."""
    return normpath(join(HOME, name)) if name else ""


def _is_folder(session: Session, path: str) -> bool:
    below = f"{path.rstrip('/')}/"
    return path in _FOLDERS or any(file.startswith(below) for file in session.box.files)
