"""What the API server refuses, in its own words.

Source: apimachinery/pkg/api/errors/errors.go, pkg/util/validation/field/errors.go
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from iptlab.errors import IptlabError
from iptlab.kubernetes.api.kinds import Kind


class ApiError(IptlabError):
    """A request that the API server refuses: its reason in one word, and the message."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Cause:
    """What is wrong with one field, such as ``spec.ports[0].port``."""

    field: str
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.field, self.what, self.detail)))


def invalid_value(field: str, value: object, detail: str) -> Cause:
    """A value that may not stand there."""
    return Cause(field, f"Invalid value: {_shown(value)}", detail)


def duplicate(field: str, value: object) -> Cause:
    """A value that is there twice."""
    return Cause(field, f"Duplicate value: {_shown(value)}")


def required(field: str, detail: str = "") -> Cause:
    """A field that is missing."""
    return Cause(field, "Required value", detail)


def forbidden(field: str, detail: str) -> Cause:
    """A field that may not be there."""
    return Cause(field, "Forbidden", detail)


def unsupported(field: str, value: object, allowed: Sequence[str]) -> Cause:
    """A word that is none of those allowed."""
    listed = ", ".join(f'"{one}"' for one in allowed)
    return Cause(field, f"Unsupported value: {_shown(value)}", f"supported values: {listed}")


def _shown(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> ApiError:
    """An object that is wrong in one field or several."""
    told = [str(one) for one in causes]
    listed = told[0] if len(told) == 1 else "\n".join(["", *(f"* {one}" for one in told)])
    return ApiError("Invalid", f'The {kind.name} "{name}" is invalid: {listed}')


def not_found(kind: Kind, name: str) -> ApiError:
    """An object that is not there."""
    return ApiError("NotFound", f'{kind.resource} "{name}" not found')


def already_exists(kind: Kind, name: str) -> ApiError:
    """An object that is there already."""
    return ApiError("AlreadyExists", f'{kind.resource} "{name}" already exists')


def bad_request(message: str) -> ApiError:
    """A request that cannot be read."""
    return ApiError("BadRequest", message)
