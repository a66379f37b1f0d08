"""``-m comment``: a note that matches every packet."""

from __future__ import annotations

from dataclasses import dataclass

from iptlab.netfilter.extension import Match, option, register_match
from iptlab.netfilter.values import Text
from iptlab.packet import Family


class CommentText(Text):
    """A note; the kernel keeps its first 255 bytes."""

    @classmethod
    def parse(cls, text: str, family: Family) -> CommentText:
        """The text, silently cut after 255 bytes as the tool does."""
        return cls(text.encode()[:255].decode(errors="ignore"))


@register_match("comment")
@dataclass(frozen=True)
class Comment(Match):
    """``-m comment --comment TEXT``; it says something to people and nothing to packets.

    Kernel: net/netfilter/xt_comment.c
    """

    comment: CommentText = option("--comment", CommentText, required=True)

    def listed(self, *, numeric: bool) -> str:
        return f"/* {self.comment.text} */"
