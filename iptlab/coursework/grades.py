"""Grades of a class: one row for each learner and exercise, and what they got wrong."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import TextIO

from iptlab import course
from iptlab.course.seeds import seed_of
from iptlab.coursework.submissions import Answer, Submission
from iptlab.errors import FileError, IptlabError
from iptlab.grading import Status, grade

# a row about a file that could not be read, and one about an exercise that is not in it
UNREADABLE = "unreadable"
MISSING = "missing"
# which of several answers to an exercise counts: the best
_MERIT = (Status.CORRECT, Status.WRONG, Status.ERROR, Status.NOT_YET, MISSING)


@dataclass(frozen=True)
class Row:
    """A line of the table; ``points`` is 1 for a right answer.

    ``status`` is that of the Result, or ``missing`` where a notebook lacks the exercise's cell,
    or ``unreadable`` in the one row about a file that is no notebook, which ``note`` explains.
    """

    learner: str
    exercise: str
    status: str
    code: str = ""
    points: int = 0
    file: str = ""
    note: str = ""


def grades(handed_in: Iterable[Submission], seeds: Mapping[str, int]) -> Iterator[Row]:
    """The rows of all learners, by name; ``seeds`` are those of learners with variants."""
    for learner, group in groupby(handed_in, key=lambda one: one.learner):
        yield from _of_learner(learner, list(group), seeds.get(learner, 0))


def _of_learner(learner: str, handed_in: list[Submission], seed: int) -> Iterator[Row]:
    """One row for each exercise of the lessons that were handed in, and for each broken file."""
    best: dict[str, Row] = {}
    for submission in handed_in:
        if submission.problem:
            note = submission.problem
            yield Row(learner, "", UNREADABLE, file=submission.file, note=note)
        for row in _of_file(submission, seed):
            if row.exercise not in best or _merit(row) < _merit(best[row.exercise]):
                best[row.exercise] = row
    began = {exercise[:2] for exercise in best}
    for number, exercises in course.lessons().items():
        for one in exercises if number in began else ():
            yield best.pop(one.id, Row(learner, one.id, MISSING))
    yield from best.values()


def _merit(row: Row) -> int:
    return _MERIT.index(row.status)


def _of_file(submission: Submission, seed: int) -> Iterator[Row]:
    """One row for each exercise in a file: the last cell of it that holds an answer."""
    cells: dict[str, list[Answer]] = {}
    for answer in submission.answers:
        cells.setdefault(answer.exercise, []).append(answer)
    for answers in cells.values():
        rows = (_graded(submission, answer, seed) for answer in reversed(answers))
        first = next(rows)
        row = next((one for one in (first, *rows) if one.status != Status.NOT_YET), first)
        copies = f"{len(answers)} cells, the last answer counts" if len(answers) > 1 else ""
        yield replace(row, note="; ".join(filter(None, (row.note, copies))))


def _graded(submission: Submission, answer: Answer, seed: int) -> Row:
    row = Row(submission.learner, answer.exercise, Status.ERROR, file=submission.file)
    if answer.problem:
        return replace(row, code="unreadable", note=answer.problem)
    try:
        result = grade(course.exercise(answer.exercise, seed), answer.value)
    except IptlabError as error:
        return replace(row, code="no-such-exercise", note=str(error).partition(";")[0])
    points = int(result.status is Status.CORRECT)
    return replace(row, status=result.status, code=result.code, points=points)


# --- tables ---


def write_csv(rows: Iterable[Row], file: TextIO) -> None:
    """Write the rows with a heading; spreadsheets take no cell for a formula."""
    table = csv.writer(file, lineterminator="\n")
    names = [field.name for field in fields(Row)]
    table.writerow(names)
    table.writerows([_harmless(getattr(row, name)) for name in names] for row in rows)


def _harmless(value: object) -> object:
    """A cell; one that a spreadsheet would compute begins with a quote."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def read_seeds(file: TextIO) -> dict[str, int]:
    """The seeds in a table with the columns learner and seed, as IPTLAB_SEED has them."""
    table = csv.DictReader(file)
    try:
        return {row["learner"]: seed_of(row["seed"]) for row in table}
    except (KeyError, AttributeError, csv.Error):
        raise FileError(
            f"the seeds, line {table.line_num}: the columns are learner and seed"
        ) from None


def summary(rows: Iterable[Row]) -> str:
    """How many learners solved each exercise, and how many showed which mistake."""
    rows = list(rows)
    people = {row.learner for row in rows}
    who = "1 learner" if len(people) == 1 else f"{len(people)} learners"
    lines = [f"{who}, {sum(row.points for row in rows)} right answers"]
    by_exercise: dict[str, list[Row]] = {}
    for row in rows:
        by_exercise.setdefault(row.exercise, []).append(row)
    by_exercise.pop("", None)  # about files that could not be read
    for exercise, here in by_exercise.items():
        lines += ["", f"{exercise}: {sum(row.points for row in here)} of {len(here)} right"]
        codes = Counter(row.code or row.status for row in here if not row.points)
        lines += [f"  {n:>4}  {code}{_sentence(exercise, code)}" for code, n in codes.most_common()]
    broken = [row for row in rows if row.status == UNREADABLE]
    if broken:
        lines += ["", "could not be read:", *(f"  {row.file}: {row.note}" for row in broken)]
    return "\n".join(lines)


def _sentence(exercise: str, code: str) -> str:
    """What is told about a known mistake."""
    try:
        known = {one.code: one.text for one in course.exercise(exercise).misconceptions}
    except IptlabError:
        return ""
    return f": {known[code]}" if code in known else ""
