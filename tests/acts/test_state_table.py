"""Every act in every state: it fits exactly where the product's table says, and is refused elsewhere without effect.

The table stands here a second time, written out by hand from the product's description: which acts fit a situation, and
the state that each of them leads to. Nothing of it is derived from the classes that it is held against.
"""

from collections.abc import Callable

import pytest

from app.domain.lifecycle import ACTS, SYSTEM
from tests.acts import reaching
from tests.acts.reaching import Reached
from tests.service import Tenant

# What goes on beside the decision, in every state but `held`, `redirected` and `withdrawn`. Telling comes last, because
# the rule may close what its author was told.
BESIDE = ("log_time", "message", "note", "request_support", "settle_support", "tell")

SITUATIONS: dict[str, tuple[Callable[[Tenant], Reached], str, tuple[str, ...], dict[str, str]]] = {
    # name: how it is reached, its state, the acts that stay in it, the acts that lead on (each with where)
    "submitted": (
        reaching.submitted,
        "submitted",
        (*BESIDE, "endorse"),
        {"acknowledge": "acknowledged", "redirect": "redirected", "withdraw": "withdrawn", "hold": "held"},
    ),
    "held": (reaching.held, "held", ("note",), {"clear": "submitted", "redirect": "redirected"}),
    "redirected": (reaching.redirected, "redirected", ("note",), {}),
    "acknowledged": (
        reaching.acknowledged,
        "acknowledged",
        (*BESIDE, "endorse", "assign"),
        {
            "ask": "needs_information",
            "start_review": "under_review",
            "decide": "delivering",
            "merge": "merged",
            "redirect": "redirected",
            "withdraw": "withdrawn",
            "hold": "held",
        },
    ),
    "acknowledged, no days left for questions": (
        reaching.no_days_left,
        "acknowledged",
        (*BESIDE, "endorse", "assign"),
        {
            "start_review": "under_review",
            "decide": "delivering",
            "merge": "merged",
            "redirect": "redirected",
            "withdraw": "withdrawn",
            "hold": "held",
        },
    ),
    "needs_information": (
        reaching.needs_information,
        "needs_information",
        (*BESIDE, "endorse", "assign"),
        {"answer": "acknowledged", "withdraw": "withdrawn", "hold": "held"},
    ),
    "under_review": (
        reaching.under_review,
        "under_review",
        (*BESIDE, "endorse", "assign", "vote", "start_review"),
        {
            "ask": "needs_information",
            "decide": "delivering",
            "merge": "merged",
            "withdraw": "withdrawn",
            "hold": "held",
        },
    ),
    "delivering": (
        reaching.delivering,
        "delivering",
        (*BESIDE, "endorse", "assign", "recommit", "give_verdict", "withdraw"),
        {"hold": "held"},
    ),
    "delivering, implemented": (
        reaching.implemented,
        "delivering",
        (*BESIDE, "endorse", "assign", "recommit", "give_verdict", "withdraw", "confirm"),
        {"hold": "held"},
    ),
    "delivering, stopped": (
        reaching.stopped,
        "delivering",
        (*BESIDE, "endorse", "assign", "recommit", "give_verdict", "withdraw"),
        {"appeal": "acknowledged", "hold": "held"},
    ),
    "delivering, stopped four weeks ago": (
        reaching.later(reaching.stopped, 28),
        "delivering",
        (*BESIDE, "endorse", "assign", "recommit", "give_verdict", "withdraw"),
        {"hold": "held"},
    ),
    "delivering, the trial has its result": (
        reaching.trial_done,
        "delivering",
        (*BESIDE, "endorse", "assign", "recommit", "give_verdict", "withdraw", "decide"),
        {"start_review": "under_review", "hold": "held"},
    ),
    "deferred": (
        reaching.deferred,
        "deferred",
        (*BESIDE, "endorse", "assign", "give_verdict"),
        {"appeal": "acknowledged", "withdraw": "withdrawn", "hold": "held"},
    ),
    "deferred four weeks ago": (
        reaching.later(reaching.deferred, 28),
        "deferred",
        (*BESIDE, "endorse", "assign", "give_verdict"),
        {"withdraw": "withdrawn", "hold": "held"},
    ),
    "decided": (
        reaching.decided,
        "decided",
        (*BESIDE, "assign", "give_verdict"),
        {"appeal": "acknowledged", "reopen": "acknowledged", "hold": "held"},
    ),
    "decided four weeks ago": (
        reaching.later(reaching.decided, 28),
        "decided",
        (*BESIDE, "assign", "give_verdict"),
        {"reopen": "acknowledged", "hold": "held"},
    ),
    "merged": (reaching.merged, "merged", BESIDE, {"unmerge": "acknowledged", "hold": "held"}),
    "merged two weeks ago": (reaching.later(reaching.merged, 14), "merged", BESIDE, {"hold": "held"}),
    "withdrawn": (reaching.withdrawn, "withdrawn", ("note",), {"hold": "held"}),
    "closed, a no": (
        reaching.closed_no,
        "closed",
        (*BESIDE, "give_verdict"),
        {"appeal": "acknowledged", "reopen": "acknowledged", "hold": "held"},
    ),
    "closed, a no, four weeks ago": (
        reaching.later(reaching.closed_no, 28),
        "closed",
        (*BESIDE, "give_verdict"),
        {"reopen": "acknowledged", "hold": "held"},
    ),
    "closed, a yes": (
        reaching.closed_yes,
        "closed",
        (*BESIDE, "give_verdict", "confirm"),
        {"appeal": "acknowledged", "reopen": "acknowledged", "hold": "held"},
    ),
    "appealed": (
        reaching.appealed,
        "acknowledged",
        (*BESIDE, "endorse", "assign"),
        {
            "ask": "needs_information",
            "start_review": "under_review",
            "decide": "delivering",
            "merge": "merged",
            "redirect": "redirected",
            "withdraw": "withdrawn",
            "hold": "held",
        },
    ),
}
STATES = {
    "submitted",
    "held",
    "redirected",
    "acknowledged",
    "needs_information",
    "under_review",
    "delivering",
    "deferred",
    "decided",
    "merged",
    "withdrawn",
    "closed",
}
BY_RECEIPT = {"answer", "withdraw", "appeal", "unmerge", "give_verdict"}
EVERY_ACT = {*BESIDE, "acknowledge", "answer", "appeal", "ask", "assign", "clear", "confirm", "decide", "endorse"} | {
    "give_verdict", "hold", "merge", "recommit", "redirect", "reopen", "start_review", "unmerge", "vote", "withdraw"
}  # fmt: skip


def test_every_act_and_every_state_is_tried() -> None:
    assert {name for name, act in ACTS.items() if act.transition.scopes != {SYSTEM}} == EVERY_ACT
    assert {state for _, state, _, _ in SITUATIONS.values()} == STATES


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_does_not_fit_is_refused_and_changes_nothing(tenant: Tenant, situation: str) -> None:
    reach, state, staying, leading = SITUATIONS[situation]
    reached = reach(tenant)
    fitting = sorted({*staying, *leading})
    before = reached.client.send("GET", f"/v1/suggestions/{reached.id}")
    told = reached.client.timeline(reached.id)
    assert (before.json()["state"], before.json()["allowed_acts"]) == (state, fitting)
    for act in sorted(EVERY_ACT.difference(fitting)):
        refused = reached.client.try_act(reached.id, act, **reached.body_of(act))
        problem = refused.json()
        shown = {name: problem[name] for name in ("status", "code", "state", "allowed_acts")}
        expected = {"status": 409, "code": "act_not_allowed", "state": state, "allowed_acts": fitting}
        assert (act, refused.status_code, shown) == (act, 409, expected)
    after = reached.client.send("GET", f"/v1/suggestions/{reached.id}")
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])
    assert reached.client.timeline(reached.id) == told


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if not name.endswith(" ago")])
def test_what_fits_is_done_and_leads_where_the_table_says(tenant: Tenant, situation: str) -> None:
    reach, state, staying, leading = SITUATIONS[situation]
    stays = reach(tenant)
    for act in sorted(staying, key=lambda name: name == "tell"):
        do_and_compare(stays, act, state)
    for act, entered in leading.items():
        do_and_compare(reach(tenant), act, entered)


def do_and_compare(reached: Reached, act: str, entered: str) -> None:
    """Do an act that fits: it leads to this state, and is one version and one event."""
    before = reached.client.suggestion(reached.id)
    done = reached.client.acted(reached.id, act, **reached.body_of(act))
    event, after = done["event"], done["suggestion"]
    assert (act, after["state"], after["version"]) == (act, entered, before["version"] + 1)
    assert (event["data"]["state"], event["data"]["version"]) == (entered, after["version"])


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_author_may_do_of_it_what_a_receipt_opens(tenant: Tenant, situation: str) -> None:
    reach, _, staying, leading = SITUATIONS[situation]
    reached = reach(tenant)
    fitting = {*staying, *leading}
    for act in sorted(BY_RECEIPT - fitting):
        fields = {name: value for name, value in reached.body_of(act).items() if name != "actor"}
        refused = reached.receipt.send("POST", f"/v1/receipt/acts/{act}", fields)
        assert (act, refused.status_code, refused.json()["allowed_acts"]) == (act, 409, sorted(fitting))
    # Reading comes last: it tells the author, which may close what was decided.
    assert reached.receipt.receipt()["allowed_acts"] == sorted(BY_RECEIPT & fitting)


def test_a_receipt_opens_no_other_act(tenant: Tenant) -> None:
    receipt = reaching.submitted(tenant).receipt
    answers = {act: receipt.send("POST", f"/v1/receipt/acts/{act}", {}).status_code for act in EVERY_ACT - BY_RECEIPT}
    assert answers == dict.fromkeys(EVERY_ACT - BY_RECEIPT, 404)
