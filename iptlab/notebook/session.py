"""What a learner's session knows: the seed, the hints that were shown, the progress file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from iptlab.course.progress import Progress
from iptlab.course.progress_file import ProgressFile
from iptlab.course.seeds import seed_of


def seed(environment: Mapping[str, str] = os.environ) -> int:
    """The learner's seed, IPTLAB_SEED: a number, or any name, which becomes one."""
    return seed_of(environment.get("IPTLAB_SEED", ""))


def progress_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where progress is kept: IPTLAB_PROGRESS, else in the user's data folder.

    In a browser's Python that is beside the lessons: of its files only those stay.
    """
    if named := environment.get("IPTLAB_PROGRESS"):
        return Path(os.path.expanduser(named))
    if sys.platform == "emscripten":
        return Path("progress.json")
    data = environment.get("XDG_DATA_HOME", "")
    # a relative path there is to be ignored, says the XDG Base Directory Specification
    folder = Path(data) if Path(data).is_absolute() else _home() / ".local" / "share"
    return folder / "iptlab" / "progress.json"


def _home() -> Path:
    """The home folder; where there is none, a folder that nobody can write."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


class Session:
    """One learner at one notebook; where files cannot be written, memory does.

    ``hints`` are the numbers of the hints shown last; ``solved`` says of the exercises that
    were checked here whether the last answer was right.
    """

    def __init__(self) -> None:
        self.hints: dict[str, int] = {}
        self.solved: dict[str, bool] = {}
        self._memory: Progress | None = None

    @property
    def progress(self) -> Progress:
        """How far the learner is."""
        return self._kept(lambda file: file.read(), lambda progress: progress)

    def change(self, change: Callable[[Progress], Progress]) -> None:
        """Change it, in the file if that is possible."""
        self._kept(lambda file: file.change(change), change)

    def _kept(
        self,
        in_file: Callable[[ProgressFile], Progress],
        in_memory: Callable[[Progress], Progress],
    ) -> Progress:
        if self._memory is None:
            file = ProgressFile(progress_path(), say=print)
            try:
                return in_file(file)
            except OSError as error:
                self._memory = file.readable()
                print(
                    f"Your progress is kept only until this notebook ends: {file.path} cannot be "
                    f"written ({error.strerror or error}). Name another file in IPTLAB_PROGRESS."
                )
        self._memory = in_memory(self._memory)
        return self._memory


SESSION = Session()
