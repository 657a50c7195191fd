"""Answers: only the submitted value counts, in any of the forms that people write it in."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awm_lib.verify import Answer
from awm_lib.verify.answers import submitted

MONEY = Answer("money", 1299.5, unit="USD")
COUNT = Answer("integer", 1200, unit="minutes")
DAY = Answer("date", "2025-03-04")
TEXT = Answer("text", "Anna O'Neil")
ID = Answer("id", "ORD-00017")
NUMBER_ID = Answer("id", 17)
LIST = Answer("list", ["hdmi cable", "desk lamp", "small mouse"])
ORDERED = Answer("list", ["hdmi cable", "desk lamp", "small mouse"], ordered=True)
NUMBERS = Answer("list", [3, 17, 4])

RIGHT: list[tuple[Answer, str]] = [
    (MONEY, "1299.5"),
    (MONEY, "1299.50"),
    (MONEY, "$1,299.50"),
    (MONEY, "1,299.50 USD"),
    (MONEY, "USD 1299.50"),
    (MONEY, " 1299.50. "),
    (MONEY, "usd 1,299.5"),
    (MONEY, "€1299.50"),
    (MONEY, "1299.50 $"),
    (MONEY, "+1299.50"),
    (Answer("money", -12.5), "-$12.50"),
    (Answer("money", -12.5), "-12.5"),
    (COUNT, "1200"),
    (COUNT, "1,200"),
    (COUNT, "1200 minutes"),
    (COUNT, "1200.0"),
    (COUNT, "1200."),
    (DAY, "2025-03-04"),
    (DAY, "March 4, 2025"),
    (DAY, "4 March 2025"),
    (DAY, "Mar 4, 2025"),
    (DAY, "03/04/2025"),
    (DAY, "2025-03-04 00:00:00"),
    (DAY, "2025-03-04T10:00"),
    (DAY, "March  04, 2025."),
    (DAY, "march 4, 2025"),
    (TEXT, "Anna O'Neil"),
    (TEXT, "anna  o'neil"),
    (TEXT, "Anna O’Neil."),
    (TEXT, '"Anna O\'Neil"'),
    (TEXT, "`Anna O'Neil`"),
    (ID, "ORD-00017"),
    (ID, "ord-00017"),
    (ID, "#ORD-00017"),
    (NUMBER_ID, "17"),
    (NUMBER_ID, "#17"),
    (LIST, "hdmi cable, desk lamp, small mouse"),
    (LIST, "small mouse; hdmi cable; desk lamp"),
    (LIST, "- small mouse\n- hdmi cable\n- desk lamp\n"),
    (LIST, "1. Desk Lamp\n2. HDMI cable\n3. small mouse"),
    (LIST, '["desk lamp", "hdmi cable", "small mouse"]'),
    (ORDERED, "hdmi cable, desk lamp, small mouse"),
    (NUMBERS, "[3, 17, 4]"),
    (NUMBERS, "4, 3, 17"),
    (NUMBERS, "#3, #4, #17"),
]

WRONG: list[tuple[Answer, str | None]] = [
    (MONEY, "1299.51"),
    (MONEY, "1299"),
    (MONEY, "129950"),
    (MONEY, "It is 1299.50"),
    (MONEY, "1299.50 or 1300"),
    (MONEY, "12,99.50"),
    (MONEY, "1299.50 USD USD"),
    (MONEY, "-1299.50"),
    (MONEY, "--1299.50"),
    (MONEY, "nan"),
    (MONEY, "inf"),
    (COUNT, "1201"),
    (COUNT, "1200 hours"),
    (COUNT, "twelve hundred"),
    (COUNT, "1200 1200"),
    (COUNT, "0x4b0"),
    (DAY, "2025-03-05"),
    (DAY, "March 4"),
    (DAY, "2025-13-04"),
    (DAY, "on 2025-03-04"),
    (DAY, "2025-03-04 and 2025-03-05"),
    (TEXT, "Anna"),
    (TEXT, "Anna O'Neil and Bo"),
    (TEXT, "The answer is Anna O'Neil"),
    (ID, "ORD-17"),
    (ID, "ORD-000171"),
    (NUMBER_ID, "117"),
    (LIST, "hdmi cable, desk lamp"),
    (LIST, "hdmi cable, desk lamp, small mouse, small mouse"),
    (LIST, "hdmi cable, hdmi cable, desk lamp"),
    (LIST, "hdmi cable, desk lamp, small mouse, usb cable"),
    (ORDERED, "desk lamp, hdmi cable, small mouse"),
    (NUMBERS, "3, 17"),
    (NUMBERS, "3, 17, 4, 5"),
    (NUMBERS, "[[3, 17, 4]]"),
    *((answer, reply) for answer in (MONEY, DAY, TEXT, LIST) for reply in (None, "", "   ", "<answer></answer>")),
]


@pytest.mark.parametrize(("answer", "reply"), RIGHT)
def test_the_value_is_right_in_any_form(answer: Answer, reply: str) -> None:
    assert answer.accepts(reply)
    assert answer.accepts(f"I have looked it up: it could be 5.\n<answer>{reply}</answer>\nAnything else?")


@pytest.mark.parametrize(("answer", "reply"), WRONG)
def test_anything_else_is_wrong(answer: Answer, reply: str | None) -> None:
    assert not answer.accepts(reply)
    if reply is not None:
        assert not answer.accepts(f"<answer>{reply}</answer>")


def test_prose_around_a_block_never_counts() -> None:
    assert not MONEY.accepts("It is 1299.50. <answer>1300</answer> (or 1299.50)")
    assert not TEXT.accepts("Anna O'Neil <answer>Bo</answer>")
    assert MONEY.accepts("No, not 1300. <ANSWER>\n  1299.50\n</ANSWER> Sorry for that.")


def test_the_last_block_counts() -> None:
    assert MONEY.accepts("<answer>1300</answer> wait <answer>1299.50</answer>")
    assert not MONEY.accepts("<answer>1299.50</answer> wait <answer>1300</answer>")


def test_a_block_starts_at_the_last_mark_before_its_end() -> None:
    assert MONEY.accepts("I shall put it into <answer> marks: <answer>1299.50</answer>")
    assert submitted("<answer>1<answer>2</answer>") == "2"


def test_a_long_reply_is_not_cut_to_its_value() -> None:
    assert not MONEY.accepts("1299.50" + " " * 30_000 + "is what it is not")
    assert not TEXT.accepts("Anna O'Neil" + "\n" * 19_990 + " or anybody")
    assert MONEY.accepts("thinking " * 50_000 + "<answer>1299.50</answer>")


def test_a_tolerance_is_for_numbers_and_inclusive() -> None:
    answer = Answer("decimal", 4.2, tolerance=0.1)
    assert [answer.accepts(text) for text in ("4.1", "4.3", "4.25", "4.0999", "4.31")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_decimals_are_equal_up_to_noise() -> None:
    assert Answer("decimal", 0.1 + 0.2).accepts("0.3")
    assert not Answer("decimal", 0.3).accepts("0.3001")
    assert Answer("decimal", 0.00005).accepts("0.00005")
    assert Answer("decimal", 0.00005).accepts(str(0.00005)), "as Python writes it"


def test_equal_items_of_a_list_count_as_often_as_they_come() -> None:
    answer = Answer("list", ["a", "a", "b"])
    assert answer.accepts("b, a, a")
    assert not answer.accepts("a, b, b")
    assert not answer.accepts("a, b")


_WORDS = st.text(st.characters(categories=("L",), max_codepoint=0x17F), min_size=1, max_size=12)


@settings(deadline=None)
@given(st.integers(-(10**9), 10**9))
def test_every_whole_number_is_accepted_in_every_notation_and_its_neighbours_are_not(value: int) -> None:
    answer = Answer("integer", value, unit="pieces")
    for text in (str(value), f"{value:,}", f"{value} pieces", f"<answer> {value}</answer>", f"{value}.00"):
        assert answer.accepts(text), text
    for other in (value + 1, value - 1, value * 10 + 1, -value or 1):
        assert not answer.accepts(str(other))


@settings(deadline=None)
@given(st.integers(-(10**8), 10**8))
def test_every_amount_is_accepted_in_every_notation_and_a_cent_more_is_not(cents: int) -> None:
    value = round(cents / 100, 2)
    answer = Answer("money", value, unit="USD")
    sign = "-" if value < 0 else ""
    for text in (str(value), f"{value:.2f}", f"{value:,.2f}", f"{sign}${abs(value):,.2f}", f"{value:.2f} USD"):
        assert answer.accepts(text), text
    assert not answer.accepts(f"{(cents + 1) / 100:.2f}")


@settings(deadline=None)
@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)))
def test_every_day_is_accepted_in_every_notation(day: date) -> None:
    answer = Answer("date", str(day))
    for layout in ("%Y-%m-%d", "%B %d, %Y", "%d %B %Y", "%b %d, %Y", "%m/%d/%Y"):
        assert answer.accepts(day.strftime(layout))
    assert not answer.accepts(str(day.replace(year=day.year - 1, day=min(day.day, 28))))


@settings(deadline=None)
@given(st.lists(_WORDS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_list_is_accepted_in_any_order_and_notation(items: list[str], chance: Any) -> None:
    answer = Answer("list", items)
    mixed = list(items)
    chance.shuffle(mixed)
    for text in (", ".join(mixed), "\n".join(f"- {item}" for item in mixed), json.dumps(mixed)):
        assert answer.accepts(text), text
    assert not answer.accepts(json.dumps([*mixed, "another"]))
    assert not answer.accepts(json.dumps(mixed[1:]))


@settings(deadline=None)
@given(_WORDS)
def test_a_text_is_itself_and_no_part_or_extension_of_itself(text: str) -> None:
    answer = Answer("text", text)
    assert answer.accepts(f"  {text} ")
    assert answer.accepts(f'"{text}".') or answer.accepts(f'"{text}"')
    assert not answer.accepts(f"{text} {text}")
    assert not answer.accepts(f"It is {text}")


_ANY = st.text(max_size=200) | st.text('0123456789.,-$<>/answer[]"\\ \n', max_size=60)


@settings(deadline=None, max_examples=150)
@given(_ANY, st.sampled_from([MONEY, COUNT, DAY, TEXT, ID, LIST, ORDERED, NUMBERS]))
def test_no_reply_breaks_the_comparison(reply: str, answer: Answer) -> None:
    assert answer.accepts(reply) in (True, False)
    assert answer.accepts(f"<answer>{reply}</answer>") in (True, False)


@pytest.mark.parametrize(
    "reply",
    [
        "[" * 50_000,
        "<answer>" + "[" * 15_000 + "</answer>",
        "9" * 19_000,
        "1e999999999",
        "<answer>" * 20_000,
        ", " * 9_000,
    ],
)
def test_hostile_replies_are_wrong_and_quick(reply: str) -> None:
    for answer in (MONEY, COUNT, DAY, TEXT, LIST, NUMBERS):
        assert not answer.accepts(reply)
