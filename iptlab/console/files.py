"""The files of a virtual machine: what was written there, and the switches below /proc/sys/net."""

from __future__ import annotations

from dataclasses import replace
from posixpath import dirname, join, normpath

from iptlab.console.command import Session
from iptlab.errors import FileError
from iptlab.simulate.host import SYSCTLS, Host

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
    if (switch := _switch(session.machine.host, path)) is not None:
        return f"{switch}\n"
    if path in session.box.files:
        return session.box.files[path]
    raise FileError(f"{name}: {'Is a directory' if _is_folder(session, path) else _MISSING}")


def write_file(session: Session, name: str, text: str, *, append: bool = False) -> None:
    """Put a text into a file, or behind what is there; FileError in the shell's words."""
    path = _path(name)
    if path == _NULL:
        return
    if path.startswith(_SWITCHES):
        _turn(session, name, path, text)
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


def _switch(host: Host, path: str) -> int | None:
    """The value of a switch, None if the path is none's."""
    known = {
        pattern.format(name): value
        for pattern, value in SYSCTLS.items()
        for name in ("all", "default", *host.by_name)
    }
    key = path.removeprefix(_SWITCHES)
    return host.sysctls.get(key, known[key]) if path != key and key in known else None


def _turn(session: Session, name: str, path: str, text: str) -> None:
    """Set a switch; an empty text is a file that is only opened."""
    host = session.machine.host
    if _switch(host, path) is None:
        raise FileError(f"{name}: {_MISSING}")
    if not text:
        return
    word = text.strip()
    if not word.isascii() or not word.removeprefix("-").isdigit() or len(word) > 10:
        raise FileError("write error: Invalid argument")
    sysctls = {**host.sysctls, path.removeprefix(_SWITCHES): int(word)}
    session.machine.configure(replace(host, sysctls=sysctls))
