"""An exercise as a form: the answer, and check, hint, solution, reset beside it."""

from __future__ import annotations

from ast import literal_eval
from dataclasses import replace

from iptlab import course
from iptlab.errors import IptlabError, RuleError
from iptlab.grading import Exercise, Predict
from iptlab.grading.reading import read_answer
from iptlab.html import Html, element, join
from iptlab.notebook.check import earned_solution, forget, judged, next_hint
from iptlab.notebook.session import seed
from iptlab.notebook.widgets.form import Field, Form, Reply

_BUTTONS = [["check", "Check"], ["hint", "Hint"], ["solution", "Solution"], ["reset", "Reset"]]
# what in a cell is said of iptlab.hint
_STUCK, _MORE = "Stuck? Press Hint.", "Press Hint again for the next one."
_MOST_ROWS = 16
_LITERAL = "your answer, as in Python: DROP, 3, 1/3, a, b, c"


class ExercisePanel(Form):
    """The exercise of an id with the verbs of ``iptlab.check`` as buttons.

    What is checked here counts as what is checked in a cell. Typing alone never does: it only
    tells of rules that cannot be read.
    """

    def __init__(self, id: str) -> None:
        self.exercise = course.exercise(id, seed())
        super().__init__(
            f"Exercise {id}",
            answer_field(self.exercise, begun(self.exercise)),
            values={"answer": begun(self.exercise)},
            buttons=_BUTTONS,
            intro=self.exercise.task
            or f"The task stands in lesson {id[:2]}, {course.title(id[:2])}.",
        )

    def answer(self, do: str) -> Reply:
        id_, typed = self.exercise.id, self.values["answer"]
        match do:
            case "check":
                result = judged(id_, meant(self.exercise, typed))
                return Reply(replace(result, hint=result.hint and _STUCK).html())
            case "hint":
                return Reply(_hint(id_))
            case "solution":
                return Reply(element("pre", earned_solution(id_, help="press Hint")))
            case "reset":
                forget(id_)
                said = element("p", f"{id_} begins anew.")
                return Reply(said, values={"answer": begun(self.exercise)}, all=True)
        return Reply(marks=complaints(self.exercise, typed))


def _hint(id_: str) -> Html:
    """The next hint, and which button gives more."""
    try:
        found = next_hint(id_)
    except IptlabError as error:
        return element("p", str(error))
    more = "That was the last one. What is left is Solution." if found.last else _MORE
    return join((element("p", str(found)), element("p", more)))


def begun(exercise: Exercise) -> str:
    """What stands in the field at first: the exercise's cell, if that holds no Python."""
    if not exercise.magic:
        return ""
    cell = course.cells(exercise.id[:2]).get(course.origin(exercise.id, seed()))
    return (cell or course.usual(exercise)).text


def answer_field(exercise: Exercise, text: str) -> Field:
    """The field that an exercise's answer is typed or chosen in."""
    if isinstance(exercise, Predict) and exercise.choices:
        return Field("answer", "your answer", "choice", tuple(map(str, exercise.choices)))
    if exercise.magic:
        rows = min(_MOST_ROWS, text.count("\n") + 3)
        return Field("answer", "your answer, as in a cell", "lines", (), rows)
    return Field("answer", _LITERAL, "wide")


def meant(exercise: Exercise, typed: str) -> object:
    """The answer that a text means: rules without the cell's magic, a word, a Python value.

    >>> from iptlab import exercise
    >>> meant(exercise("00-first"), " DROP "), meant(exercise("00-first"), "(3, 'x')")
    ('DROP', (3, 'x'))
    """
    if exercise.magic:
        first, _, rest = typed.partition("\n")
        return rest if first.startswith("%%") else typed
    try:
        return literal_eval(typed.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return typed.strip()


def complaints(exercise: Exercise, typed: str) -> dict[str, str]:
    """What makes rules unreadable, as long as they are being typed."""
    if exercise.magic != "iptables":
        return {}
    lines = typed.splitlines()
    has_magic = bool(lines) and lines[0].startswith("%%")
    text = "\n".join(lines[has_magic:])
    if not text.strip() or "TODO" in text:
        return {}
    try:
        read_answer(text, getattr(exercise, "family", 4), first_line=1 + has_magic)
    except RuleError as error:
        return {"answer": str(error)}
    return {}
