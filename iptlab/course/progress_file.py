"""The small file that keeps a learner's progress.

It is changed under a lock, so that two notebooks at once lose nothing, and replaced as a whole,
so that a crash leaves either the old one or the new one. It may be deleted at any time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from iptlab.course.progress import Progress, Record

FORMAT = 1
_LARGEST = 1_000_000
_PATIENCE = 10.0


class BrokenFileError(Exception):
    """A file that no version of this module has written."""


@dataclass(frozen=True)
class ProgressFile:
    """Progress at a path; what goes wrong with files is an OSError.

    ``say`` is told when a broken file was set aside.
    """

    path: Path
    say: Callable[[str], None]

    def read(self) -> Progress:
        """What it holds; nothing if it is not there. A broken one is set aside."""
        try:
            return self._parsed()
        except BrokenFileError:
            with self._locked():
                return self._current()

    def change(self, change: Callable[[Progress], Progress]) -> Progress:
        """Change it, whatever anybody else has written in the meantime; the answer is the new."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            progress = change(self._current())
            self._write(progress)
        return progress

    def readable(self) -> Progress:
        """What it holds, if that can be read just now."""
        try:
            return self._parsed()
        except (OSError, BrokenFileError):
            return Progress()

    # --- inside ---

    def _beside(self, ending: str) -> Path:
        return self.path.parent / f"{self.path.name}.{ending}"

    def _current(self) -> Progress:
        """What it holds; a broken one is set aside. Only with the lock."""
        try:
            return self._parsed()
        except BrokenFileError:
            aside = self._beside("broken")
            os.replace(self.path, aside)
            self.say(
                f"{self.path} could not be understood. It is called {aside.name} now, and your "
                "progress begins anew; nothing else is lost."
            )
            return Progress()

    def _parsed(self) -> Progress:
        try:
            with self.path.open("rb") as file:
                data = file.read(_LARGEST + 1)
        except FileNotFoundError:
            return Progress()
        if len(data) > _LARGEST:
            raise BrokenFileError
        return _progress(data)

    def _write(self, progress: Progress) -> None:
        records = {id_: asdict(one) for id_, one in progress.records.items()}
        text = json.dumps({"format": FORMAT, "exercises": records}, indent=1, sort_keys=True)
        # always the same name: what a crash leaves here is overwritten by the next change
        new = self._beside("new")
        with new.open("w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile; the kernel frees the lock after a crash."""
        with self._beside("lock").open("a") as file:
            until = time.monotonic() + _PATIENCE
            while not _lock(file.fileno()):
                if time.monotonic() > until:
                    raise TimeoutError(f"{self.path} is locked by another notebook")
                time.sleep(0.01)
            yield


def _progress(data: bytes) -> Progress:
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise BrokenFileError
        records = {id_: Record(**one) for id_, one in content["exercises"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BrokenFileError from None
    if not all(type(one.solved) is bool and type(one.wrong) is int for one in records.values()):
        raise BrokenFileError
    return Progress(records)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        """Take the lock if it is free; closing the file gives it back."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

elif sys.platform == "emscripten":

    def _lock(descriptor: int) -> bool:
        """In a browser there is nobody else."""
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        """Take the lock if it is free; closing the file gives it back."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
