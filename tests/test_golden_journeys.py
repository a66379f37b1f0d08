"""Journeys recorded from a real kernel: every packet, in every respect, as it was there.

``kernel_golden.py`` says how the recordings are replayed and compared.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from kernel_golden import Recording, main, recordings, replay

from iptlab.netfilter.hooks import Backend, Hook
from iptlab.packet import Packet, TcpFlags
from iptlab.simulate.conntrack import ConntrackTable, Tracked, Zone

ARCHIVES = sorted((Path(__file__).parent / "data").glob("kernel-*.tar.xz"))
GOLDEN = next(archive for archive in ARCHIVES if "golden" in archive.name)
RECORDINGS = [one for archive in ARCHIVES for one in recordings(archive)]


@pytest.mark.parametrize("one", RECORDINGS, ids=lambda one: one.where)
def test_every_packet_takes_the_way_it_took_in_the_kernel(one: Recording) -> None:
    compared = list(replay(one))
    assert len(compared) >= 11 * len(one.data["packets"])
    assert [disagreement for _, disagreement in compared if disagreement] == []


@pytest.mark.parametrize(
    "one",
    [one for one in RECORDINGS if "backend_differences" in one.data],
    ids=lambda one: one.where,
)
def test_where_the_back_ends_differ_nft_is_asked_for_by_its_name(one: Recording) -> None:
    compared = [disagreement for _, disagreement in replay(one, Backend.NFT)]
    assert compared
    assert [disagreement for disagreement in compared if disagreement] == []


def test_a_changed_recording_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = RECORDINGS[0]
    data = json.loads(json.dumps(one.data))
    data["packets"][0]["expect"]["fate"] = "delivered-elsewhere"
    (tmp_path / "changed.json").write_text(json.dumps(data))
    (tmp_path / "topologies.json").write_text(json.dumps({data["topology"]: one.topology}))
    assert main([str(tmp_path)]) == 1
    assert "delivered-elsewhere" in capsys.readouterr().out


def test_a_folder_without_recordings_is_no_success(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1


# --- the states of TCP ---

# what leads to a state: segments of the one who began (o) and of the other (r), and what a
# probe of either then carries as its own and the other's next sequence number
_FIRST, _OTHER = 1_000_000, 9_000_000
_WAY = ("o SYN", "r SYN,ACK", "o ACK", "o FIN,ACK", "r ACK", "r FIN,ACK", "o ACK")
_LEADS = {
    "NONE": (),
    "SYN_SENT": _WAY[:1],
    "SYN_RECV": _WAY[:2],
    "ESTABLISHED": _WAY[:3],
    "FIN_WAIT": _WAY[:4],
    "CLOSE_WAIT": _WAY[:5],
    "LAST_ACK": _WAY[:6],
    "TIME_WAIT": _WAY[:7],
    "CLOSE": (*_WAY[:3], "o RST"),
    "SYN_SENT2": ("o SYN", "r SYN"),
}


def tcp_states() -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    """The measured table: state, direction, flags, and what came of it."""
    with tarfile.open(GOLDEN) as archive:
        (member,) = (one for one in archive if one.name.endswith("tcp-states.json"))
        read: dict[str, dict[str, dict[str, dict[str, object]]]] = json.loads(
            archive.extractfile(member).read()  # type: ignore[union-attr]
        )
        return read


class Talk:
    """Two ends that count their sequence numbers right."""

    def __init__(self) -> None:
        self.table = ConntrackTable()
        self.next = {"o": _FIRST, "r": _OTHER}

    def say(self, who: str, flags: str) -> Tracked:
        """Track a segment, and keep its connection if it is a new one."""
        ends = {"o": "10.0.0.9:4000 -> 10.0.0.1:22", "r": "10.0.0.1:22 -> 10.0.0.9:4000"}
        other = self.next["r" if who == "o" else "o"]
        ack = other if "ACK" in flags else 0
        packet = Packet.parse(f"tcp {ends[who]} {flags} seq={self.next[who]} ack={ack}")
        tracked = self.table.track(packet, Hook.PREROUTING, Zone(), 0.0)
        self.next[who] += bool(packet.flags & (TcpFlags.SYN | TcpFlags.FIN))
        if tracked.flow and not tracked.flow.confirmed:
            assert self.table.confirm(tracked.flow, 0.0)
        return tracked


@pytest.mark.parametrize("state", _LEADS)
def test_tcp_moves_from_state_to_state_as_measured(state: str) -> None:
    for direction, rows in tcp_states()[state].items():
        for flags, wanted in rows.items():
            talk = Talk()
            for step in _LEADS[state]:
                talk.say(*step.split())
            if state != "NONE":
                assert str(next(flow.progress.state for flow in talk.table)) == state  # type: ignore[union-attr]
            tracked = talk.say(direction[0], flags)
            left = [(str(f.progress.state), f.status, f.original.sport) for f in talk.table]  # type: ignore[union-attr]
            got = {
                "ctstate": str(tracked.ctstate),
                "state": left[0][0] if left else None,
                **({"assured": "ASSURED" in left[0][1]} if left else {}),
                **({"seen_reply": "SEEN_REPLY" in left[0][1]} if left else {}),
                **({"new_entry_reversed": True} if left and left[0][2] == 22 else {}),
            }
            assert got == wanted, (direction, flags)
