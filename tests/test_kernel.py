"""The real kernel, asked in a throwaway namespace: recordings come out again, nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import kernel_golden
import pytest
import scenario
from record_kernel import ARCHIVE, TOPOLOGIES, Tally, differences, draft, record, stored, write
from scenario import FOLDER, askable, scenarios

from iptlab.errors import KernelUnavailable
from iptlab.kernel.alike import same
from iptlab.kernel.frames import FLAGS, build, parse
from iptlab.kernel.netns import Namespace
from iptlab.kernel.replay import RefusedError, Replay, refuse_reaching
from iptlab.netfilter.hooks import Backend

PING = {"inject": "eth0", "ip": 4, "src": "192.0.2.5", "dst": "192.0.2.10", "proto": "icmp"}
PING |= {"type": 8, "code": 0, "icmp_id": 7, "icmp_seq": 1, "data": 8}
DROP_PING = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p icmp -j DROP\nCOMMIT\n"
# those with a machine of their own are held against a recording, in test_scenarios.py
MACHINES = {one.name for one in scenarios()}
SCENARIOS = [file for file in sorted(FOLDER.glob("*.rules")) if file.stem not in MACHINES]
MORE = FOLDER.parent / "data" / "kernel-more.tar.xz"
EXAMPLES = ("reject-types", "ipv6-router", "multiwan-connmark", "random-1270")


def host(backend: str = "legacy", *, log: bool = False) -> Namespace:
    """A namespace like a machine with one network card, or a skipped test."""
    try:
        return Namespace(TOPOLOGIES["host"], backend=backend, log=log)
    except KernelUnavailable as error:
        pytest.skip(error.reason)


def inside(namespace: int) -> list[int]:
    """The processes in a network namespace."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns" / "net").stat().st_ino == namespace:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def rises_to(wanted: bool, namespace: int) -> bool:
    """Whether, within some seconds, processes are in the namespace or none is."""
    deadline = time.monotonic() + 10
    while bool(inside(namespace)) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(inside(namespace)) == wanted


def test_every_recorded_packet_is_built_and_read_byte_by_byte() -> None:
    count = 0
    for one in stored(ARCHIVE).values():
        for packet in (step["packet"] for step in one["packets"]):
            words = {key: value for key, value in packet.items() if key != "hex"}
            assert build(words).hex() == packet["hex"]
            read = parse(bytes.fromhex(packet["hex"]))
            same = read.keys() & packet.keys() - {"inner", "flags"}
            assert {key: read[key] for key in same} == {key: packet[key] for key in same}
            if "flags" in read:
                assert set(read["flags"].split(",")) == set(packet["flags"].split(","))
            count += 1
    assert count > 3000


def test_flags_are_told_in_the_order_of_their_bits() -> None:
    syn = {"ip": 4, "src": "10.0.0.1", "dst": "10.0.0.2", "proto": "tcp", "sport": 1, "dport": 2}
    assert parse(build(syn | {"flags": ",".join(FLAGS)}))["flags"] == ",".join(FLAGS)


@pytest.mark.parametrize(
    ("rules", "sets"),
    [
        ("*filter\n-A INPUT -M /bin/sh -m foo\nCOMMIT\n", ""),
        ("*filter\n-A INPUT -nM/bin/sh -m foo\nCOMMIT\n", ""),
        ("*filter\n-A INPUT -vn4M/bin/sh -m foo\nCOMMIT\n", ""),
        ("*filter\n-A INPUT --modprobe /bin/sh -m foo\nCOMMIT\n", ""),
        ('*filter\n-A INPUT "--mod\\probe=/bin/sh" -m foo\nCOMMIT\n', ""),
        ("*filter\n-A INPUT -m bpf --object-pinned /etc/x\nCOMMIT\n", ""),
        ("*filter\n-A INPUT -j LED --led-trigger-id x\nCOMMIT\n", ""),
        ("", "save -file /etc/x\n"),
        ("", "-f /etc/x\n"),
    ],
)
def test_text_that_reaches_outside_is_refused(rules: str, sets: str) -> None:
    with pytest.raises(RefusedError, match="line"):
        refuse_reaching(rules, sets)


def test_ordinary_text_is_not_taken_for_text_that_reaches_outside() -> None:
    for one in stored(ARCHIVE).values():
        refuse_reaching(one["rules"], one.get("ipsets", ""))


@pytest.mark.kernel
@pytest.mark.parametrize("backend", ["legacy", "nft"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_recording_comes_out_again(name: str, backend: str) -> None:
    host(backend).close()
    tally = Tally()
    tally.compare(stored(ARCHIVE)[name], backend, log=False)
    assert tally.right == tally.total, tally


@pytest.mark.kernel
def test_a_rule_set_drawn_by_chance_meets_traffic() -> None:
    host().close()
    assert len(draft("random-test")["packets"]) >= 10


@pytest.mark.kernel
@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_rules_that_the_tool_refuses_are_refused_with_its_words(backend: str) -> None:
    with host(backend) as box, pytest.raises(RefusedError, match="unknown option"):
        Replay(box, "*filter\n-A INPUT --dport 80 -j ACCEPT\nCOMMIT\n")


@pytest.fixture
def known_interfaces() -> Iterator[None]:
    """Nothing of the machine's network may change."""
    before = Path("/proc/net/dev").read_text().count(":")
    yield
    assert Path("/proc/net/dev").read_text().count(":") == before


@pytest.mark.kernel
@pytest.mark.usefixtures("known_interfaces")
def test_the_namespace_is_another_one_and_ends_with_its_block() -> None:
    with host() as box:
        assert box.number != os.stat("/proc/self/ns/net").st_ino
        assert inside(box.number)
        assert Replay(box, DROP_PING).send(PING)["dropped_by"] == ["filter", "INPUT", 1]
    assert rises_to(False, box.number)


@pytest.mark.kernel
@pytest.mark.usefixtures("known_interfaces")
def test_an_exception_ends_the_namespace() -> None:
    with pytest.raises(ZeroDivisionError), host() as box:
        raise ZeroDivisionError
    assert rises_to(False, box.number)


@pytest.mark.kernel
@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_the_kernel_does_what_a_scenario_says(file: Path) -> None:
    asked, one = askable(file.read_text()), scenario.draft(file)
    host().close()
    with Namespace(one["machine"]) as box:
        rules = Replay(box, file.read_text())
        for (told, wanted), step in zip(asked, one["packets"], strict=True):
            expect = rules.send(step["packet"])
            steps = [" ".join(map(str, step)) for step in expect["trace"]]
            verdict, place = wanted.split(" by ")
            if verdict == "ACCEPT":
                assert place in steps, told
            else:
                fate = verdict.replace("DROP", "dropped").replace("REJECT with ", "rejected:")
                assert (expect["fate"], steps[-1]) == (fate, place), told
    assert len(asked) > 5


@pytest.mark.kernel
@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.rules")), ids=lambda file: file.stem)
def test_any_scenario_is_recorded_anew_and_the_simulator_does_the_same(
    file: Path, tmp_path: Path
) -> None:
    logs = "-j LOG" in file.read_text()
    host(log=logs).close()
    write(record(scenario.draft(file), log=logs), tmp_path)
    (made,) = kernel_golden.recordings(tmp_path)
    assert not made.data.get("truncated")
    legacy, nft = (list(kernel_golden.replay(made, backend)) for backend in Backend)
    assert [wrong for _, wrong in legacy + nft if wrong] == []
    assert len(legacy) >= len(kernel_golden.CATEGORIES) * len(made.data["packets"]) > 0


@pytest.mark.kernel
def test_one_command_records_a_scenario(tmp_path: Path) -> None:
    host().close()
    command = [sys.executable, "tests/record_kernel.py", "tests/scenarios/hairpin.rules"]
    subprocess.run([*command, "--no-log", "-o", tmp_path], cwd=FOLDER.parents[1], check=True)
    check = [sys.executable, "tests/kernel_golden.py", tmp_path]
    subprocess.run(check, cwd=FOLDER.parents[1], check=True, stdout=subprocess.DEVNULL)
    (made,) = kernel_golden.recordings(tmp_path)
    golden = {one.data["name"]: one.data for one in kernel_golden.recordings(MORE)}["hairpin"]
    for old, new in zip(golden["packets"], made.data["packets"], strict=True):
        assert differences(old["expect"], new["expect"], "legacy") == []


PARENT = f"""
import sys, time
from iptlab.kernel.netns import Namespace
from iptlab.kernel.replay import Replay
with Namespace({TOPOLOGIES["host"]!r}) as box:
    Replay(box, {DROP_PING!r}).send({PING!r})
    print(box.number, flush=True)
    time.sleep(60)
"""


@pytest.mark.kernel
@pytest.mark.usefixtures("known_interfaces")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_whoever_asked_ends_the_namespace(number: int) -> None:
    host().close()
    argv = [sys.executable, "-c", PARENT]
    parent = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    namespace = int(parent.stdout.readline())
    assert rises_to(True, namespace)
    parent.send_signal(number)
    parent.wait(timeout=10)
    parent.stdout.close()
    assert rises_to(False, namespace)


@pytest.mark.kernel
def test_what_is_missing_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    host().close()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KernelUnavailable, match=r"is not installed\n.*apt install") as refused:
        Namespace(TOPOLOGIES["host"])
    assert refused.value.cure


def test_only_the_label_of_an_error_that_the_machine_made_may_differ() -> None:
    line = "x: {} SRC=fd00::1 DST=fd00::2 LEN=90 TC=0 HOPLIMIT=64 FLOWLBL={} PROTO={} "
    made, passing = "IN= OUT=eth0", "IN=eth1 OUT=eth0"
    for place, kind, alike in (
        (made, "ICMPv6 TYPE=3", True),
        (passing, "ICMPv6 TYPE=3", False),
        (made, "ICMPv6 TYPE=128", False),
        (made, "TCP", False),
    ):
        ours, theirs = ([line.format(place, label, kind)] for label in (0, 784354))
        assert same("log", ours, theirs) is alike
        assert same("log", ours, ours)
