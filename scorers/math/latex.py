r"""The value of LaTeX arithmetic, by a small recursive-descent reader: no `eval`, no symbolic engine.

It reads numbers, `\pi`, `e^{…}`, `+ - * / : ^ !`, `\frac`, `\sqrt`, `\binom`, floors, elementary functions and
groups. A text with anything else (a word, a relation) has no value. Numbers are Python's: integers are exact,
all else is a double. Work is bounded by `MAX_LENGTH`, `MAX_DEPTH` and the size of integers, not by a clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from scorers.math import names
from scorers.math.bounded import Number, bounded, choose, factorial, literal, power, quotient, total

MAX_LENGTH = 2000
"""Longest text in characters."""
MAX_DEPTH = 40
"""Deepest nesting of groups and arguments."""


class LatexError(ValueError):
    """The text is not arithmetic, or it is beyond the limits."""


class DomainError(LatexError):
    """The text is arithmetic but has no real, finite value, or one too large."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a reader accepts beyond the common core."""

    prefix: bool = False
    """Take the longest arithmetic at the start and ignore what follows, where that is a token that ends it."""
    shorthand: bool = True
    r"""Arguments without braces (`\frac12`, `\sqrt3`) and a sign in a bare exponent (`2^-1`)."""
    mixed: bool = True
    r"""`3\frac{1}{2}` is 3.5; otherwise it is the product."""
    tight: bool = False
    """A product without a sign binds tighter than `*` and `/`: `1/2(3)` is 1/6; otherwise it is 3/2."""
    colon: bool = False
    """`a:b` is a division."""
    relations: bool = False
    """`a<b` is 1 or 0."""
    degrees: bool = True
    r"""`^\circ` is read: within a function's argument it turns degrees into radians, elsewhere it is a unit."""
    functions: bool = True
    r"""`\ln`, `\sec`, `\csc`, `\cot` and `|x|` beside the other elementary functions."""


STANDARD = Dialect()
"""How people write a number."""

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+)(?:\\%)?)"
    r"|(?P<command>\\(?:[a-zA-Z]+|[{}]|\\))"
    r"|(?P<sign>[-+*/:^!(){}\[\],;.<>'&_|])"
    r"|(?P<letter>[a-zA-Z])"
)
_SPACES = re.compile(r"\\(?:displaystyle|q?quad(?![a-zA-Z])|,|left(?![a-zA-Z])|right(?![a-zA-Z]))|[$~]")
_DIGITS = r"(?:\d|\{\s*\d+\s*\})"
_MARKED = re.compile(r"\{\s*(\w{1,4})\s*\}|([A-Z]{1,3}|[a-z])(?![a-z])")
_PLAIN_FRACTION = re.compile(rf"\\frac\s*{_DIGITS}\s*{_DIGITS}")


class _Token(NamedTuple):
    text: str
    kind: str
    start: int


_END = _Token("", "end", -1)


def evaluate(text: str, dialect: Dialect = STANDARD, variables: Callable[[str], float] | None = None) -> Number:
    r"""The value of LaTeX arithmetic: `\frac{\sqrt{3}}{2}` → 0.866….

    Args:
        text: LaTeX without delimiters. Angles are in radians.
        dialect: what is accepted.
        variables: the value of a letter or Greek command; without it they have none.

    Raises:
        LatexError: the text is not arithmetic, or is too long or too deep.
        DomainError: it is, but has no real, finite value of bearable size.
    """
    if len(text) > MAX_LENGTH:
        raise LatexError("too long")
    text = _SPACES.sub(" ", text.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac"))
    reader = _Reader(text, dialect, variables)
    try:
        value = reader.relation()
        reader.finish()
    except LatexError:
        raise
    except (ArithmeticError, ValueError) as error:  # division by zero, overflow, a root of a negative number
        raise DomainError(str(error)) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise DomainError("not finite")
    return value


class _Reader:
    """One pass over the tokens; each method reads one level of precedence and returns its value.

    Tokens are read one ahead and no further, so that what follows the end is never looked at.
    """

    def __init__(self, text: str, dialect: Dialect, variables: Callable[[str], float] | None) -> None:
        self._text = text
        self._dialect = dialect
        self._variables = variables
        self._position = 0
        self._depth = 0
        self._bars = 0
        self._in_argument = False
        self._in_function = False
        self._next = _END
        self._advance()

    def _advance(self) -> _Token:
        token = self._next
        while True:
            match = _TOKEN.match(self._text, self._position)
            if match is None:
                if self._position < len(self._text):
                    self._next = _Token(self._text[self._position], "unknown", self._position)
                else:
                    self._next = _END
                return token
            self._position = match.end()
            if match.lastgroup != "space":
                self._next = _Token(match[0], str(match.lastgroup), match.start())
                return token

    def _take(self, *texts: str) -> bool:
        if self._next.text in texts and self._next.kind != "end":
            self._advance()
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise LatexError(f"expected {text!r}, found {self._next.text!r}")

    def finish(self) -> None:
        """Check that the arithmetic ends where the dialect lets it end."""
        if self._next.kind == "end":
            return
        if not self._dialect.prefix or self._next.text not in names.ENDS:
            raise LatexError(f"unexpected {self._next.text!r}")

    def relation(self) -> Number:
        value = self.sum()
        while self._dialect.relations and self._next.text in names.RELATIONS:
            compare = names.RELATIONS[self._advance().text]
            value = int(compare(value, self.sum()))
        return value

    def sum(self) -> Number:
        value = self.product()
        while self._next.text in ("+", "-"):
            sign = 1 if self._advance().text == "+" else -1
            value = total(value, sign * self.product())
        return value

    def product(self) -> Number:
        value = self.signed()
        while True:
            if self._next.text in names.TIMES:
                self._advance()
                value = bounded(value * self.signed())
            elif self._next.text in names.OVER or (self._next.text == ":" and self._dialect.colon):
                self._advance()
                value = quotient(value, self.signed())
            elif not self._dialect.tight and self._starts():
                value = bounded(value * self.power())
            else:
                return value

    def signed(self) -> Number:
        negative = False
        while self._next.text in ("+", "-"):
            negative ^= self._advance().text == "-"
        value = self.power()
        while self._dialect.tight and self._starts():
            value = bounded(value * self.power())
        return -value if negative else value

    def _starts(self) -> bool:
        """Whether the next token starts a factor (or is one that has no value, which then raises)."""
        token = self._next
        if token.kind in ("end", "unknown"):
            return False
        if token.kind == "command":
            ends = self._in_argument and (token.text in names.ALL_FUNCTIONS or token.text == r"\sqrt")
            return not ends and token.text not in names.NO_FACTOR
        opens_bar = token.text == "|" and not self._bars
        return token.kind in ("number", "letter") or token.text in "([{" or opens_bar

    def power(self) -> Number:
        """A factor with its exponents and postfix signs. Chained exponents are read from the left."""
        value = self._exponential() if self._next.text == "e" else self.atom()
        while self._take("^"):
            if self._dialect.degrees and self._take(r"\circ"):
                value *= math.pi / 180 if self._in_function else 1
            else:
                value = power(value, self._exponent())
        while self._next.text in ("!", "'"):
            value = factorial(value) if self._advance().text == "!" else value
        return value

    def _exponential(self) -> Number:
        """`e^{…}`; a bare `e` has a value only where letters have."""
        self._advance()
        if self._take("^"):
            return math.exp(self._exponent())
        if self._variables is None:
            raise LatexError("a letter: 'e'")
        return math.e

    def _exponent(self) -> Number:
        if self._next.text == "{":
            return self.group()
        if not self._dialect.shorthand and self._next.text in names.CLOSING:
            raise LatexError("an exponent in brackets")
        if not self._dialect.shorthand:
            return self.atom()
        negative = self._take("-")
        value = self._digit()
        return -value if negative else value

    def _digit(self) -> Number:
        """An argument without braces: one digit, or a whole atom."""
        token = self._next
        if token.kind != "number":
            return self.atom()
        self._position = token.start + 1
        self._advance()
        if not token.text[0].isdigit():
            raise LatexError("a bare argument that starts with a point")
        return int(token.text[0])

    def atom(self) -> Number:
        token = self._next
        if token.kind == "number":
            self._advance()
            value = literal(token.text)
            return self._mixed(value) if isinstance(value, int) and self._dialect.mixed else value
        if token.text in names.CLOSING:
            return self.group()
        if self._take(r"\pi"):
            return math.pi
        if token.text == "|" and self._dialect.functions and not self._bars:
            return self._absolute()
        if token.kind == "command":
            self._deeper()
            value = self._command(self._advance().text)
            self._depth -= 1
            return value
        if token.kind == "letter":
            return self._variable(self._advance().text)
        raise LatexError(f"unexpected {token.text!r}")

    def _variable(self, name: str) -> float:
        if self._variables is None:
            raise LatexError(f"a variable: {name!r}")
        return self._variables(f"{name}_{self._subscript()}" if self._take("_") else name)

    def _subscript(self) -> str:
        token = self._next
        if token.text == "{":
            end = self._text.find("}", token.start)
            if not token.start < end < token.start + 12:
                raise LatexError("a long subscript")
            self._position = end + 1
            self._advance()
            return self._text[token.start + 1 : end].strip()
        if token.kind not in ("number", "letter"):
            raise LatexError("a subscript")
        self._position = token.start + 1
        self._advance()
        return token.text[0]

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise LatexError("nested too deeply")

    def _mixed(self, whole: int) -> Number:
        """The fraction that follows a whole number is added to it where it consists of plain digits."""
        if self._next.text != r"\frac":
            return whole
        return whole + self.atom() if _PLAIN_FRACTION.match(self._text, self._next.start) else whole

    def group(self) -> Number:
        """An expression in brackets of any kind."""
        closing = names.CLOSING.get(self._advance().text)
        if closing is None:
            raise LatexError("expected a group")
        self._deeper()
        value = self.sum()
        self._expect(closing)
        self._depth -= 1
        return value

    def _argument(self) -> Number:
        if self._next.text == "{":
            return self.group()
        if not self._dialect.shorthand:
            raise LatexError("expected a group")
        return self._digit()

    def _command(self, name: str) -> Number:
        if name == r"\frac":
            top = self._argument()
            return quotient(top, self._argument())
        if name == r"\sqrt":
            return self._root()
        if name in (r"\binom", r"\dbinom", r"\tbinom"):
            top = self._argument()
            return choose(top, self._argument())
        if name == r"\lfloor":
            return self._floor()
        if name in names.FUNCTIONS or (name in names.MORE_FUNCTIONS and self._dialect.functions):
            return self._function(name)
        return self._named(name)

    def _named(self, name: str) -> float:
        """A Greek letter, or a mark with what it makes a name of."""
        match = _MARKED.match(self._text, self._next.start) if name in names.MARKS and self._next.text else None
        if match:
            self._position = match.end()
            self._advance()
            return self._variable(f"{name} {match[1] or match[2]}")
        if name not in names.GREEK:
            raise LatexError(f"unknown command {name!r}")
        return self._variable(name)

    def _floor(self) -> Number:
        value = self.sum()
        self._expect(r"\rfloor")
        return math.floor(value)

    def _absolute(self) -> Number:
        self._advance()
        self._bars += 1
        value = abs(self.sum())
        self._expect("|")
        self._bars -= 1
        return value

    def _root(self) -> Number:
        degree: Number | None = None
        if self._take("["):
            degree = self.sum()
            self._expect("]")
        value = self._argument()
        return math.sqrt(value) if degree is None else power(value, quotient(1, degree))

    def _function(self, name: str) -> Number:
        base: Number | None = None
        exponent: Number | None = None
        if name == r"\log" and self._take("_"):
            base = self._exponent()
        if self._take("^"):
            exponent = self._exponent()
        outer, self._in_function = self._in_function, True
        value = self.group() if self._next.text == "(" else self._bare_argument()
        self._in_function = outer
        if exponent == -1 and name in names.INVERSES:
            return names.INVERSES[name](value)
        result = names.ALL_FUNCTIONS[name](value) if base is None else math.log(value, base)
        return result if exponent is None else power(result, exponent)

    def _bare_argument(self) -> Number:
        """What a function without parentheses takes: factors up to the next function, `*` and `/` if tight."""
        outer, self._in_argument = self._in_argument, True
        value = self.product() if self._dialect.tight else self.power()
        while self._starts():
            value = bounded(value * self.power())
        self._in_argument = outer
        return value
