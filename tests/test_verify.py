"""``verify``: simulator and kernel side by side, and nothing left of it, however it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import KernelManager
from test_kernel import host as skip_without_namespaces
from test_kernel import rises_to

import iptlab
from iptlab.cli import main
from iptlab.errors import FileError, KernelUnavailable, PacketError
from iptlab.kernel import verify as module
from iptlab.kernel.boxes import description, host_for
from iptlab.kernel.replay import RefusedError
from iptlab.view import verification_html

RULES = """*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
-A INPUT -p tcp --dport 22 -j REJECT
-A FORWARD -i eth1 -j ACCEPT
COMMIT
"""
PACKETS = (
    "in eth0 tcp 10.0.0.9:4000 -> 10.0.0.1:22 SYN",
    "in eth1 udp 192.168.1.9:4000 -> 8.8.8.8:53 length=100",
    "icmp 10.0.0.1 -> 10.0.0.9 echo-request echo_id=5",
)


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of rules, in a folder of its own that is also the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").write_text(RULES)
    return "rules"


# --- the machine that fits the packets ---


def test_a_host_is_guessed_from_where_the_packets_come() -> None:
    links = {one["name"]: one["addrs"] for one in description(host_for(PACKETS))["links"]}
    assert links == {"eth0": ["10.0.0.1/24"], "eth1": ["192.168.1.1/24"]}


def test_a_host_is_made_as_it_is_named() -> None:
    made = host_for(
        PACKETS, "wan0 203.0.113.2/24 203.0.113.3/24 lan0 192.168.1.1/24 2001:db8::1/64"
    )
    assert description(made)["links"] == [
        {"name": "wan0", "addrs": ["203.0.113.2/24", "203.0.113.3/24"], "addrs6": []},
        {"name": "lan0", "addrs": ["192.168.1.1/24"], "addrs6": ["2001:db8::1/64"]},
    ]


@pytest.mark.parametrize("text", ["10.0.0.1/24", "eth0 10.0.0.1/99", "eth0 ten/24"])
def test_a_host_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(PacketError):
        host_for(PACKETS, text)


@pytest.mark.parametrize("name", ["eth0\nlink del lo", "eth0 x", "../../x", "-batch", ""])
def test_no_name_of_an_interface_is_taken_for_a_command(name: str) -> None:
    with pytest.raises(PacketError, match="interface called"):
        description(iptlab.Host((iptlab.Interface.of(name, "10.0.0.1/24"),)))


def test_packets_of_one_family_at_a_time() -> None:
    with pytest.raises(PacketError, match="one family"):
        iptlab.verify(
            host_for(PACKETS), [PACKETS[0], "in eth0 udp [2001:db8::1]:9 -> [2001:db8::2]:9"]
        )


# --- side by side ---


@pytest.mark.kernel
def test_simulator_and_kernel_are_laid_side_by_side() -> None:
    skip_without_namespaces().close()
    found = iptlab.verify(host_for(PACKETS).with_rules(RULES), PACKETS)
    assert found.agrees, found
    assert len(found.comparisons) == 2 * len(PACKETS)
    assert [one.theirs["fate"] for one in found.comparisons[:3]] == [
        "rejected:icmp-port-unreachable",
        "forwarded:eth0",
        "sent:eth0",
    ]
    assert "10.0.0.1:4000 -> 8.8.8.8:53 ttl=63" in str(found)
    assert "forwarded:eth0" in str(verification_html(found))


@pytest.mark.kernel
def test_the_command_says_yes_in_both_families(
    rules: str, capsys: pytest.CaptureFixture[str]
) -> None:
    skip_without_namespaces().close()
    assert main(["verify", rules, *PACKETS]) == 0
    assert "agree in all 6 comparisons" in capsys.readouterr().out
    words = ["in", "eth0", "tcp", "[2001:db8::9]:4000", "->", "[2001:db8::1]:22", "SYN"]
    assert main(["verify", "-6", "--json", "--backend", "nft", rules, *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agrees"]
    assert [one["backend"] for one in told["comparisons"]] == ["nft"]


@pytest.mark.kernel
def test_a_disagreement_is_our_bug_and_comes_with_a_report(
    rules: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_namespaces().close()
    honest = module.observed

    def lying(journey: Any, machine: Any) -> dict[str, Any]:
        return honest(journey, machine) | {"fate": "delivered-elsewhere"}

    monkeypatch.setattr(module, "observed", lying)
    assert main(["verify", "--backend", "legacy", rules, PACKETS[0]]) == 1
    shown = capsys.readouterr()
    assert "DIFFERENT" in shown.out
    assert "bug of iptlab" in shown.out
    report = json.loads(Path("iptlab-report.json").read_text())
    assert report["different"][0]["simulator"] == {"fate": "delivered-elsewhere"}
    assert report["packets"][0]["packet"]["hex"]


def test_a_full_disk_is_named() -> None:
    with pytest.raises(FileError, match="No space left"):
        module.Verification((), {}).save_report("/dev/full")


# --- in a notebook ---

MAGIC = f"""%%verify
{RULES}#> {PACKETS[0]}
#> {PACKETS[1]}
"""
HOST = "import iptlab; router = iptlab.Host.router(lan='192.168.1.1/24', wan='203.0.113.2/24')"
CELLS = (HOST, f"%verify router {PACKETS[1]}", f"%%verify router\n{PACKETS[1]}\n", MAGIC)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Runs cells in a notebook of its own; what is shown, and what stays as output."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    started: list[Any] = []

    def run(*cells: str) -> tuple[str, str]:
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel()
        started.append(client := manager.blocking_client())
        started.append(manager)
        client.wait_for_ready(timeout=60)
        shown, outputs = [], list[str]()
        for cell in cells:
            reply = client.execute_interactive(
                cell, timeout=60, output_hook=lambda message: outputs.append(_text(message))
            )
            assert reply["content"]["status"] == "ok", reply
            shown += [one["data"]["text/plain"] for one in reply["content"]["payload"]]
        return "\n".join(shown), "".join(outputs)

    yield run
    for client, manager in zip(started[::2], started[1::2], strict=True):
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _text(message: dict[str, Any]) -> str:
    """What a message adds to a cell's outputs."""
    assert message["msg_type"] in ("status", "execute_input", "stream"), message
    return str(message["content"].get("text", ""))


@pytest.mark.kernel
def test_a_notebook_shows_both_but_stores_what_is_the_same_everywhere(
    notebook: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_namespaces().close()
    shown, outputs = notebook(*CELLS)
    assert shown.count("agree in all") == 3
    assert f"{PACKETS[0]}: rejected with icmp-port-unreachable by filter INPUT 1" in outputs
    assert outputs.count(": forwarded through eth0: ") == 3
    assert "kernel" not in outputs

    monkeypatch.setenv("PATH", "/nowhere")
    not_asked, elsewhere = notebook(*CELLS)
    assert elsewhere == outputs
    assert not_asked.count("The real kernel cannot be asked here: nft is not installed\nIt") == 3
    assert not_asked.count("apt install") == 3


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """An IPython that knows iptlab."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    iptlab.load_ipython_extension(shell)
    yield shell
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("packets", "told"),
    [
        (None, "`None' is no line of text; write for example udp 10.0.0.9:53"),
        ([PACKETS[0], 22], "`22' is no line of text; write"),
        ([], "there is no packet to send; write"),
    ],
)
def test_what_is_no_packet_is_refused_with_what_to_write(packets: Any, told: str) -> None:
    with pytest.raises(iptlab.IptlabError, match=re.escape(told)):
        host_for(PACKETS).verify(packets)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%verify", "there is no packet to send; write `%verify HOST PACKET'"),
        ("%verify nobody udp 10.0.0.9:1 -> 10.0.0.1:2", "no rule set called `nobody'"),
        ("%%verify\n*filter\n-A INPUT -j DROP\nCOMMIT\n", "there is no packet to send"),
        (f"%%verify\n-A INPUT -j NOWHERE\n#> {PACKETS[0]}\n", "line 2, column 13: "),
        ("%%verify\n-A INPUT -j DROP\n#> hello\n", "hello"),
    ],
)
def test_a_mistake_in_a_cell_is_told_without_a_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str, told: str
) -> None:
    assert shell.run_cell(cell).success
    shown = capsys.readouterr().out
    assert told in shown
    assert "Traceback" not in shown


@pytest.mark.kernel
def test_a_disagreement_in_a_notebook_comes_with_a_report(
    rules: str,
    shell: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    skip_without_namespaces().close()
    honest = module.observed
    monkeypatch.setattr(module, "observed", lambda *both: honest(*both) | {"fate": "lost"})
    shell.push({"laptop": iptlab.Ruleset.parse(RULES)})
    assert shell.run_cell(f"%verify laptop {PACKETS[0]}").success
    assert "bug of iptlab" in capsys.readouterr().out
    assert json.loads(Path("iptlab-report.json").read_text())["different"]


@pytest.mark.kernel
def test_a_host_can_be_asked_itself() -> None:
    skip_without_namespaces().close()
    assert host_for(PACKETS).with_rules(RULES).verify(PACKETS[0]).agrees


# --- where it cannot run ---


def test_without_linux_it_says_so(
    rules: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iptlab.kernel.netns.sys.platform", "darwin")
    assert main(["verify", rules, PACKETS[0]]) == 2
    assert "this is darwin, not Linux\nIt needs Linux" in capsys.readouterr().err


@pytest.mark.kernel
def test_without_tools_it_says_which(rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_namespaces().close()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KernelUnavailable, match=r"not installed\n.*apt install"):
        iptlab.verify(host_for(PACKETS), PACKETS)


@pytest.mark.kernel
def test_without_namespaces_it_says_so(rules: str) -> None:
    skip_without_namespaces().close()
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    limit = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$0" "$@"'
    argv = [sys.executable, "-m", "iptlab", "verify", rules, PACKETS[0]]
    ran = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", limit, *argv], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2, ran
    assert "the system refuses a network namespace" in ran.stderr


@pytest.mark.kernel
@pytest.mark.parametrize(
    "rule",
    ["-j LED --led-trigger-id x", "-j IDLETIMER --timeout 9 --label x", "-j AUDIT --type drop"],
)
def test_rules_that_reach_outside_are_refused(rule: str) -> None:
    skip_without_namespaces().close()
    host = host_for(PACKETS).with_rules(f"*filter\n-A INPUT {rule}\nCOMMIT\n")
    with pytest.raises(RefusedError, match="leave it out"):
        iptlab.verify(host, PACKETS[:1])


# --- nothing stays ---


@pytest.mark.kernel
def test_a_notebook_killed_while_it_verifies_leaves_nothing() -> None:
    skip_without_namespaces().close()
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        client.execute(f"{HOST}\nrouter.verify([{PACKETS[1]!r}] * 10000)")
        asking = _child_of(manager.provisioner.process.pid)
        namespace = os.stat(f"/proc/{asking}/ns/net").st_ino
        assert rises_to(True, namespace)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert rises_to(False, namespace)


def _child_of(parent: int) -> str:
    """The process that owns the namespace, once it is in there."""
    here, deadline = os.stat("/proc/self/ns/net").st_ino, time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in _children(parent):
            if os.stat(f"/proc/{child}/ns/net").st_ino != here:
                return child
        time.sleep(0.05)
    raise AssertionError("nobody asks the kernel")


@pytest.mark.kernel
def test_a_crash_inside_is_told_and_leaves_nothing() -> None:
    with skip_without_namespaces() as box:
        (child,) = _children(os.getpid())
        os.kill(int(child), signal.SIGKILL)
        with pytest.raises(KernelUnavailable, match="ended"):
            box.ask("load", rules="", ipsets="")
    assert rises_to(False, box.number)
    assert _children(os.getpid()) == []


@pytest.mark.kernel
def test_an_interrupted_command_leaves_nothing(rules: str) -> None:
    skip_without_namespaces().close()
    before = set(os.listdir("."))
    packets = [PACKETS[0]] * 2000
    argv = [sys.executable, "-m", "iptlab", "verify", rules, *packets]
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not (children := _children(running.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=20) == 130
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert set(os.listdir(".")) == before
    assert running.stderr is not None
    assert running.stderr.read() == b""
    running.stderr.close()


def _children(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


CLI = (sys.executable, "-m", "iptlab", "verify")
UNSHARE = ("unshare", "--map-root-user", "--user", "--mount", "--net")


def _run(*words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(words, capture_output=True, text=True, env=os.environ | path | env)


def _skip_unless(*argv: str) -> None:
    """Skip where a tool that a test itself needs is missing or not allowed to work."""
    if not shutil.which(argv[0]) or _run(*argv).returncode:
        pytest.skip(f"{' '.join(argv)} does not work here")


@pytest.mark.kernel
@pytest.mark.parametrize("honest", [True, False])
def test_a_full_disk_is_no_obstacle_and_holds_no_half_report(rules: str, honest: bool) -> None:
    skip_without_namespaces().close()
    _skip_unless(*UNSHARE, "true")
    lie = "import iptlab.kernel.verify as v; o = v.observed; v.observed = lambda *b: o(*b) | "
    code = "" if honest else f"{lie}{{'fate': 'lost'}}\n"
    code += "from iptlab.cli import main\nraise SystemExit(main())"
    full = """mkdir full && mount -t tmpfs -o size=16k none full && cp rules full && cd full
    cat /dev/zero > zeroes; "$@"; status=$?; ls; exit $status"""
    argv = ("sh", "-c", full, "sh", sys.executable, "-c", code, "verify", rules, PACKETS[0])
    ran = _run(*UNSHARE, *argv, TMPDIR=".")
    assert ran.stdout.split()[-2:] == ["rules", "zeroes"], ran
    assert ran.returncode == (0 if honest else 2), ran
    assert ("iptlab-report.json cannot be written: No space left" in ran.stderr) is not honest


@pytest.mark.kernel
def test_the_rules_of_the_machine_itself_stay(rules: str) -> None:
    skip_without_namespaces().close()
    _skip_unless(*UNSHARE, "true")
    own = """mount -t tmpfs none /run
    for kind in legacy nft; do iptables-$kind -A INPUT -s 10.1.1.1 -j DROP; done
    told() { iptables-legacy-save; iptables-nft-save; nft list ruleset; ip addr; }
    told > before; rm -f lock; "$@" > shown; test ! -e lock || exit 9; told > after
    grep -v '^#' before > b; grep -v '^#' after > a
    diff b a && grep -c 10.1.1.1 a"""
    ran = _run(*UNSHARE, "sh", "-c", own, "sh", *CLI, rules, *PACKETS, XTABLES_LOCKFILE="lock")
    assert ran.returncode == 0, ran
    assert ran.stdout.strip() == "3"
    assert "agree in all" in Path("shown").read_text()


@pytest.mark.kernel
def test_whoever_is_not_root_can_ask_too(rules: str) -> None:
    """Another user must be able to read this package, and so must the Python used here."""
    skip_without_namespaces().close()
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    # setpriv itself may still read everything when it starts the first Python
    script = "import subprocess, sys; assert sys.version_info >= (3, 11); "
    script += "subprocess.run([sys.executable, '-c', 'import iptlab.cli'], check=True)"
    found = (sys.executable, *filter(None, [shutil.which("python3", path="/usr/bin")]))
    able = [one for one in found if not _run(*nobody, one, "-c", script).returncode]
    if not able:
        pytest.skip("no other user can run this package here")
    os.chmod(".", 0o755)
    text = RULES.replace("-A INPUT", "-A OUTPUT -m owner --uid-owner 0\n-A INPUT", 1)
    code = f"import iptlab; from iptlab.kernel.boxes import host_for\np = {PACKETS!r}\n"
    code += f"print(host_for(p).with_rules({text!r}).verify(p).conclusion)"
    ran = _run(*nobody, able[0], "-c", code)
    assert ran.stdout == "simulator and kernel agree in all 6 comparisons\n", ran


@pytest.mark.kernel
def test_without_user_namespaces_it_says_why_and_how(rules: str) -> None:
    skip_without_namespaces().close()
    weak = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    _skip_unless(*UNSHARE, *weak, "true")
    limit = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    ran = _run(*UNSHARE, "sh", "-c", limit, "sh", *weak, *CLI, rules, PACKETS[0])
    assert ran.returncode == 2, ran
    assert "the system refuses a user namespace" in ran.stderr
    assert "sysctl user.max_user_namespaces" in ran.stderr
