r"""MathVision's own rule: `evaluation/evaluate.py` and `evaluation/utils.py` of the MATH-V repository.

Three steps, quirks included: cut the answer out of the response, clean it, and compare it with the gold letter
*and* with the gold option's text. The script runs `eval` on what latex2sympy makes of the model's text; here
the same value comes from `scorers.math.latex`, which evaluates the same arithmetic and nothing else.
"""

from __future__ import annotations

import re
from functools import lru_cache

from scorers.math.bounded import Number
from scorers.math.latex import MAX_LENGTH, Dialect, LatexError, evaluate

LETTERS = "ABCDE"
_INTEGER = re.compile("0|-?[1-9][0-9]*")
_PHRASES = ("the final answer is", "the answer is", "the correct answer is", "the answer should be")
_LATEX2SYMPY = Dialect(
    prefix=True,
    shorthand=False,
    mixed=False,
    tight=True,
    colon=True,
    relations=True,
    degrees=False,
    functions=False,
)
"""What latex2sympy2 1.9 reads: it stops without a word at the first token that cannot go on."""
_DROPPED = (r"\left", r"\right", r"^{\circ}", r"^\circ", "{m}^3", "m^3", "{units}", "units", "{km}", "km")


def is_right(response: str, answer: str, options: tuple[str, ...] = ()) -> bool:
    """Whether the script counts a response as right.

    Args:
        response: what the model answered.
        answer: the gold of the data set: the letter of an option, or free-form LaTeX.
        options: the option texts; empty for free-form items.
    """
    found = extract(response)
    if is_equal(answer, found):
        return True
    index = ord(answer) - ord("A") if options and len(answer) == 1 else -1
    return 0 <= index < len(options) and is_equal(options[index], found)


def extract(response: str) -> str:
    """The answer that the script reads from a response, cleaned and in lower case; often all of it."""
    text = response.strip()
    for letter in LETTERS:
        if text.endswith((f" {letter}.", f" ({letter}).")) or text.startswith(
            (f"{letter}\n", f"({letter})\n", f"({letter}) {letter}\n")
        ):
            text = letter
    tail = text.split("is ")[-1].rstrip(".")
    if _is_float(tail):
        text = tail
    if "oxed{" not in text:
        text = _after_phrases(text)
    elif text.count("oxed{") > 1:
        text = r"\boxed{" + text.split("oxed{")[-1]
    text = _clean(_boxed(text))
    for around in ("({})", "{{{}}}"):
        for letter in LETTERS.lower():
            text = text.replace(around.format(letter), letter)
    return text.rstrip(".").lstrip(":").strip()


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _after_phrases(text: str) -> str:
    """What follows the last of each phrase, as far as the end of its line or sentence."""
    for phrase in _PHRASES:
        for flag in (phrase, phrase.replace("the", "The")):
            found = flag in text
            text = text.rsplit(flag, maxsplit=1)[-1].strip()
            if found:
                text = text.split("\n")[0].split(". ")[0]
    return text


def _boxed(text: str) -> str:
    r"""The inside of `\boxed{…}` in lower case, from the first opening to the last brace of the text."""
    text = text.lower().replace("{}", "")
    start = text.find("oxed{") + len("oxed{")
    end = text.rfind("}")
    if start >= len("oxed{") and end >= start:
        text = text[start:end]
    closing, opening = text.find("}"), text.find("{")
    if closing != -1 and (opening == -1 or closing < opening):
        text = text[:closing]
    return text.split("=")[-1].split(r"\approx")[-1]


def _clean(text: str) -> str:
    r"""Strip spaces, `\text`, degrees, dollars, percents and three units, in the script's order."""
    text = text.replace(" ", "").replace(r"\,", "").replace("∞", r"\infty")
    text = text.replace(r"+\infty", r"\infty").replace("\\\\", "\\").replace("\n", "")
    text = text.replace(r"\text", "").replace(r"\mbox", "").replace("bmatrix", "pmatrix")
    for dropped in _DROPPED:
        text = text.replace(dropped, "")
    text = text.replace(r"\!", "").replace("\\\\", "\\").replace("tfrac", "frac").replace("dfrac", "frac")
    for dropped in (r"\left", r"\right", r"^{\circ}", r"^\circ", r"\$", "$", r"\%"):
        text = text.replace(dropped, "")
    text = text.replace("{.", "{0.")
    if text.startswith("."):
        text = f"0{text}"
    if text.count("=") == 1:
        text = text.split("=")[1]
    if text.count(r"\approx") == 1:
        text = text.split(r"\approx")[1]
    if "sqrt" in text:
        text = _brace_fractions(_brace_roots(text))
    return r"\frac{1}{2}" if text == "0.5" else _slash_to_fraction(text)


def _brace_roots(text: str) -> str:
    r"""`\sqrt3` → `\sqrt{3}`."""
    head, *rest = text.split(r"\sqrt")
    return head + "".join(
        r"\sqrt" + (part if not part or part[0] == "{" else f"{{{part[0]}}}{part[1:]}") for part in rest
    )


def _brace_fractions(text: str) -> str:
    r"""`\frac12` → `\frac{1}{2}`; nothing at all where one `\frac` is followed by less than two characters."""
    head, *rest = text.split(r"\frac")
    pieces = [head]
    for part in rest:
        if part.startswith("{"):
            pieces.append(part)
        elif len(part) < 2:
            return text
        else:
            bottom = part[1:] if part[1] == "{" else f"{{{part[1]}}}{part[2:]}"
            pieces.append(f"{{{part[0]}}}{bottom}")
    return r"\frac".join(pieces)


def _slash_to_fraction(text: str) -> str:
    r"""`3/4` → `\frac{3}{4}`, for integers written without sign, zeros or separators in front."""
    top, slash, bottom = text.partition("/")
    for part in (top, bottom):
        if not (_INTEGER.fullmatch(part) and len(part) <= 4000):  # no more digits than `int` reads
            return text
    return rf"\frac{{{top}}}{{{bottom}}}" if slash else text


def is_equal(one: str, other: str) -> bool:
    """Equal as text, as a tuple or list whose elements agree at 2 decimals, or as a value at 2 decimals."""
    one, other = one.lower(), other.lower()
    if not one.replace(" ", "") or not other.replace(" ", ""):
        return False
    if one.strip() == other.strip():
        return True
    if one.count(",") == other.count(","):
        one, other = _rounded_elements(one), _rounded_elements(other)
    if one == other:
        return True
    value = _rounded(one)
    return value is not None and value == _rounded(other)


def _rounded_elements(text: str) -> str:
    """A tuple or list with each element's value at 2 decimals; as it is where one of them has none."""
    if (text[0], text[-1]) not in {("(", ")"), ("[", "]")}:
        return text
    elements = text[1:-1].split(",")
    if len(elements) < 2:
        return text
    written = []
    for element in elements:
        if "infty" in element or element in ("a", "-a"):
            written.append(element)
            continue
        value = _rounded(element)
        if value is None:
            return text
        written.append(str(value))
    return f"{text[0]}{','.join(written)}{text[-1]}"


def _rounded(text: str) -> Number | None:
    return None if len(text) > MAX_LENGTH else _value(text)


@lru_cache(maxsize=4096)
def _value(text: str) -> Number | None:
    try:
        return round(evaluate(text, _LATEX2SYMPY), 2)
    except LatexError:
        return None
