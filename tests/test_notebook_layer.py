"""What a notebook sees, through a shell without a kernel."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput, capture_output
from test_kinds import CASES, LOCAL, SHOP, Case, manifest

import iptlab
from iptlab.grading.result import CHECK_MIME
from iptlab.notebook import check as verbs
from iptlab.notebook.display import VIEWS
from iptlab.notebook.session import Session
from iptlab.view import ruleset_html

SHIPPED = "-P INPUT DROP\n# TODO: tcp port 8080 for 192.168.1.0/24\n"
OPEN = """-P INPUT DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 192.168.1.0/24 -p tcp --dport 8080 -j ACCEPT
"""


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """An IPython that knows iptlab."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    iptlab.load_ipython_extension(shell)
    shell.push({"iptlab": iptlab})
    yield shell
    InteractiveShell.clear_instance()


Run = Callable[[str], "Shown"]


class Shown:
    """What one cell left behind."""

    def __init__(self, outputs: list[RichOutput], stdout: str, error: BaseException | None) -> None:
        self.data = outputs[0].data if outputs else {}
        self.stdout = stdout
        self.error = error

    @property
    def mark(self) -> dict[str, str]:
        """The status that programs read."""
        return self.data[CHECK_MIME]


@pytest.fixture
def run(shell: InteractiveShell) -> Run:
    """Runs a cell."""

    def run(cell: str) -> Shown:
        with capture_output() as captured:
            result = shell.run_cell(cell)
        return Shown(captured.outputs, captured.stdout, result.error_in_exec)

    return run


class Tags(HTMLParser):
    """The elements of a text, each with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


HARMLESS = {
    *("div", "p", "strong", "em", "span", "pre", "details", "summary"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}


# --- checks ---


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (SHIPPED, "not-yet", ""),
        ("-A INPUT --dport 1 -j DROP\n", "error", "unreadable"),
        ("-A INPUT -j ACCEPT\n", "wrong", "open-to-the-world"),
        (OPEN, "correct", ""),
    ],
)
def test_the_magic_grades_the_lines_below_it(run: Run, body: str, status: str, code: str) -> None:
    shown = run(f"%%iptables 00-web\n{body}")
    assert shown.error is None
    assert shown.mark == {"exercise": "00-web", "status": status, "code": code}
    assert "00-web" in shown.data["text/plain"]
    assert set(Tags(shown.data["text/html"]).opened) <= HARMLESS
    json.dumps(shown.data)


@pytest.mark.parametrize(
    "answer", ["...", "None", "'drop'", "5", "b'x'", "['DROP']", "'x' * 10**6"]
)
def test_check_shows_and_does_not_raise(run: Run, answer: str) -> None:
    shown = run(f"answer = {answer}\niptlab.check('00-first', answer)")
    assert shown.error is None
    assert shown.mark["exercise"] == "00-first"
    assert len(shown.data["text/html"]) < 20_000


def test_an_answer_is_never_run(run: Run) -> None:
    text = "__import__('os').system('touch hacked')"
    for exercise in ("00-first", "00-knock", "00-web"):
        shown = run(f"iptlab.check({exercise!r}, {text!r})")
        assert (shown.error, shown.mark["status"]) == (None, "error")


def test_a_message_counts_the_line_with_the_name(run: Run) -> None:
    shown = run("%%iptables 00-web\n-P INPUT DROP\n-A INPUT -j NOWHERE\n")
    assert "line 3, column 13" in shown.data["text/plain"]


def test_strict_mode_raises_unless_correct(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPTLAB_STRICT", "1")
    assert run(f"%%iptables 00-web\n{OPEN}").error is None
    shown = run(f"%%iptables 00-web\n{SHIPPED}")
    assert isinstance(shown.error, iptlab.CheckFailedError)
    assert shown.mark["status"] == "not-yet"


def test_outside_a_notebook_check_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    InteractiveShell.clear_instance()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: None)
    iptlab.check("00-first", "DROP")
    assert capsys.readouterr().out.startswith("✓ correct: 00-first\n")


# --- the other verbs ---


def test_the_magic_without_a_name_shows_what_rules_mean(run: Run) -> None:
    shown = run("%%iptables\n-A INPUT -p tcp --dport 22 -j DROP\n")
    assert CHECK_MIME not in shown.data
    assert "is tcp and goes to port 22 is dropped" in shown.data["text/html"]


def test_the_magic_without_a_name_shows_what_is_wrong(run: Run) -> None:
    shown = run("%%iptables\n-A INPUT -j NOWHERE\n")
    assert shown.error is None
    assert shown.stdout.startswith("line 2, column 13: ")


def test_hints_come_one_by_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "SESSION", Session())
    first, second = run("iptlab.hint('00-first')"), run("iptlab.hint('00-first')")
    assert first.stdout.startswith("Hint 1 of 3: ")
    assert 'ask again: iptlab.hint("00-first")' in first.stdout
    assert second.stdout.startswith("Hint 2 of 3: ")
    assert "has 3 hints" in str(run("iptlab.hint('00-first', 4)").error)


def test_the_magic_for_manifests_shows_what_they_make(run: Run) -> None:
    shown = run("%%manifest\nkind: Node\nmetadata: {name: node-a}\n")
    assert (shown.error, shown.stdout) == (None, "<Cluster of 1 nodes and 0 pods>\n")
    assert "document 1, line 3" in run("%%manifest\nkind: Node\n\tmetadata: x\n").stdout


def test_the_magic_for_manifests_checks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {manifest.id: manifest}
    monkeypatch.setattr("iptlab.course.exercise", lambda id_, seed: known[id_])
    assert run(f"%%manifest {manifest.id}\n{LOCAL}").mark["status"] == "correct"
    assert run(f"%%manifest {manifest.id}\n{SHOP}").mark["code"] == "both"
    assert run(f"%%manifest {manifest.id}\n# TODO\n{SHOP}").mark["status"] == "not-yet"


def test_progress_is_a_table_with_text_beside_it(run: Run) -> None:
    shown = run("from IPython.display import display; display(iptlab.progress('00'))")
    assert "0 of 5, next: 00-first" in shown.data["text/plain"]
    assert set(Tags(shown.data["text/html"]).opened) <= HARMLESS


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_what_is_said_of_an_answer_is_text_page_and_json(case: Case) -> None:
    result = iptlab.grade(case.exercise, case.answer)
    json.dumps(known := result.as_dict())
    assert (known["status"], known["code"]) == (case.status, case.code)
    bundle = result._repr_mimebundle_()
    assert set(Tags(str(bundle["text/html"])).opened) <= HARMLESS | {"blockquote"}
    json.dumps(bundle)


def test_an_error_of_ours_is_shown_without_a_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("iptlab.check('00-frist', 1)")
    shown = capsys.readouterr()
    assert "there is no exercise `00-frist'; there are 00-first" in shown.out + shown.err
    assert "Traceback" not in shown.out + shown.err


# --- commands at virtual machines ---


def test_a_cell_of_commands_runs_at_a_host_of_the_lab(run: Run) -> None:
    run("lab = iptlab.Lab.home_router()")
    shown = run("%%on router\niptables -A INPUT -p udp -j DROP # $HOME {lab}\niptables -S INPUT\n")
    assert shown.data["text/plain"] == (
        "router# iptables -A INPUT -p udp -j DROP\nrouter# iptables -S INPUT\n"
        "-P INPUT ACCEPT\n-A INPUT -p udp -j DROP"
    )
    assert "<strong>router# iptables -S INPUT</strong>\n-P" in shown.data["text/html"]
    assert "-P INPUT ACCEPT" in run("%on router iptables -S").data["text/plain"]
    run("other = iptlab.Lab.dmz()")
    assert "10.0.0.80" in run("%on other.web cat /etc/hosts").data["text/plain"]


def test_a_cell_that_fails_tells_the_line_as_the_notebook_counts_it(run: Run) -> None:
    run("lab = iptlab.Lab.home_router()")
    shown = run("%%on router\necho {lab} $?\n\niptables -X web\necho b\n")
    assert shown.error is None
    assert "{lab} 0" in shown.data["text/plain"]
    assert "[line 4 ended with status 1; 1 line after it not run]" in shown.data["text/plain"]
    assert "line 2, column 6" in run("%%on router\necho $HOME\n").data["text/plain"]


def test_a_cell_for_kubectl_speaks_to_the_labs_cluster(run: Run) -> None:
    run("lab = iptlab.Lab.kubernetes()")
    assert "30080/TCP" in run("%%kubectl\nget service web\n").stdout
    assert "node3" in run("%kubectl get nodes").stdout
    run("lab = iptlab.Lab.dmz()")
    assert "there is no cluster called lab" in str(run("%kubectl get nodes").error)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%%on router\ntrue", "there is no lab called lab here; write lab = Lab.home_router()"),
        ("%%on x.router\ntrue", "there is no lab called x here"),
        ("lab = iptlab.Lab.dmz()\n%on", "say where: %%on HOST; there are laptop, web, router"),
        ("lab = iptlab.Lab.dmz()\n%on rooter true", "there is no host 'rooter' in this lab"),
    ],
)
def test_a_cell_for_no_host_says_which_there_are(run: Run, cell: str, says: str) -> None:
    assert says in str(run(cell).error)


def test_commands_below_the_magic_are_not_beside_it_too(run: Run) -> None:
    run("lab = iptlab.Lab.home_router()")
    assert "write the commands below %%on router" in str(run("%%on router true\ntrue").error)


def test_nothing_that_is_typed_becomes_markup() -> None:
    lab = iptlab.Lab(
        {"<b>": iptlab.Host.server("10.0.0.1/24")}, listeners=[f"<b> 80/tcp {HOSTILE}"]
    )
    pages = [lab, lab.on("<b>", f"echo '{HOSTILE}'; '<i>'"), lab.on("<b>", "echo '<i>")]
    pages.append(lab.connect("<b>", "10.0.0.1", 80))
    for html in (VIEWS[type(page)](page) for page in pages):
        assert set(Tags(html).opened) <= HARMLESS | {"img"}
        assert html.count("<img") == html.count('<img src="data:image/svg+xml;base64,')
        assert "&lt;" in html


# --- views ---


HOSTILE = "<img src=x onerror=alert(1)>"
RULES = f"""*filter
:{HOSTILE[:4]}b> - [0:0]
-A INPUT -p tcp -m comment --comment "{HOSTILE}" -j LOG --log-prefix "<b>&"
-A INPUT -j {HOSTILE[:4]}b>
COMMIT
"""


def test_nothing_in_a_rule_set_becomes_markup() -> None:
    rules = iptlab.Ruleset.parse(RULES)
    visit = iptlab.trace(rules, "in <script> tcp 10.0.0.9:1 -> 10.0.0.1:22")
    pages: list[str] = []
    for value in (
        rules,
        rules.tables["filter"],
        rules.tables["filter"].chains["INPUT"],
        visit,
        arrived(rules),
    ):
        pages.append(VIEWS[type(value)](value))
    for id_, answer in (("00-web", f"-A INPUT -j '{HOSTILE}'"), ("00-first", HOSTILE)):
        bundle = iptlab.grade(iptlab.exercise(id_), answer)._repr_mimebundle_()
        pages.append(str(bundle["text/html"]))
    for html in pages:
        assert set(Tags(html).opened) <= HARMLESS
        assert "&lt;" in html


def arrived(rules: iptlab.Ruleset) -> iptlab.Journey:
    """The journey of a packet to a machine with these rules."""
    machine = iptlab.Machine(iptlab.Host.server("10.0.0.1/24").with_rules(rules))
    return machine.journey("in eth0 tcp 10.0.0.9:1 -> 10.0.0.1:22")


@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.__name__)
def test_every_view_has_its_text_beside_it(shell: InteractiveShell, kind: type) -> None:
    rules = iptlab.data("ufw.rules")
    lab = iptlab.Lab.home_router()
    values = {
        type(value): value
        for value in (
            rules,
            rules.tables["filter"],
            rules.tables["filter"].chains["INPUT"],
            iptlab.trace(rules, "udp 10.0.0.9:1 -> 10.0.0.1:22"),
            arrived(rules),
            iptlab.Verification((), {}),
            lab.tally("laptop", "server", 80, connections=2),
            iptlab.grade(iptlab.exercise("00-first"), "DROP"),
            lab,
            lab.on("router", "iptables -L"),
            lab.connect("laptop", "server", 80),
        )
    }
    data, _ = shell.display_formatter.format(values[kind])
    assert data["text/plain"] == str(values[kind])
    assert f"{kind.__name__}(" not in data["text/plain"]
    assert Tags(data["text/html"]).opened.count("table") == data["text/html"].count("<table>")


def test_packets_and_connections_are_shown_as_they_print(shell: InteractiveShell) -> None:
    machine = iptlab.Machine(iptlab.Host.server("10.0.0.1/24"))
    exit_ = machine.journey("in eth0 udp 10.0.0.9:1 -> 10.0.0.1:22").exit
    for value in (exit_, machine.connections()):
        assert "10.0.0.9" in (shown := shell.display_formatter.format(value)[0]["text/plain"])
        assert "IPv4Address" not in shown


def test_long_chains_are_cut_in_the_middle() -> None:
    lines = [f"-A INPUT -p tcp --dport {port} -j DROP\n" for port in range(1, 301)]
    rules = iptlab.Ruleset.parse(f"*filter\n{''.join(lines)}COMMIT\n")
    for html in (ruleset_html(rules), VIEWS[iptlab.simulate.trace.HookVisit](
        iptlab.trace(rules, "tcp 10.0.0.9:1 -> 10.0.0.1:9999"))):  # fmt: skip
        assert html.count("<tr>") == 62
        assert "241 more rows" in html


def test_what_matched_has_a_sign_besides_its_colour() -> None:
    rules = iptlab.read_rules("-A INPUT -p udp\n-A INPUT -p tcp -j DROP")
    html = VIEWS[iptlab.simulate.trace.HookVisit](iptlab.trace(rules, "tcp 1.1.1.1:1 -> 2.2.2.2:2"))
    assert html.count("▶") == 1


def test_a_chain_counts_packets_only_if_its_dump_did() -> None:
    assert "packets" in VIEWS[type(_input("laptop"))](_input("laptop"))
    assert "packets" not in VIEWS[type(_input("quiet"))](_input("quiet"))


def _input(name: str) -> object:
    return iptlab.data(f"{name}.rules").table("filter").chains["INPUT"]
