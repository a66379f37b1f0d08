r"""Which names, labels, ports and addresses the API server takes, and how it refuses others.

Source: apimachinery/pkg/util/validation/validation.go
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from iptlab.kubernetes.addresses import canonical
from iptlab.kubernetes.api.refusals import Cause, invalid_value, required

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

_TELLS = {
    _LABEL: (
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
        "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
    ),
    _DNS_1035: (
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
        "an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
        "'abc-123', "
    ),
    _SUBDOMAIN: (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
        "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "
    ),
    _VALUE: (
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' "
        "or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', "
    ),
    _QUALIFIED: (
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and "
        "end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
    ),
}
_LONGEST = {_LABEL: 63, _DNS_1035: 63, _SUBDOMAIN: 253, _VALUE: 63, _QUALIFIED: 63}
_PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*", re.ASCII).fullmatch
_HIGHEST_PORT = 65535


def _check(field: str, value: str, pattern: str) -> Iterator[Cause]:
    if len(value) > _LONGEST[pattern]:
        most = _LONGEST[pattern]
        unit = "bytes" if pattern in (_LABEL, _VALUE, _QUALIFIED) else "characters"
        yield invalid_value(field, value, f"must be no more than {most} {unit}")
    if not re.fullmatch(pattern, value, re.ASCII):
        detail = f"{_TELLS[pattern]}regex used for validation is '{pattern}')"
        yield invalid_value(field, value, detail)


def label_name(field: str, value: str) -> Iterator[Cause]:
    """A name of one word, such as that of a port."""
    return _check(field, value, _LABEL)


def service_name(field: str, value: str) -> Iterator[Cause]:
    """The name of a Service, which is a host name and begins with a letter."""
    return _check(field, value, _DNS_1035)


def object_name(field: str, value: str) -> Iterator[Cause]:
    """The name of any other object."""
    return _check(field, value, _SUBDOMAIN)


def labels(field: str, values: Mapping[str, str]) -> Iterator[Cause]:
    """Labels or a selector: keys with an optional prefix, and values."""
    for key, value in values.items():
        yield from _check(field, key.rpartition("/")[2], _QUALIFIED)
        yield from _check(field, str(value), _VALUE)


def port_number(field: str, value: object) -> Iterator[Cause]:
    """A port."""
    if not isinstance(value, int) or not 1 <= value <= _HIGHEST_PORT:
        yield invalid_value(field, value, f"must be between 1 and {_HIGHEST_PORT}, inclusive")


def port_or_name(field: str, value: object) -> Iterator[Cause]:
    """A port, or the name of a container's port."""
    if isinstance(value, int):
        yield from port_number(field, value)
    elif not _PORT_NAME(str(value)):
        detail = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
        if not re.search("[a-z]", str(value)):
            detail = "must contain at least one letter (a-z)"
        elif len(str(value)) > 15:
            detail = "must be no more than 15 characters"
        yield invalid_value(field, value, detail)


def address(field: str, value: str) -> Iterator[Cause]:
    """An address of either family."""
    if canonical(value) != value:
        detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        yield invalid_value(field, value, detail)


def there(field: str, value: object) -> Iterator[Cause]:
    """Something that must be there."""
    if not value:
        yield required(field)
