"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from widget_pages import browser as browser
from widget_pages import draw as draw

# A busy machine is not a failure: hypothesis must not time single examples. Where changes are
# judged the examples are always the same; on a developer's machine they are new in every run.
settings.register_profile("iptlab", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("iptlab")


@pytest.fixture(autouse=True)
def a_learner_without_a_past(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """No test sees, or changes, the progress of whoever runs it; the file it uses instead."""
    file = tmp_path_factory.mktemp("learner") / "progress.json"
    monkeypatch.setenv("IPTLAB_PROGRESS", str(file))
    for name in ("IPTLAB_SEED", "IPTLAB_NO_SOLUTIONS", "IPTLAB_STRICT"):
        monkeypatch.delenv(name, raising=False)
    return file
