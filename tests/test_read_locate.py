"""Where in a response its answer is: the channels and their order, announcements, retractions, sentences."""

from __future__ import annotations

from types import ModuleType

import pytest

from scorers.read.locate import (
    AMBIGUOUS,
    LIMIT,
    Candidate,
    Channel,
    Found,
    boxed,
    conclusion,
    first,
    locate,
    plain,
    standing,
)
from scorers.read.normalise import clean
from scorers.read.number import read_number
from scorers.read.text import sentences


def top(text: str, question: str = "") -> tuple[str, str] | None:
    """(channel, text) of the first candidate, closing punctuation aside; None where there is none."""
    found = next((one for one in locate(clean(text), question) if one.text), None)
    return None if found is None else (str(found.channel), found.text.strip(" .。"))


def said(text: str, channel: str) -> list[str]:
    """What a channel gives, the first first, closing punctuation aside."""
    texts = [one.text.strip(" .。") for one in locate(clean(text)) if one.channel == channel]
    return [text for text in texts if text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # each channel by itself
        ("<answer>7</answer>", ("tag", "7")),
        ("<answer>The answer is 7.</answer>", ("tag", "7")),
        (r"Thus \boxed{7}", ("box", "7")),
        ("It is <|begin_of_box|>7<|end_of_box|>", ("box", "7")),
        ('{"answer": "7"}', ("json", "7")),
        ("The answer is 7.", ("announced", "7")),
        ("7", ("whole", "7")),
        ("Seven birds sit there.", ("whole", "Seven birds sit there")),
        # the more trusted one comes first, wherever it stands
        (r"\boxed{8} <answer>7</answer>", ("tag", "7")),
        (r"<answer>7</answer> \boxed{8}. The answer is 9.", ("tag", "7")),
        (r'{"answer": "8"} \boxed{7}', ("box", "7")),
        (r"\boxed{7}. The answer is 8.", ("box", "7")),
        ('The answer is 8. {"answer": "7"}', ("json", "7")),
        ("The answer is 7.\n\nSo, 8", ("announced", "7")),
        # the last of several
        ("<answer>8</answer><answer>7</answer>", ("tag", "7")),
        (r"\boxed{8} or rather \boxed{7}", ("box", "7")),
        ('{"answer": "8"}\n{"answer": "7"}', ("json", "7")),
        ("The answer is 8. After checking, the answer is 7.", ("announced", "7")),
        # thinking is not looked at, open thinking has no answer
        ("<think>The answer is 8.</think>7", ("whole", "7")),
        (r"<think>\boxed{8}</think>The answer is 7", ("announced", "7")),
        ("<think>The answer is 7.", None),
        ("7 <think>or", None),
        ("", None),
        (" \n ", None),
    ],
)
def test_the_most_trusted_channel(text: str, expected: tuple[str, str] | None) -> None:
    assert top(text) == expected


def test_channels_are_declared_and_given_in_the_order_of_trust() -> None:
    assert list(Channel) == ["tag", "box", "json", "announced", "whole", "concluding", "stated"]
    text = 'Six herons wade. So 6.\n{"answer": "5"}\nThe answer is 4. \\boxed{3} <answer>2</answer>'
    order = [list(Channel).index(one.channel) for one in locate(clean(text), "How many herons wade?")]
    assert order == sorted(order)
    assert order[0] == 0


def test_a_tag_tells_by_which_channel_it_gave_its_text() -> None:
    found = next(locate(clean(r"<answer>I get \boxed{7}</answer>")))
    assert (found.channel, found.within, found.text) == (Channel.TAG, Channel.BOX, "7")


# --- Announcements ------------------------------------------------------------------------------------------

# fmt: off
ENGLISH = (
    "The answer is 7", "the final answer is 7", "The correct answer is 7", "Answer: 7", "**Answer:** 7",
    "ANSWER: 7", "**Final Answer**: 7", "Final answer: 7", "### Answer\n7", "Answer\n\n7",
    "The answer would be 7", "The answer must be 7", "The answer to the question is 7",
    "The answer, then, is 7", "My answer is 7", "Ans: 7", "The result is 7", "The solution is 7",
    "The right option is 7", "The correct choice is: 7", "The best answer is 7", "So the answer: 7",
    "answer = 7", "I would choose 7", "I'd go with 7", "I pick 7", "I think it is 7",
    "The answer is therefore 7", "The answer here is most likely 7",
)
# fmt: on


@pytest.mark.parametrize("text", ENGLISH)
def test_announced_in_english(text: str) -> None:
    assert "7" in said(f"Look first at the rails, then at the posts.\n{text}.", "announced")


LANGUAGES = [
    ("es", "La respuesta es 7", "La respuesta correcta es 7", "Respuesta: 7", "La opción correcta es 7"),
    ("fr", "La réponse est 7", "La bonne réponse est 7", "Réponse : 7", "La réponse finale est 7"),
    ("de", "Die Antwort ist 7", "Die richtige Antwort lautet 7", "Antwort: 7", "Die richtige Option ist 7"),
    ("pt", "A resposta é 7", "A resposta correta é 7", "Resposta: 7", "A opção correta é 7"),
    ("it", "La risposta è 7", "La risposta corretta è 7", "Risposta: 7", "L'opzione corretta è 7"),
    ("ru", "Ответ: 7", "Правильный ответ: 7", "Окончательный ответ — 7", "Правильный вариант: 7"),
    ("vi", "Đáp án là 7", "Đáp án đúng là 7", "Đáp án: 7", "Câu trả lời là 7"),
    ("id", "Jawabannya adalah 7", "Jawaban yang benar adalah 7", "Jawaban: 7", "Pilihan yang benar adalah 7"),
    ("tr", "Cevap: 7", "Doğru cevap: 7", "Doğru cevap 7", "Doğru seçenek: 7"),
    ("ar", "الإجابة: 7", "الإجابة الصحيحة هي 7", "الجواب هو 7", "الإجابة النهائية: 7"),
    ("hi", "उत्तर: 7", "सही उत्तर 7", "सही उत्तर: 7"),
    ("zh", "答案是7", "答案：7", "正确答案是 7", "因此，答案为7", "故选7", "正确选项为7", "最终答案：7"),
    ("ja", "答えは7", "答え：7", "正解は 7", "最終的な答えは7"),
    ("ko", "정답은 7", "답: 7", "정답: 7", "최종 답변: 7"),
    ("th", "คำตอบคือ 7", "คำตอบ: 7", "คำตอบที่ถูกต้องคือ 7"),
]


@pytest.mark.parametrize(("language", "text"), [(name, text) for name, *texts in LANGUAGES for text in texts])
def test_announced_in_every_language(language: str, text: str) -> None:
    assert top(f"1 + 6.\n{text}") == ("announced", "7")


@pytest.mark.parametrize(
    "text",
    [
        "I wonder what the answer is.",
        "It is not clear what the answer is",
        "Answers vary",
        "The answer is",
    ],
)
def test_what_announces_nothing(text: str) -> None:
    assert said(text, "announced") == []


@pytest.mark.parametrize(
    "text", ["#### 7", "7 is the answer", "7 is the right answer", "7 is the correct option"]
)
def test_said_to_be_the_answer(text: str) -> None:
    found = read_number(clean(f"Look first at the rails, then at the posts.\n{text}."))
    assert found is not None
    assert found.value.value == 7


# --- Keys of objects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"answer": "teal"}', ["teal"]),
        ("{'answer': 'teal'}", ["teal"]),
        ('{"final_answer": "teal"}', ["teal"]),
        ('{"Final Answer": "teal"}', ["teal"]),
        ('{"selected_option": "teal"}', ["teal"]),
        ('{"option": "teal"}', ["teal"]),
        ('{"answer": 7}', ["7"]),
        ('{"answer": -3.5}', ["-3.5"]),
        ('{"answer": true}', ["true"]),
        ('{"answer": [1, 2]}', ["[1, 2]"]),
        ('{"answer": "say \\"hi\\""}', ['say "hi"']),
        ('```json\n{\n  "reason": "the hue",\n  "answer": "teal"\n}\n```', ["teal"]),
        ('{"answer": "teal", "confidence": 9}', ["teal"]),
        ('{"confidence": 9}', []),
        ('{"reason": "teal"}', []),
        ('{"question": "teal"}', []),
        ('"answer": "teal"', []),
        ("{answer}", []),
        ("{}", []),
    ],
)
def test_only_an_answer_key_is_an_answer(text: str, expected: list[str]) -> None:
    assert said(text, "json") == expected


# --- What is taken back -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is 8. Wait, the answer is 7.", ("announced", "7")),
        ("The answer is 8. Actually, it should be 7.", None),
        ("The answer is 8.\nHold on. The answer is 7.", ("announced", "7")),
        ("Answer: 8\nCorrection: the answer is 7", ("announced", "7")),
        ("The answer is 8. No, wait. The answer is 7.", ("announced", "7")),
        ("The answer is 8. Scratch that, the answer is 7", ("announced", "7")),
        ("8? No, 7", None),
        ("The answer is 8. Let me correct myself: the answer is 7.", ("announced", "7")),
        ("答案是8。等等，答案是7", ("announced", "7")),
        # these take nothing back
        ("The wait time is 8. The answer is 7.", ("announced", "7")),
        ("The actual answer is 7.", ("announced", "7")),
        ("Please wait for the lift. The answer is 7.", ("announced", "7")),
        ("There is actually no 8. The answer is 7.", ("announced", "7")),
    ],
)
def test_what_is_taken_back_is_no_answer(text: str, expected: tuple[str, str] | None) -> None:
    found = top(text)
    if expected is None:
        assert found is not None
        assert "8" not in found[1]
        assert all("8" not in one.text for one in locate(clean(text)))
    else:
        assert found == expected


@pytest.mark.parametrize("text", ["", "wait", "Wait,", "Actually, 7", "7"])
def test_what_stands(text: str) -> None:
    assert standing(text) in (text, "7", "")


# --- Boxes, sentences, conclusions --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\boxed{1} and \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed {x}", "x"),
        (r"\fboxed{x}", "x"),
        (r"\boxed{a{b}c}", "a{b}c"),
        (r"\boxed{7} \boxed{}", "7"),
        (r"\boxed{7} \boxed{8", "7"),
        (r"\boxed{1", None),
        (r"\boxed", None),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_closed_box(text: str, expected: str | None) -> None:
    assert boxed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is red. It is big.", ["It is red.", "It is big."]),
        ("It is red! Is it? Yes.", ["It is red!", "Is it?", "Yes."]),
        ("3.5 is it\n\nx", ["3.5 is it", "x"]),
        ("Dr. Oz came. He left.", ["Dr. Oz came.", "He left."]),
        ("J. R. Roe came. He left.", ["J. R. Roe came.", "He left."]),
        ("See Fig. 3 there. Then go.", ["See Fig. 3 there.", "Then go."]),
        ("It costs $3.50. Fine.", ["It costs $3.50.", "Fine."]),
        ("1. Add", ["1. Add"]),
        ("", []),
        ("\n\n", []),
    ],
)
def test_sentences_end_where_people_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Therefore, it is 7.", "it is 7."),
        ("So 7", "7"),
        ("Hence 7.", "7."),
        ("It is odd, so it is 7.", "it is 7."),
        ("3 + 4 → 7", "7"),
        ("因此是7", "是7"),
        ("It is 7.", None),
        ("Sofas are soft.", None),
        ("", None),
    ],
)
def test_conclusions(text: str, expected: str | None) -> None:
    assert conclusion(text) == expected


def test_plain_has_one_form_of_each_mark() -> None:
    assert plain("**x** `y`") == "x y"
    assert plain("a <b>5</b>") == "a 5"
    assert plain("“Zoë’s”\u00a0cup") == '"Zoë\'s" cup'
    assert plain("x\u200by\u202e") == "xy"
    assert plain("### Head") == "Head"
    assert plain("2*3*4 and a_b_c") == "2*3*4 and a_b_c"


def test_the_first_that_can_be_read_counts_and_an_ambiguous_one_ends_the_search() -> None:
    candidates = [Candidate(Channel.BOX, "x"), Candidate(Channel.ANNOUNCED, "7"), Candidate(Channel.WHOLE, "8")]
    numbers = {"7": 7, "8": 8}
    assert first(candidates, lambda one: numbers.get(one.text)) == Found(7, Channel.ANNOUNCED, "7")
    assert first(candidates, lambda one: AMBIGUOUS if one.text == "x" else 7) is None
    assert first(candidates, lambda one: None) is None
    assert first([], lambda one: 7) is None
    assert first(candidates, lambda one: 0) == Found(0, Channel.BOX, "x")


def test_no_candidate_is_longer_than_what_is_read(hostile: ModuleType) -> None:
    """The patterns that parse a candidate see no more of a response than `LIMIT`, whatever it is made of."""
    for attack in hostile.attacks():
        for candidate in locate(clean(hostile.long(attack, 2 * LIMIT))):
            assert len(candidate.text) <= LIMIT + 2, attack


# --- All candidates of a response, in their order -----------------------------------------------------------

CANDIDATES: list[tuple[str, str, list[tuple[str, str] | tuple[str, str, str]]]] = [
    # (response, question, [(channel, text) and, of what counts only alone, "alone" or its rival])
    ("12", "", [("whole", "12")]),
    ("It is 7.", "", [("whole", "It is 7.")]),
    ("so it is 7", "", [("concluding", "it is 7"), ("whole", "so it is 7")]),
    (
        "One.\nTwo is it?\nThree.",
        "Which is it?",
        [("whole", "One.", "Three."), ("concluding", "Three.", "alone"), ("stated", "Three.")],
    ),
    (
        "First line\nSo x is 5.\nThe value is 7, therefore 8.\nEnd.",
        "What is the value?",
        [
            ("whole", "First line", "End."),
            ("concluding", "End.", "alone"),
            ("concluding", "8."),
            ("concluding", "x is 5."),
            ("stated", "The value is 7, therefore 8."),
            ("stated", "End."),
        ],
    ),
    (
        "A is correct.\nB is wrong.",
        "",
        [
            ("whole", "A is correct.", "B is wrong."),
            ("concluding", "B is wrong.", "alone"),
            ("concluding", "A"),
            ("stated", "B is wrong."),
        ],
    ),
    (
        "A: correct\nB: true",
        "",
        [
            ("whole", "A: correct", "B: true"),
            ("concluding", "B: true", "alone"),
            ("concluding", "A | B"),
            ("stated", "B: true"),
        ],
    ),
    (
        "3 + 4 = 7.\nDone.",
        "",
        [
            ("whole", "3 + 4 = 7.", "Done."),
            ("concluding", "Done.", "alone"),
            ("concluding", "3 + 4 = 7."),
            ("stated", "Done."),
        ],
    ),
    ("I cannot tell.\nIt is 5.", "", [("whole", "I cannot tell.", "It is 5.")]),
    (
        r"<answer>x. \boxed{5}</answer> The answer is 6",
        "",
        [
            ("tag", "5"),
            ("tag", "x.", r"\boxed{5}"),
            ("tag", r"\boxed{5}", "alone"),
            ("tag", r"\boxed{5}"),
            ("box", "5"),
            ("announced", "6"),
            ("whole", "x.", r"\boxed{5}  The answer is 6"),
            ("concluding", r"\boxed{5}  The answer is 6", "alone"),
            ("stated", r"\boxed{5}  The answer is 6"),
        ],
    ),
    ("{\"answer\": 'x'}", "", [("json", "x"), ("whole", "{\"answer\": 'x'}")]),
    (r'{"answer": "\\frac"}', "", [("json", r"\frac"), ("whole", r'{"answer": "\\frac"}')]),
    (r"\boxed{**x**}", "", [("box", "x"), ("whole", r"\boxed{x}")]),
    ("Wait, 5", "", [("whole", "5")]),
    ("<think>a", "", []),
]


@pytest.mark.parametrize(("text", "question", "candidates"), CANDIDATES)
def test_all_candidates(
    text: str, question: str, candidates: list[tuple[str, str] | tuple[str, str, str]]
) -> None:
    found = [
        (one.channel, one.text, *([one.rival or "alone"] if one.alone else []))
        for one in locate(clean(text), question)
    ]
    assert found == candidates


def test_the_four_sentences_that_repeat_most_of_the_question_are_stated() -> None:
    told = [f"The red car number {number} stops." for number in range(6)]
    response = clean("\n".join(["A car drives.", *told, "Nothing else.", "Red?"]))
    stated = [one.text for one in locate(response, "Where does the red car stop?") if one.channel == "stated"]
    assert stated == [*told[:1:-1], "Nothing else."]


def test_a_first_line_and_a_last_one_that_differ_are_no_answer() -> None:
    numbers = {"7": 7, "8": 8}

    def read(text: str) -> int | None:
        found = first([Candidate(Channel.WHOLE, "7", True, text)], lambda one: numbers.get(one.text))
        return None if found is None else found.value

    assert (read("7"), read("x"), read("8")) == (7, 7, None)


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("5. Wait, 6", "6"),
        ("B? No, C.", "C."),
        ("x, no wait: 7", "7"),
        ("wait, 5", "5"),
        ("Wait", "Wait"),
        ("5. Actually, 6. Wait.", ""),
        ("Hmm, 7", "Hmm, 7"),
    ],
)
def test_what_stands_after_it(text: str, stands: str) -> None:
    assert standing(text) == stands


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 + 4 = 7", "3 + 4 = 7"),
        ("5 ≈ 5.1 cm", "5 ≈ 5.1 cm"),
        ("2 = two", None),
        ("so it is 7, hence 8", "8"),
        ("Therefore", None),
        ("therefore, ", None),
    ],
)
def test_the_last_conclusion(text: str, expected: str | None) -> None:
    assert conclusion(text) == expected


def test_a_long_text_is_read_at_its_ends() -> None:
    assert plain("x" * LIMIT) == "x" * LIMIT
    assert plain("a" * LIMIT + "b" * LIMIT) == "a" * (LIMIT // 8) + "\n" + "b" * (LIMIT * 7 // 8)
    assert plain("a" + " " * 20 + "b" + " " * 10 + "\n" + " " * 10 + "c") == "a b\nc"
    assert plain("a" + " " * 15 + "b") == "a" + " " * 15 + "b"


def test_the_limits_of_boxes() -> None:
    assert boxed(r"\boxed{" + "x" * 4095 + "}") == "x" * 4095
    assert boxed(r"\boxed{" + "x" * 4096 + "}") is None
    assert boxed(r"\boxed{a}" + r"\boxed{" * 63) == "a"
    assert boxed(r"\boxed{a}" + r"\boxed{" * 64) is None
    assert boxed(r"\boxed{5}" + " " * (LIMIT - 9)) == "5"
    assert boxed(r"\boxed{5}" + " " * (LIMIT - 8)) is None


@pytest.mark.parametrize(
    ("candidate", "prose", "in_box", "refused"),
    [
        (Candidate(Channel.WHOLE, "I cannot tell"), True, False, True),
        (Candidate(Channel.STATED, "I cannot tell"), True, False, True),
        (Candidate(Channel.CONCLUDING, "7"), True, False, False),
        (Candidate(Channel.ANNOUNCED, "I cannot tell"), False, False, False),
        (Candidate(Channel.BOX, "I cannot tell"), False, True, False),
        (Candidate(Channel.TAG, "I cannot tell", within=Channel.WHOLE), True, False, True),
        (Candidate(Channel.TAG, "I cannot tell", within=Channel.BOX), False, True, False),
    ],
)
def test_what_a_candidate_is(candidate: Candidate, prose: bool, in_box: bool, refused: bool) -> None:
    assert (candidate.prose, candidate.boxed, candidate.refused) == (prose, in_box, refused)
