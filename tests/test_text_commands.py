"""Commands that look at text, beside what GNU grep, coreutils and awk answer."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptlab import Lab
from iptlab.console.regex import Pattern, PatternError, quoted

LISTING = """\
Chain INPUT (policy ACCEPT 0 packets, 0 bytes)
 pkts bytes target     prot opt in     out     source               destination         
    0     0 ACCEPT     6    --  *      *       0.0.0.0/0            0.0.0.0/0            tcp dpt:22
    0     0 DROP       17   --  *      *       0.0.0.0/0            0.0.0.0/0            /* a_b c */

Chain FORWARD (policy ACCEPT 0 packets, 0 bytes)
*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -s 192.168.1.0/24 -j DROP
-A INPUT -p udp --dport 53 -j ACCEPT
COMMIT
"""
COMMANDS = r"""
cat -n in
head -3 in
head -n -3 in
head -n 0 in
head -c 20 in
tail -3 in
tail -n +4 in
tail -n 0 in
head -2 in in
cat in | wc
cat in | wc -l
wc in in
wc -l in in
sort in
sort -r in
sort -u in
sort -k2 in
sort -k 2n in
sort -n -r in
sort -t: -k2 in
sort in | uniq -c
sort in | uniq -d
sort in | uniq -u
cut -d' ' -f1,3- in
cut -d: -f2 -s in
cut -c1-8 in
grep ACCEPT in
grep -c ACCEPT in
grep -i accept in
grep -v ACCEPT in
grep -n tcp in
grep -E 'tcp|udp' in
grep -e udp -e REJECT in
grep -n --regexp=tcp -eFORWARD in
grep 'tcp\|udp' in
grep -A1 dpt in
grep -B2 -n dpt in
grep -C1 FORWARD in
grep -o '[0-9]\+' in
grep -oE '([0-9]{1,3}\.){3}[0-9]{1,3}' in
grep -ow '[a-z]*' in
grep -oi 'acc[a-e]*' in
grep -w b in
grep -x COMMIT in
grep '^-A' in
grep -- -A in
grep -e -A in
grep '^$' in
grep nothing in
grep -q tcp in
grep -F '[0:0]' in
grep '\[0:0\]' in
grep '[[:space:]]$' in
grep -n '[^[:alnum:] ]' in
grep '\<IN' in
grep 'UT\>' in
grep -E '\bOUT' in
grep 'A\{2\}' in
grep -E 'x{2' in
grep 'ACCEPT$' in
grep 'a$b' in
grep '^*' in
grep -c '' in
grep -E '(a' in
grep '[a' in
grep -l tcp in
grep -m1 tcp in
grep -n -A1 tcp in in
grep -h tcp in in
grep tcp nofile
cat nofile in
awk '{print $1}' in
awk '/ACCEPT/ {print $1,$2}' in
awk 'NR==2' in
awk 'NR>2 {print $3"-"NR}' in
awk -F: '{print $2, NF}' in
awk '/tcp/' in
echo -n a
echo -e 'a\tb\\n'
"""


def written(command: str) -> tuple[str, int]:
    """What the command prints on a virtual machine, and its status."""
    lab = Lab.home_router()
    lab.on("laptop", f"cat > in <<'EOF'\n{LISTING}EOF\n")
    done = lab.on("laptop", command)
    return done.stdout, done.status


@pytest.mark.parametrize("command", COMMANDS.strip().splitlines())
def test_a_command_answers_as_the_real_one(command: str, tmp_path: Path) -> None:
    if any(shutil.which(name) is None for name in ("grep", "sort", "awk", "bash")):
        pytest.skip("the real tools are not there")
    (tmp_path / "in").write_text(LISTING)
    real = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert written(command) == (real.stdout, real.returncode)


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("grep", "Usage: grep [OPTION]... PATTERNS [FILE]...\n"),
        ("grep '\\(a' in", "grep: Unmatched ( or \\(\n"),
        ("grep '[z-a]' in", "grep: Invalid range end\n"),
        ("grep '\\1' in", "grep: back-references such as \\1 are not read here\n"),
        ("grep -E 'a{99999}' in", "grep: Invalid content of \\{\\}\n"),
        ("grep -E '((a{200}){200}){200}' in", "grep: Regular expression too big\n"),
        ("grep -A x a in", "grep: x: invalid context length argument\n"),
        ("head -n x in", "head: invalid number of lines: 'x'\n"),
        ("sort -k x in", "sort: invalid field specification 'x'; write a number: -k 2\n"),
        (
            "cut in",
            "cut: you must specify a list of bytes, characters, or fields: -f 1 or -c 1-8\n",
        ),
        ("awk 'BEGIN {system(1)}' in", "awk: this program is not read here; write for example "),
        ("awk '{print foo}' in", "awk: `foo' is not read here; write for example "),
        ("date -s now", "date: invalid option -- 's'\n"),
        ("sleep", "sleep: missing operand; write for example sleep 30\n"),
        ("hostname router", "hostname: you must not change the host name"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(command: str, complaint: str) -> None:
    done = Lab.home_router().on("laptop", f"echo a > in\n{command}")
    assert done.stderr.startswith(complaint)
    assert done.status in (1, 2)


@pytest.mark.parametrize(
    ("command", "prints"),
    [
        ("hostname; whoami; uname", "laptop\nroot\nLinux\n"),
        ("uname -nr", "laptop 6.1.0-56-amd64\n"),
        ("date; date +%s; date '+%F %T %Y'", None),
        ("echo a | tee f g; cat f g", "a\na\na\n"),
        ("echo a > f; echo b | tee -a f > /dev/null; cat f", "a\nb\n"),
    ],
)
def test_a_machine_says_who_it_is(command: str, prints: str | None) -> None:
    date = "Thu Jan  1 12:00:00 UTC 2026\n1767268800\n2026-01-01 12:00:00 2026\n"
    assert written(command) == (date if prints is None else prints, 0)


# --- regular expressions ---


PARTS = st.sampled_from(["a", "b", "ab", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "^", "$", r"\b"])
COUNTS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,}"])


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """An extended expression that Python reads in the same way."""
    row = st.lists(st.tuples(PARTS, COUNTS), min_size=1, max_size=4)
    ways = draw(st.lists(row, min_size=1, max_size=2))
    return "|".join(
        "".join(part + ("" if part in ("^", "$", r"\b") else count) for part, count in way)
        for way in ways
    )


@settings(max_examples=200, deadline=None)
@given(expressions(), st.text("abc ", max_size=8), st.booleans())
def test_a_pattern_is_found_where_python_finds_it(text: str, line: str, fold: bool) -> None:
    line = line.upper() if fold else line
    expected = re.search(text, line, re.IGNORECASE if fold else 0)
    pattern = Pattern(text, extended=True, any_case=fold)
    assert pattern.found(line) == bool(expected)
    for begin, end in pattern.spans(line):
        assert re.fullmatch(f"(?:{text})", line[begin:end], re.IGNORECASE if fold else 0) or any(
            sign in text for sign in ("^", "$", r"\b")
        )


@given(st.text(max_size=12))
def test_a_quoted_text_fits_itself(text: str) -> None:
    one = text.replace("\n", "")
    assert Pattern(quoted(one), line=True).found(one)


@given(st.text("a\\()[]{}|*+?.^$:-1,", max_size=12), st.booleans())
def test_any_text_is_a_pattern_or_refused(text: str, extended: bool) -> None:
    with suppress(PatternError):
        assert Pattern(text, extended).found("a(1,a") in (True, False)


def test_the_longest_match_counts() -> None:
    assert Pattern("a|ab|abc", extended=True).spans("xabcd") == [(1, 4)]
