"""The parts of evaluation that reason: intervals, pass@k, rewards, failures, lenient answers, cells, protocols."""

from __future__ import annotations

import json
import random
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awm_lib.agents.agent import ToolView
from awm_lib.agents.lenient import lenient_reply
from awm_lib.agents.meta import MetaProtocol, listing
from awm_lib.agents.native import NativeProtocol
from awm_lib.agents.protocol import read_arguments
from awm_lib.agents.samples import sample_object
from awm_lib.contracts.judgement import Vote
from awm_lib.contracts.run import RewardScale
from awm_lib.contracts.tasks import AnswerForm
from awm_lib.contracts.trajectory import Problem, ToolCall, TrialVerdict
from awm_lib.errors import AwmError
from awm_lib.evaluation.cells import apply_changes, encode_changes, from_json, to_json
from awm_lib.evaluation.compare import Side, compare
from awm_lib.evaluation.failure import failure
from awm_lib.evaluation.intervals import difference, effective_size, estimate, pass_all, pass_any
from awm_lib.evaluation.judgements import settle
from awm_lib.evaluation.outcome import Outcome
from awm_lib.evaluation.rewards import format_reward, judged_reward, outcome_reward, reward, step_rewards
from awm_lib.evaluation.sqljudge import read_vote
from awm_lib.llm.chat import ChatReply
from awm_lib.llm.chat import ToolCall as WantedCall
from awm_lib.runtime.state import changes
from awm_lib.verify.answers import Answer
from tests.shop import shop

TASKS = st.dictionaries(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 9).map(str)), st.floats(0, 1), min_size=1, max_size=40
)


# Intervals


@given(TASKS)
def test_an_interval_holds_the_mean_and_stays_within_bounds(values: dict[tuple[str, str], float]) -> None:
    found = estimate(values)
    assert 0 <= found.low <= found.mean + 1e-6
    assert found.mean - 1e-6 <= found.high <= 1
    assert found.mean == pytest.approx(sum(values.values()) / len(values), abs=1e-6)


def test_certain_results_leave_doubt_by_their_number() -> None:
    few, many = ({(str(at), "t01"): 1.0 for at in range(count)} for count in (10, 1_000))
    assert estimate(few).low < estimate(many).low < 1
    assert (estimate(many).mean, estimate(many).high) == (1.0, 1.0)


def test_tasks_of_one_environment_count_for_less() -> None:
    """Ten environments that succeed or fail as a whole are ten results, not a hundred."""
    together = {
        (str(environment), str(task)): float(environment % 2) for environment in range(10) for task in range(10)
    }
    apart = {(str(environment), str(task)): float(task % 2) for environment in range(10) for task in range(10)}
    assert effective_size(together, 0.5) == pytest.approx(9, abs=1)
    assert effective_size(apart, 0.5) >= 100


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Simulated: environments of unequal difficulty, tasks in them."""
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        rates = [min(1.0, max(0.0, chance.gauss(0.6, 0.2))) for _ in range(30)]
        values = {(str(e), str(t)): float(chance.random() < rate) for e, rate in enumerate(rates) for t in range(8)}
        found = estimate(values)
        held += found.low <= 0.597 <= found.high  # the mean of the clipped rates
    assert 0.91 <= held / 400 <= 0.99


@given(TASKS, TASKS)
def test_a_difference_is_antisymmetric(one: dict[tuple[str, str], float], other: dict[tuple[str, str], float]) -> None:
    if not one.keys() & other.keys():
        return
    there, back = difference(one, other), difference(other, one)
    assert there.mean == pytest.approx(-back.mean, abs=1e-6)
    assert there.low == pytest.approx(-back.high, abs=1e-5)
    assert there.low - 1e-6 <= there.mean <= there.high + 1e-6


def test_pairing_narrows_a_difference() -> None:
    tasks = [(str(environment), "t01") for environment in range(100)]
    one = {task: float(at % 2) for at, task in enumerate(tasks)}
    alike = {task: float(at % 2 or at % 10 == 0) for at, task in enumerate(tasks)}
    unlike = {task: float(at % 2 == 0 or at % 10 == 1) for at, task in enumerate(tasks)}
    width = [found.high - found.low for found in (difference(alike, one), difference(unlike, one))]
    assert difference(alike, one).mean == difference(unlike, one).mean == 0.1
    assert width[0] < width[1] / 2
    assert difference(alike, one).low > 0


@given(st.lists(st.booleans(), min_size=1, max_size=7), st.data())
def test_pass_at_k_is_the_mean_over_all_choices(results: list[bool], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(results)))
    chosen = list(combinations(results, k))
    trials, complete = len(results), sum(results)
    assert pass_any(trials, complete, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))
    assert pass_all(trials, complete, k) == pytest.approx(sum(map(all, chosen)) / len(chosen))


def outcome(task: str, complete: bool, *, masked: bool = False, scenario: str = "shop_1") -> Outcome:
    return Outcome(
        scenario, task, 1, complete, masked, 0.0, None, None, "answered", 1, 1, (), 0, 0.0, 0.0, 0.0, 0.0, "shop",
        "action", "easy", (),
    )  # fmt: skip


def test_runs_are_compared_over_what_both_have_tried() -> None:
    one = Side("one", [outcome("t01", True), outcome("t02", True), outcome("t03", True, masked=True)])
    other = Side("other", [outcome("t01", False), outcome("t02", True), outcome("t03", False), outcome("t04", True)])
    found = compare(one, other)
    assert (found.tasks, found.only_one, found.only_other) == (2, 0, 2)
    assert (found.better, found.worse, found.difference.mean) == (1, 0, 0.5)
    assert [(item.task, item.one, item.other) for item in found.differing] == [("t01", 1.0, 0.0)]
    with pytest.raises(AwmError, match="no task in common"):
        compare(one, Side("third", [outcome("t09", True)]))


# Rewards and failures


def verdict(result: Any, partial: float = 0.0, **evidence: Any) -> TrialVerdict:
    return TrialVerdict(result=result, partial=partial, evidence=evidence)


def problem(error_class: Any, kind: str, turn: int | None = 1) -> Problem:
    return Problem(error_class=error_class, kind=kind, message=kind, turn=turn)


def test_the_outcome_reward_is_the_papers_unless_configured() -> None:
    assert outcome_reward(verdict("complete", 1.0)) == 1.0
    assert outcome_reward(verdict("others", 0.5)) == 0.1
    assert outcome_reward(verdict("others", 0.0)) == 0.0
    assert outcome_reward(verdict("others", 0.5), RewardScale(partial=0.3)) == 0.3


def test_the_format_reward_is_for_the_first_step_against_it() -> None:
    assert format_reward([]) == 0
    assert format_reward([problem("agent", "unknown_tool")]) == -1
    assert format_reward([problem("environment", "internal")]) == 0
    assert step_rewards(4, [], 1.0) == [0.0, 0.0, 0.0, 1.0]
    assert step_rewards(4, [problem("agent", "not_listed", 2), problem("agent", "unknown_tool", 3)], 1.0) == [0.0, -1.0]
    assert step_rewards(0, [], 1.0) == []


def test_errors_that_are_not_the_agents_mask_a_trial() -> None:
    for kind in ("environment", "infrastructure"):
        found = reward(verdict("complete", 1.0), [problem(kind, "internal")])
        assert (found.masked, found.outcome, found.format) == (True, None, None)
    assert reward(None, []).masked
    assert reward(verdict("complete", 1.0), [problem("agent", "malformed_call")]).outcome == 1.0


def test_a_models_verdict_has_the_papers_reward() -> None:
    assert [judged_reward(name) for name in ("complete", "incomplete", "agent_error", "server_error")] == [
        1,
        0.1,
        0,
        None,
    ]


CALL = ToolCall(turn=1, tool="list_orders", arguments={}, result={"items": []})
BAD = ToolCall(turn=1, tool="genie", arguments={}, result={}, error="unknown_tool", well_formed=False)
MISSING: dict[str, Any] = {"missing": [{"table": "a"}], "expected": [{"table": "a"}]}


@pytest.mark.parametrize(
    ("stop", "problems", "calls", "found", "expected"),
    [
        ("answered", [], [CALL], verdict("complete", 1.0), None),
        ("turns", [], [CALL], verdict("complete", 1.0), None),
        ("violation", [], [CALL], verdict("complete", 1.0), ("agent", "violation")),
        ("answered", [problem("environment", "internal")], [CALL], verdict("complete", 1.0),
         ("environment", "internal")),
        ("error", [problem("agent", "unknown_tool"), problem("infrastructure", "timeout")], [CALL],
         verdict("others"), ("infrastructure", "timeout")),
        ("answered", [], [CALL], verdict("others", unproven="no solution"), ("environment", "unproven")),
        ("answered", [], [CALL], verdict("others", **MISSING), ("agent", "incomplete")),
        ("answered", [], [CALL], verdict("others", unexpected=[{"table": "b"}], **MISSING), ("agent", "side_effect")),
        ("answered", [], [], verdict("others", **MISSING), ("agent", "no_action")),
        ("answered", [problem("agent", "unknown_tool")], [BAD], verdict("others", **MISSING),
         ("agent", "unknown_tool")),
        ("answered", [problem("agent", "unknown_tool")], [BAD, CALL], verdict("others", **MISSING),
         ("agent", "incomplete")),
        ("answered", [], [CALL], verdict("others", goal=False), ("agent", "goal_missed")),
        ("answered", [], [CALL], verdict("others", answer={"submitted": None}), ("agent", "no_answer")),
        ("answered", [], [CALL], verdict("others", answer={"submitted": "7"}), ("agent", "wrong_answer")),
        ("turns", [], [CALL, CALL, CALL], verdict("others", **MISSING), ("agent", "loop")),
        ("turns", [], [CALL, CALL], verdict("others", **MISSING), ("agent", "turn_limit")),
        ("seconds", [], [CALL], verdict("others", **MISSING), ("agent", "time_limit")),
        ("answered", [], [CALL], None, ("environment", "unjudged")),
    ],
)  # fmt: skip
def test_a_failure_has_one_reason_and_one_culprit(
    stop: Any, problems: list[Problem], calls: list[ToolCall], found: TrialVerdict | None, expected: Any
) -> None:
    reason = failure(stop, problems, calls, found)
    assert (reason and (reason.error_class, reason.kind)) == expected


def test_votes_are_settled_by_number_then_by_confidence() -> None:
    def vote(name: Any, confidence: float) -> Vote:
        return Vote(reasoning="", verdict=name, confidence=confidence)

    assert settle([vote("complete", 0.6), vote("incomplete", 0.99), vote("complete", 0.8)]) == ("complete", 0.7)
    assert settle([vote("complete", 0.6), vote("incomplete", 0.9)]) == ("incomplete", 0.9)


@pytest.mark.parametrize(
    "text", ["", "complete", "{}", "}{", '{"verdict": "complete"}', '{"verdict": "maybe"}', "\x00{"]
)
def test_what_is_no_vote_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"vote|JSON|required|Invalid"):
        read_vote(text)


# Final states


@given(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(), st.binary(), st.floats(allow_nan=False)))
def test_cells_go_through_json_and_back(value: Any) -> None:
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


def test_a_final_state_is_made_again_from_its_changes() -> None:
    env = shop()
    episode = env.start("t01")
    for product in (1, 3):
        assert episode.call("order_product", {"product_id": product, "quantity": 2}).ok
    assert episode.call("cancel_order", {"order_id": 1}).ok
    found = encode_changes(episode.changes())
    again = apply_changes(env.initial, found, episode.now)
    assert changes(again, episode.state()) == []
    assert changes(episode.state(), again) == []
    with pytest.raises(ValueError, match="does not fit"):
        apply_changes(again, found, episode.now)
    with pytest.raises(ValueError, match="no table"):
        apply_changes(env.initial, [found[0].model_copy(update={"table": "nowhere"})], episode.now)


# Protocols


@given(st.text())
def test_any_text_is_a_call_or_none(text: str) -> None:
    for reply in (text, f"<tool_call>{text}</tool_call>", f"<tool_call>{text}"):
        for wanted in MetaProtocol().wanted(ChatReply(reply)):
            assert wanted.malformed is not None or isinstance(wanted.tool, str)


@given(st.text(), st.text())
def test_any_arguments_are_read_or_refused(name: str, text: str) -> None:
    (wanted,) = NativeProtocol().wanted(ChatReply(tool_calls=(WantedCall("c", name, text),)))
    if wanted.malformed is None:
        json.dumps(wanted.arguments, allow_nan=False).encode()


@pytest.mark.parametrize("text", ["NaN", "[" * 100_000, '{"a": Infinity}', "{'a': 1}", "[" * 50 + "]" * 50])
def test_hostile_arguments_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|deep"):
        read_arguments(text)


def test_lone_surrogates_do_not_reach_a_record() -> None:
    assert read_arguments('{"a": ["\\ud800"]}') == {"a": ["?"]}


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ('{"name": "list_tools", "arguments": null}', "list_tools", None),
        (
            '{"name": "call_tool", "arguments": {"tool_name": "mcp_tool_pay", "arguments": "{\\"a\\": 1}"}}',
            "pay",
            {"a": 1},
        ),
        ('{"name": "call_tool", "arguments": {"tool_name": "pay", "arguments": {"a": 1}}}', "pay", {"a": 1}),
        ('{"name": "call_tool", "arguments": {"tool_name": "pay", "arguments": "{"a": "b"}"}}', "pay", {"a": "b"}),
        ('{"name": "call_tool", "arguments": "{\\"tool_name\\": \\"pay\\"}"}', "pay", {}),
        ('{"name": "mcp_tool_pay", "arguments": {"a": 1}}', "pay", {"a": 1}),
        ('{"name": "pay", "arguments": {}}', "pay", {}),
    ],
)
def test_calls_as_models_of_the_reference_write_them(text: str, tool: str, arguments: Any) -> None:
    (wanted,) = MetaProtocol().wanted(ChatReply(f"I will.\n<tool_call>\n{text}\n</tool_call>"))
    assert wanted.malformed is None
    assert (wanted.tool, wanted.arguments) == (tool, arguments)


def test_calls_within_thoughts_are_not_made_and_only_the_first_is() -> None:
    call = '<tool_call>{"name": "list_tools"}</tool_call>'
    assert MetaProtocol().wanted(ChatReply(f"<think>{call}</think>Done.")) == []
    assert MetaProtocol().wanted(ChatReply(f"<think>{call}")) == []
    assert len(MetaProtocol().wanted(ChatReply(call * 3))) == 1


def test_the_list_of_tools_has_every_parameter() -> None:
    env = shop()
    text = listing([ToolView(tool.name, tool.summary, tool.input_schema) for tool in env.tools.values()])
    assert text.startswith(f"Available MCP Tools ({len(env.tools)} tools):")
    for name, tool in env.tools.items():
        part = text.split(f"mcp_tool_{name}\n")[1].split("mcp_tool_")[0]
        for parameter, schema in tool.input_schema["properties"].items():
            needed = "required" if parameter in tool.input_schema.get("required", []) else "optional"
            assert f"- {parameter}: {schema['type']} ({needed})" in part


def test_samples_keep_the_schemas_of_all_tools() -> None:
    env, chance = shop(), random.Random(1)
    for tool in env.tools.values():
        for _ in range(30):
            tool.bind(sample_object(tool.input_schema, chance))


# Lenient answers


@pytest.mark.parametrize(
    ("kind", "value", "reply"),
    [
        ("money", 38.97, "Three of them cost 3 x $12.99, which is **$38.97**."),
        ("integer", 4, "You have 12 orders, of which 4 are open."),
        ("date", "2025-03-10", "It will arrive on March 10, 2025."),
        ("text", "hdmi cable", "The best one is the **hdmi cable**."),
        ("text", "desk lamp", "Your answer: desk lamp"),
        ("id", "ORD-00003", "That is order ORD-00003."),
        ("list", ["a", "b"], "These are:\n- a\n- **b**"),
        ("list", [1, 2], "So the answer is [1, 2]."),
        ("money", 5, "<think>maybe 7</think>It is $5.00"),
    ],
)
def test_a_lenient_reading_finds_the_answer_in_prose(kind: Any, value: Any, reply: str) -> None:
    form = AnswerForm(type=kind)
    assert not Answer(kind, value).accepts(reply)
    assert Answer(kind, value).accepts(lenient_reply(reply, form))


@given(st.text(), st.sampled_from(["text", "integer", "decimal", "money", "date", "id", "list"]))
def test_a_lenient_reading_never_fails(reply: str, kind: Any) -> None:
    found = lenient_reply(reply, AnswerForm(type=kind))
    assert found is not None
    assert found.startswith(reply)


def test_a_marked_answer_is_left_alone() -> None:
    reply = "It is 7. <answer>5</answer>"
    assert lenient_reply(reply, AnswerForm(type="integer")) == reply
    assert lenient_reply("Done.", None) == "Done."
