"""What a judge talks to: the records in which a session tells what an answer did."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Described:
    """The answer is a function. `blank`: its body holds nothing but a docstring, `pass` or `...`."""

    parameters: tuple[str, ...]
    blank: bool = False


@dataclass(frozen=True)
class Missing:
    """There is no function of that name; `found` is the type of what stands there instead, if anything does."""

    name: str
    found: str | None = None


@dataclass(frozen=True)
class Returned:
    """The call came back. `inputs` are the arguments as they are after the call."""

    value: object
    inputs: tuple


@dataclass(frozen=True)
class Raised:
    """The learner's code raised. `line` counts from 1 within their cell or file; `source` is that line's text."""

    kind: str
    message: str
    line: int | None = None
    source: str | None = None


@dataclass(frozen=True)
class Stopped:
    """The session ended the answer; `reason` says why in words, such as "took longer than 10 s"."""

    reason: str


@dataclass(frozen=True)
class Opaque:
    """A returned value of a kind that does not cross: only its type's name is known."""

    type_name: str


Outcome = Returned | Raised | Stopped
