"""What is typed at a virtual machine: the shell's grammar, its errors, and its bounds."""

from __future__ import annotations

import pytest
from moments import a_moment

from iptlab import Lab, RuleSyntaxError
from iptlab.console.command import COMMANDS
from iptlab.console.words import MOST_COMMANDS, read_lines


@pytest.fixture(scope="module")
def lab() -> Lab:
    """A lab that tests may share which leave only files behind."""
    return Lab.home_router()


def said(lab: Lab, text: str) -> str:
    """What a text of commands prints on the laptop, without prompts."""
    done = lab.on("laptop", text)
    assert done.unread is None, str(done)
    return "".join(one.printed() for one in done.ran)


# --- grammar ---


@pytest.mark.parametrize(
    ("typed", "prints"),
    [
        ("echo a  b   c", "a b c\n"),
        ("echo 'a  b' \"c  d\"e\\ f", "a  b c  de f\n"),
        ("echo a#b # c", "a#b\n"),
        ("# nothing\n\n   \necho a", "a\n"),
        ("echo '#' \"#\" \\#", "# # #\n"),
        ("echo a \\\n  b", "a b\n"),
        ("echo 'a\nb'", "a\nb\n"),
        ('echo "\\"a\\" \\$HOME \\x"', '"a" $HOME \\x\n'),
        ("echo $ 5$ '$HOME' a$", "$ 5$ $HOME a$\n"),
        ("echo a; echo b", "a\nb\n"),
        ("true && echo a || echo b", "a\n"),
        ("false && echo a || echo b", "b\n"),
        ("false || false; echo $?", "1\n"),
        ("false; echo \"$?\" '$?' x$?", "1 $? x0\n".replace("x0", "x1")),
        ("true |\n cat &&\n echo a", "a\n"),
        ("echo b a | sort | cat -n", "     1\tb a\n"),
        ("cat <<EOF\na $?\n\\$x \\\\\nEOF\necho b", "a 0\n$x \\\nb\n"),
        ("cat <<'EOF'\n$HOME `x` \\\nEOF", "$HOME `x` \\\n"),
        ("cat <<-EOF\n\t\ta\n\tEOF", "a\n"),
        ("cat <<A; cat <<B\na\nA\nb\nB", "a\nb\n"),
        ("cat <<EOF | wc -l\na\nb\nEOF", "2\n"),
        ("cat <<EOF |\na\nEOF\nwc -l", "1\n"),
        ("cat <<< 'a b'", "a b\n"),
        ("echo a > f; echo b >> f; cat f", "a\nb\n"),
        ("echo a > f; > f; cat f; cat < f", ""),
        ("cat nothing > f 2>&1; cat f", "cat: nothing: No such file or directory\n"),
        ("cat nothing 2>&1 > f | wc -l", "1\n"),
        ("cat nothing &> f; wc -l < f", "1\n"),
        ("cat nothing 2>/dev/null || echo a >&2", "a\n"),
        ("sudo echo a; sudo sudo echo b", "a\nb\n"),
        ("/usr/bin/echo a", "a\n"),
        ("echo {} a{b} -d [::1]:80", "{} a{b} -d [::1]:80\n"),
        ("echo for if; echo A=1", "for if\nA=1\n"),
    ],
)
def test_words_and_pipes_are_read_as_bash_reads_them(lab: Lab, typed: str, prints: str) -> None:
    assert said(lab, typed) == prints


@pytest.mark.parametrize(
    ("typed", "line", "says"),
    [
        ("echo 'a", 1, "unexpected EOF while looking for matching `''"),
        ('true\necho "a', 2, "unexpected EOF while looking for matching `\"'"),
        ("cat <<EOF\na", 1, "here-document delimited by end-of-file (wanted `EOF')"),
        ("true |", 1, "syntax error: unexpected end of file"),
        ("| true", 1, "syntax error near unexpected token `|'"),
        ("true && && true", 1, "syntax error near unexpected token `&&'"),
        ("true ;; true", 1, "syntax error near unexpected token `;;'"),
        ("true >", 1, "syntax error near unexpected token `newline'"),
        ("true\n\necho $HOME", 3, "variables are not read here, but $?"),
        ('echo "a $HOME"', 1, "variables are not read here, but $?"),
        ("cat <<EOF\n$HOME\nEOF", 1, "Write <<'EOF'"),
        ("echo $(date)", 1, "commands in $( ) are not run here"),
        ("echo `date`", 1, "commands in backquotes are not run here"),
        ("sleep 5 &", 1, "commands do not run in the background here"),
        ("(true)", 1, "subshells and functions are not read here"),
        ("f() { true; }", 1, "subshells and functions are not read here"),
        ("for i in 1 2; do echo; done", 1, "`for' is not read here"),
        ("if true; then true; fi", 1, "`if' is not read here"),
        ("! true", 1, "`!' is not read here"),
        ("A=1 true", 1, "variables are not set here"),
        ("cat *", 1, "patterns of file names are not read here"),
        ("echo {a,b}", 1, "words in braces are not multiplied here"),
        ("cat ~/f", 1, "~ does not stand for a folder here"),
        ("true 5>f", 1, "`5>' is not read here"),
        ("true |& cat", 1, "Write 2>&1 | instead."),
        ("cat <(true)", 1, "commands do not stand for files here"),
        ("true\r\ntrue", 1, "carriage return"),
        ("true \0", 1, "NUL"),
        ("cat <<EOF\na\0\nEOF", 2, "NUL"),
        ("true\n'\ud800' # x", 2, "half a character"),
        ("true \\", 1, "a backslash ends the text"),
    ],
)
def test_what_is_not_read_is_refused_with_its_place(typed: str, line: int, says: str) -> None:
    with pytest.raises(RuleSyntaxError) as refused:
        read_lines(typed)
    assert refused.value.line == line
    assert says in str(refused.value)


def test_a_text_that_cannot_be_read_runs_nothing() -> None:
    lab = Lab.home_router()
    done = lab.on("router", "iptables -P FORWARD DROP\necho 'a")
    assert (done.ran, done.status) == ((), 2)
    assert str(done).endswith("Nothing of it was run.")
    assert "-P FORWARD ACCEPT" in lab.on("router", "iptables -S").stdout


# --- running ---


def test_the_first_line_that_fails_stops_the_rest_and_earlier_ones_stay() -> None:
    lab = Lab.home_router()
    done = lab.on(
        "router",
        "iptables -A INPUT -p tcp --dport 22 -j ACCEPT\niptables -X web\necho a\necho b",
        first_line=2,
    )
    assert str(done) == (
        "router# iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n"
        "router# iptables -X web\n"
        "iptables: No chain/target/match by that name.\n"
        "[line 3 ended with status 1; 2 lines after it not run]"
    )
    assert (done.status, len(done.waiting)) == (1, 2)
    assert "--dport 22" in lab.on("router", "iptables -S").stdout


def test_a_terminal_shows_each_line_behind_its_prompt() -> None:
    done = Lab.home_router().on("router", "echo a \\\n  b # c\ncat <<EOF\nd\nEOF\n")
    assert str(done) == "router# echo a \\\n>   b\na b\nrouter# cat <<EOF\nd"
    assert (done.stdout, done.stderr, done.status) == ("a b\nd\n", "", 0)


@pytest.mark.parametrize("name", ["rm -rf /", "true | rm", "./script", "bash -c true", "python3"])
def test_an_unknown_command_says_which_there_are(lab: Lab, name: str) -> None:
    done = lab.on("laptop", name)
    assert done.status == 127
    assert done.stderr.startswith("bash: ")
    assert "iptables-save" in done.stderr


def test_what_an_unknown_command_says_is_there_is_there(lab: Lab) -> None:
    said = lab.on("laptop", "nothing").stderr.partition("The commands here are ")[2]
    named = said.replace(".", "").replace(",", "").split()
    assert {"cat", "curl", "grep", "iptables", "ping"} < set(named)
    assert all(lab.on("laptop", f"{name} < /dev/null").status != 127 for name in named)


def test_a_command_of_other_machines_says_what_does_its_work(lab: Lab) -> None:
    done = lab.on("laptop", "iptables -S | less")
    assert done.stderr == (
        "less: not on this machine; all is shown at once, and | head shows the beginning.\n"
    )


def test_all_say_the_same_kernel() -> None:
    lab = Lab.kubernetes()
    node = "kubectl get node node1 -o jsonpath='{.status.nodeInfo.kernelVersion}'"
    said = lab.on("node1", f"{node}; echo; uname -r").stdout.split()
    assert said == [said[0]] * 2


def test_nothing_of_a_cell_reaches_the_real_machine(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise AssertionError("a process was started or a file opened")

    for name in ("subprocess.Popen", "os.system", "os.fork", "os.open", "builtins.open"):
        monkeypatch.setattr(name, stopped)
    typed = "echo a > /tmp/f; cat /etc/passwd; cat < /tmp/f | tee /etc/x; iptables-save > /etc/y"
    assert lab.on("laptop", typed).stderr == "cat: /etc/passwd: No such file or directory\n"


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("echo a > /nowhere/f", "bash: /nowhere/f: No such file or directory\n"),
        ("cat < nothing", "bash: nothing: No such file or directory\n"),
        ("echo a > /etc", "bash: /etc: Is a directory\n"),
        ("cat /etc", "cat: /etc: Is a directory\n"),
        ("echo 7 > /proc/sys/net/ipv4/nothing", "bash: /proc/sys/net/ipv4/nothing: "),
    ],
)
def test_files_are_the_machines_own(lab: Lab, typed: str, complaint: str) -> None:
    done = lab.on("laptop", typed)
    assert done.status == 1
    assert done.stderr.startswith(complaint)


def test_a_switch_below_proc_is_a_file() -> None:
    lab = Lab.home_router()
    typed = "cat /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/ip_forward"
    assert lab.on("router", typed).stdout == "1\n"
    assert not lab["router"].host.forwards(lab["router"].host.rules[4].family)


# --- bounds ---


def bounded(lab: Lab, typed: str) -> str:
    """What a text leads to, which must not take long."""
    with a_moment(2):
        return str(lab.on("laptop", typed))


@pytest.mark.parametrize("joint", ["\n", "; ", " && ", " | "])
def test_many_commands_are_refused_before_the_first(lab: Lab, joint: str) -> None:
    shown = bounded(lab, joint.join(["iptables -A INPUT -j ACCEPT"] * 10_000))
    assert f"these are more than {MOST_COMMANDS:,} commands" in shown
    assert "iptables-restore" in shown


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("yes | head -2", "y\ny\nyes: stopped after 10,000 lines"),
        ("yes | iptables -S", "-P INPUT ACCEPT"),
        ("yes", "status 1"),
        ("cat <<EOF | wc\n" + "x" * 10_000_000 + "\nEOF\n", "more than 4,000,000 characters"),
        ("yes > f || " + "cat f >> f; " * 200 + "true", "No space left on device"),
        ("yes > f || cat f" + " f" * 10_000, "more than 4,000,000 characters"),
        ("echo " + "x" * 1_000_000 + " | grep -E '(x+x+)+y'", "status 1"),
        ("echo x" + " | cat" * 900, "\nx"),
        ("echo " + "'" * 99_999, "unexpected EOF"),
        ("sleep 99999999999", "too long"),
    ],
)
def test_endless_things_come_to_an_end(typed: str, says: str) -> None:
    assert says in bounded(Lab.home_router(), typed)


def test_every_command_survives_wrong_words(lab: Lab) -> None:
    for name in sorted(COMMANDS):
        for words in ("", "-Z9", "--nonsense", "''", "-n", "/nowhere", "-A x y z", "1 2 3"):
            done = lab.on("laptop", f"{name} {words}")
            assert done.unread is None
            assert done.ran[0].status in {*range(128), 255}
