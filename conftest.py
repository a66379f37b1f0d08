"""What notebooks see that pytest runs: a learner without a past."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_FOLDER = tempfile.mkdtemp(prefix="iptlab-")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
# kernels inherit this: what is stored must not hang on who runs the tests
os.environ["IPTLAB_PROGRESS"] = os.path.join(_FOLDER, "progress.json")
os.environ["IPTLAB_SEED"] = "0"


def pytest_configure(config: pytest.Config) -> None:
    """Stored outputs are compared but for the drawings of charts, which are matplotlib's own."""
    config.option.nbval_sanitize_with = str(Path(__file__).parent / "tests" / "nbval.cfg")
