"""Old spellings of a rule, and what they are called today.

Source: the changes of iptables from 1.2 to 1.4, and of patch-o-matic
"""

from __future__ import annotations

import re

from iptlab.syntax.tokens import Token

# words of old releases and other machines, and what they are called today
_OLD_WORDS = {
    "-m": {"mport": "multiport", "dstlimit": "hashlimit", "iplimit": "connlimit"}
    | {"random": "statistic", "nth": "statistic"},
    "-p": {"ipv4": "4", "ipv6-crypt": "esp", "ipv6-auth": "ah"},
    "--log-level": {"warn": "warning", "err": "error", "emergency": "emerg"},
}
_OLD_OPTIONS = {
    "--days": "--weekdays",
    "--dstlimit": "--hashlimit",
    "--iplimit-above": "--connlimit-above",
    "--iplimit-mask": "--connlimit-mask",
} | {
    f"--dstlimit-{name}": f"--hashlimit-{name}"
    for name in ("burst", "mode", "name", "htable-size", "htable-max", "htable-expire")
}
# what old releases let one leave out: module, option, and what it stood for
_LEFT_OUT = (("string", "--algo", "bm"), ("statistic", "--packet", "0"))
# an option of one letter with its value right behind it
_GLUED = re.compile(r"(-[sd])(\d.*)|(-p)(tcp|udp|icmp|all)|(-j)([A-Z]+)").fullmatch


def modern(words: list[Token]) -> list[Token]:
    """The words in today's spelling: ``! -s 10.0.0.0/8`` for the old ``-s ! 10.0.0.0/8``."""
    made: list[Token] = []
    rest = _without_remark(words)
    while rest:
        word = rest.pop(0)
        if glued := _GLUED(word.text):
            name, value = filter(None, glued.groups())
            rest.insert(0, word._replace(text=value, column=word.column + 2))
            word = word._replace(text=name, end=word.column + 2)
        text = _OLD_OPTIONS.get(word.text, word.text)
        if text[:1] == "-" and len(rest) > 1 and rest[0].text == "!" and rest[1].text[:1] != "-":
            made.append(rest.pop(0))
        made.append(word._replace(text=text))
        if rest and (now := _OLD_WORDS.get(text, {}).get(old := rest[0].text)):
            word = rest.pop(0)
            made.append(word._replace(text=now))
            if now == "statistic":
                made += [word._replace(text=each) for each in ("--mode", old)]
        elif text == "--average" and rest:
            value = rest.pop(0)
            made[-1:] = [word._replace(text="--probability")]
            made.append(value._replace(text=f"0.{value.text:0>2}"))
    spelled = [word.text for word in made]
    for module, name, usual in _LEFT_OUT:
        if module in spelled and name not in spelled and "random" not in spelled:
            at = spelled.index(module)
            made[at + 1 : at + 1] = [made[at]._replace(text=each) for each in (name, usual)]
    return made


def _without_remark(words: list[Token]) -> list[Token]:
    """The words before a ``#`` that is no option's value."""
    for at, word in enumerate(words):
        if word.text[:1] == "#" and not word.quoted and words[at - 1].text[:1] != "-":
            return words[:at]
    return list(words)
