"""Forms: what is typed is looked at as it is typed, judged when asked, and never lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from widget_pages import Drawn

import iptlab
from iptlab import ExercisePanel, PacketBuilder, Quiz, RulesetEditor, course
from iptlab.errors import IptlabError, PacketError
from iptlab.notebook.session import SESSION
from iptlab.notebook.widgets.form import Form, Reply
from iptlab.notebook.widgets.quiz import Quiz as QuizForm

Draw = Callable[..., Drawn]
DENY = iptlab.read_rules("-A INPUT -p tcp --dport 22 -j DROP")
HOSTILE = '"><img src=x onerror="bad=1"><script>bad=1</script>'


def typed(form: Form, do: str = "look", **values: str) -> Reply:
    """What the form says once these fields have changed."""
    heard: list[dict[str, Any]] = []
    form.send = lambda content, buffers=None: heard.append(content)
    # in Jupyter the trait has changed before the question comes
    form.values = {**form.values, **values}
    asked = {"do": do, "values": {**form.values, **values}, "number": 1}
    form._handle_custom_msg(asked, [])
    answer = heard[0]
    return Reply(answer["said"], answer["marks"], answer["values"], answer["all"])


# --- packets ----------------------------------------------------------------------------------


def test_a_packet_is_judged_at_once() -> None:
    builder = PacketBuilder(DENY)
    # the verdict is said once, before the way to it
    assert typed(builder).said.count("DROP by filter INPUT 1") == 1
    assert typed(builder).said.count("verdict") == 0
    found = typed(builder, dport="80")
    assert "ACCEPT" in found.said
    assert found.values == {"line": "in eth0 tcp 10.0.0.9:40000 -> 10.0.0.1:80 SYN"}
    assert builder.line.endswith("10.0.0.1:80 SYN")


def test_a_line_fills_the_fields() -> None:
    builder = PacketBuilder(DENY)
    found = typed(builder, line="ctstate ESTABLISHED udp [2001:db8::1]:53 -> [2001:db8::2]:9 ttl=3")
    assert "iptables and ip6tables never see" in found.marks["line"]
    builder = PacketBuilder()
    found = typed(builder, line="ctstate ESTABLISHED udp [2001:db8::1]:53 -> [2001:db8::2]:9 ttl=3")
    assert (found.values["src"], found.values["sport"]) == ("2001:db8::1", "53")
    assert (found.values["ctstate"], found.values["rest"]) == ("ESTABLISHED", "ttl=3")
    assert "[2001:db8::1]:53" in typed(builder, dport="10").values["line"]


def test_a_hook_is_a_field_too() -> None:
    builder = PacketBuilder(DENY, "OUTPUT out eth0 udp 10.0.0.1:53 -> 10.0.0.9:53")
    assert builder.values["hook"] == "OUTPUT"
    assert (
        typed(builder, hook="FORWARD", **{"in": "eth1"})
        .values["line"]
        .startswith("FORWARD in eth1 out eth0 udp")
    )
    assert "has no `out' interface" in typed(builder, hook="INPUT").marks["hook"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("src", "10.0.0", "`10.0.0' is no IP address"),
        ("dst", "", "is no IP address"),
        ("sport", "99999", "a port is a number from 0 to 65535"),
        ("dport", "htp", "`htp' is no port"),
        ("protocol", "tpc", "`tpc' is no protocol"),
        ("ctstate", "OLD", "`OLD' is no connection state"),
        ("rest", "SIN", "`SIN' is no TCP flag"),
        ("dport", "", "tcp needs a port"),
    ],
)
def test_a_wrong_field_is_told_where_it_is_and_nothing_is_lost(
    name: str, value: str, says: str
) -> None:
    builder = PacketBuilder(DENY)
    line = builder.line
    found = typed(builder, **{name: value})
    assert says in found.marks[name]
    assert found.values == {}
    assert (builder.values[name], builder.line) == (value, line)


def test_on_a_host_a_packet_goes_all_the_way() -> None:
    router = iptlab.Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
    builder = PacketBuilder(router, "in eth1 udp 192.168.1.9:4000 -> 8.8.8.8:53")
    assert typed(builder).said.count("forwarded through eth0") == 1
    assert "there is no interface wlan0" in typed(builder, **{"in": "wlan0"}).marks["in"]


def test_a_packet_can_answer_an_exercise() -> None:
    builder = PacketBuilder("01-gap")
    right = iptlab.course.solution("01-gap").partition('"')[2].partition('"')[0]
    assert "correct" in typed(builder, line=right).said
    assert SESSION.progress.of("01-gap").solved is False
    with pytest.raises(IptlabError, match="does not ask for a packet"):
        PacketBuilder("01-repair")
    with pytest.raises(PacketError, match="is not a packet"):
        PacketBuilder(DENY, "hello")


# --- rules ------------------------------------------------------------------------------------


def test_rules_are_compared_with_a_reference_and_a_packet_proves_a_difference() -> None:
    editor = RulesetEditor(DENY)
    found = typed(editor, rules="-A INPUT -p tcp --dport 23 -j DROP")
    assert "A packet that proves it" in found.said
    assert "-&gt; 10.0.0.5:22" in found.said
    found = typed(editor, rules="-A INPUT -p tcp -m multiport --dports 22 -j DROP")
    assert "proved for all" in found.said
    assert str(editor.rules) == str(iptlab.read_rules(editor.values["rules"]))


def test_rules_that_cannot_be_read_are_told_with_line_and_column() -> None:
    editor = RulesetEditor("01-repair")
    assert "-A INPUT -s 192.168.1.0/24" in editor.values["rules"]
    found = typed(editor, rules="-P INPUT DROP\n-A INPUT --dprt 22 -j ACCEPT")
    assert "line 2, column" in found.marks["rules"]
    assert "^" in found.marks["rules"]
    assert editor.values["rules"].endswith("--dprt 22 -j ACCEPT")


def test_an_exercise_is_a_reference_too_and_nothing_is_noted_down() -> None:
    editor = RulesetEditor("01-repair")
    answer = course.solution("01-repair").partition("\n")[2]
    assert "correct" in typed(editor, rules=answer).said
    assert "not right yet" in typed(editor, rules="-P INPUT DROP").said
    assert SESSION.progress.of("01-repair").wrong == 0
    with pytest.raises(IptlabError, match="does not ask for rules"):
        RulesetEditor("01-gap")


def test_a_rule_that_is_picked_is_added_if_it_fits() -> None:
    editor = RulesetEditor(DENY, "-P INPUT ACCEPT")
    assert typed(editor, line="-A INPUT -p tcp --dport 22 -j DROP").values == {}
    found = typed(editor, "add")
    assert found.values == {
        "rules": "-P INPUT ACCEPT\n-A INPUT -p tcp --dport 22 -j DROP\n",
        "line": "",
    }
    assert "proved for all" in found.said
    found = typed(editor, "add", line="-A NOWHERE -j DROP")
    assert "NOWHERE" in found.marks["line"]
    assert (found.values, editor.values["line"]) == ({}, "-A NOWHERE -j DROP")


def test_fields_offer_what_the_rules_speak_of() -> None:
    rules = iptlab.read_rules("-A INPUT -i wlan0 -s 10.7.0.5 -p udp --dport 5060 -j DROP")
    offered = {one["name"]: one["options"] for one in PacketBuilder(rules).fields}
    assert (offered["in"][0], offered["src"][0]) == ("wlan0", "10.7.0.5")
    assert offered["dport"][0] == "5060"
    router = iptlab.Host.router(lan="192.168.1.1/24", wan="203.0.113.2/24")
    offered = {
        one["name"]: one["options"]
        for one in PacketBuilder(router, "in eth0 udp 1.1.1.1:1 -> 2.2.2.2:2").fields
    }
    assert "eth1" in offered["in"]


def test_without_a_reference_rules_are_explained() -> None:
    editor = RulesetEditor()
    assert typed(editor) == Reply("")
    assert "goes to port 22" in typed(editor, rules="-A INPUT -p tcp --dport 22 -j DROP").said


# --- exercises --------------------------------------------------------------------------------


def test_the_panel_has_the_verbs_of_the_course() -> None:
    panel = ExercisePanel("01-repair")
    assert "not answered yet" in typed(panel, "check").said
    assert "or press Hint" in typed(panel, "solution").said
    for _ in range(2):
        wrong = "%%iptables 01-repair\n-P INPUT DROP"
        said = typed(panel, "check", answer=wrong).said
        assert "not right yet" in said
        # the button beside it and no function
        assert "Stuck? Press Hint." in said
        assert "iptlab.hint" not in said
    assert SESSION.progress.of("01-repair").wrong == 2
    hints = [typed(panel, "hint").said for _ in panel.exercise.hints]
    assert "Hint 1 of" in hints[0]
    assert "Press Hint again" in hints[0]
    assert "What is left is Solution" in hints[-1]
    shown = typed(panel, "solution").said
    assert "One right answer to 01-repair" in shown
    found = typed(panel, "check", answer=course.solution("01-repair"))
    assert "correct" in found.said
    assert SESSION.progress.of("01-repair").solved
    again = typed(panel, "reset")
    assert again.all
    assert "# TODO" in again.values["answer"]
    assert SESSION.progress.of("01-repair").solved is False
    assert iptlab.score("01-repair") == 0


def test_the_panel_looks_at_rules_as_they_are_typed_but_judges_nothing() -> None:
    panel = ExercisePanel("01-repair")
    found = typed(panel, answer="%%iptables 01-repair\n-A INPUT -j DRPO")
    assert "line 2" in found.marks["answer"]
    assert typed(panel, answer="%%iptables 01-repair\n-A INPUT -j DROP") == Reply("")
    assert SESSION.progress.of("01-repair").wrong == 0


@pytest.mark.parametrize("id_", [one for one in course.exercises() if "recall" not in one])
def test_a_solution_typed_into_a_panel_is_right(id_: str) -> None:
    panel = ExercisePanel(id_)
    answer = course.solution(id_)
    if not panel.exercise.magic:
        answer = answer.removeprefix("answer = ").rpartition(f'\niptlab.check("{id_}"')[0]
    assert "correct" in typed(panel, "check", answer=answer).said, answer


# --- quizzes ----------------------------------------------------------------------------------


def test_a_quiz_goes_through_the_questions_of_a_lesson() -> None:
    quiz = Quiz("04")
    assert quiz.title == "Question 1 of 4"
    first = quiz.question
    right = str(first.model())
    assert "✗" in typed(quiz, "check", answer="filter").said
    assert "✓" in typed(quiz, "check", answer=right).said
    assert quiz.right == {first.id}
    assert "1 right so far" in quiz.title
    typed(quiz, "next")
    assert (quiz.title[:15], quiz.values["answer"]) == ("Question 2 of 4", "")
    typed(quiz, "back")
    assert quiz.values["answer"] == right
    assert SESSION.progress.of(first.id).solved


def test_a_quiz_needs_questions_that_stand_for_themselves() -> None:
    with pytest.raises(IptlabError, match="no question that stands for itself"):
        Quiz("01-repair")
    with pytest.raises(IptlabError, match='write Quiz\\("04"\\)'):
        Quiz()
    assert "04-recall-first: A packet arrives" in str(QuizForm("04-recall-first"))


# --- in a page --------------------------------------------------------------------------------


def test_typing_is_answered_and_what_is_typed_stays(draw: Draw) -> None:
    drawn = draw(PacketBuilder(DENY))
    page = drawn.page
    page.get_by_text("DROP by filter INPUT 1").first.wait_for()
    port = page.get_by_label("destination port")
    port.fill("8O")
    page.get_by_text("`8O' is no port").wait_for()
    assert port.input_value() == "8O"
    assert port.get_attribute("aria-invalid") == "true"
    port.fill("80")
    page.get_by_text("ACCEPT").first.wait_for()
    assert page.get_by_label("packet, as one line").input_value().endswith("10.0.0.1:80 SYN")
    assert port.get_attribute("aria-invalid") == "false"


def test_an_answer_that_comes_late_writes_over_nothing(draw: Draw) -> None:
    drawn = draw(PacketBuilder(DENY))
    page = drawn.page
    page.get_by_text("DROP by filter INPUT 1").first.wait_for()
    line = page.get_by_label("packet, as one line")
    line.fill("udp 10.0.0.9:53 -> 10.0.0.1:5353")
    page.wait_for_function("document.querySelector('.said').textContent.includes('ACCEPT')")
    assert line.input_value() == "udp 10.0.0.9:53 -> 10.0.0.1:5353"
    assert page.get_by_label("source port").input_value() == "53"


def test_an_exercise_is_solved_with_the_keyboard_alone(draw: Draw) -> None:
    drawn = draw(ExercisePanel("01-repair"))
    page = drawn.page
    page.get_by_label("your answer").fill(course.solution("01-repair"))
    page.keyboard.press("Control+Enter")
    page.get_by_text("✓ correct").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Hint 1 of").wait_for()
    assert [one["do"] for one in drawn.sent if one["do"] != "look"] == ["check", "hint"]


def test_a_choice_is_a_group_of_answers_with_a_name(draw: Draw) -> None:
    drawn = draw(ExercisePanel("00-first"))
    choices = drawn.page.get_by_role("radio")
    assert choices.count() == len(drawn.widget.exercise.choices)
    drawn.page.get_by_role("radio", name="DROP").check()
    drawn.page.get_by_role("button", name="Check").click()
    drawn.page.locator(".said strong").first.wait_for()


def test_a_quiz_turns_its_pages(draw: Draw) -> None:
    drawn = draw(Quiz("04"))
    drawn.page.get_by_role("button", name="Next").click()
    drawn.page.get_by_role("heading", name="Question 2 of 4").wait_for()
    assert drawn.page.get_by_role("button", name="Back").is_enabled()
    for number in (3, 4):
        # the focus has stayed where it was
        drawn.page.keyboard.press("Enter")
        drawn.page.get_by_role("heading", name=f"Question {number} of 4").wait_for()
    # there is no next one any more
    focused = "document.activeElement.textContent"
    assert drawn.page.evaluate(focused) == "Check"


def test_what_a_stranger_typed_stays_text(draw: Draw) -> None:
    editor = RulesetEditor(DENY, rules=f"-A INPUT -m comment --comment '{HOSTILE[:60]}' -j DROP")
    assert "<img src=x" not in str(editor.static())
    drawn = draw(editor)
    drawn.page.locator(".said strong, .mark:not(:empty)").first.wait_for()
    drawn.page.get_by_label("rules, as").fill(HOSTILE)
    drawn.page.locator(".mark:not(:empty)").first.wait_for()
    assert drawn.page.evaluate("typeof bad") == "undefined"


def test_without_a_kernel_the_form_says_so(browser: Any, tmp_path: Any) -> None:
    file = tmp_path / "form.html"
    file.write_text(ExercisePanel("01-repair").to_html())
    page = browser.new_page()
    page.clock.install()
    page.goto(file.as_uri())
    page.get_by_label("your answer").wait_for()
    page.clock.fast_forward(5000)
    page.get_by_text("Still waiting for the kernel").wait_for()
    page.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda: PacketBuilder(DENY, "in eth0 tcp 10.0.0.9:1 -> 10.0.0.1:22"),
        lambda: RulesetEditor(DENY, "-A INPUT -j ACEPT"),
        lambda: ExercisePanel("00-first"),
        lambda: Quiz("04"),
    ],
    ids=["packet", "rules", "panel", "quiz"],
)
def test_axe_finds_nothing(draw: Draw, make: Callable[[], Form]) -> None:
    drawn = draw(make())
    drawn.page.wait_for_function("document.querySelector('.fields').children.length > 0")
    assert drawn.violations() == []
