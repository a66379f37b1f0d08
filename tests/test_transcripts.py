"""Every transcript at our virtual machines and at real ones: the same answers, to the letter."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from real_network import Answer, UnavailableError, answers
from transcript_networks import NETWORKS
from transcripts import FILES, Calm, Step, Transcript, really, virtually

NAMES = [file.stem for file in FILES]
# transcripts at real machines mostly wait: so many do it at once
AT_ONCE = 4


def read(file: Path) -> Transcript:
    """The transcript that a file holds."""
    return Transcript.parse(file.read_text(encoding="utf-8"))


def same(found: Transcript, told: Transcript) -> None:
    """Fail unless two transcripts say the same, but for what no two runs have in common."""
    assert str(found.stable()) == str(told.stable())


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_virtual_machine_answers_as_the_transcript_says(file: Path) -> None:
    same(virtually(read(file)), read(file))


@pytest.fixture(scope="module")
def real() -> Iterator[dict[Path, Future[Transcript]]]:
    """All transcripts on their way through the real tools; skips where none may run."""
    try:
        answers(NETWORKS["home"](), [("laptop", "ping -c 1 192.168.1.20")])
    except UnavailableError as error:
        pytest.skip(str(error))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {file: pool.submit(really, read(file)) for file in FILES}
        pool.shutdown(cancel_futures=True)


@pytest.mark.kernel
@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_the_real_tools_answer_as_the_transcript_says(
    file: Path, real: dict[Path, Future[Transcript]]
) -> None:
    same(real[file].result(), read(file))
