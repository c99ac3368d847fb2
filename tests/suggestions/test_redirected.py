"""What was handed over to another procedure asks nothing of its author any more."""

from tests.bodies import body
from tests.service import Tenant


def test_a_question_ends_with_the_handover(tenant: Tenant) -> None:
    clock = tenant.service.clock
    made = tenant.all.submit()
    id, receipt = made["id"], tenant.service.client(made["receipt"]["code"])
    for act in ("acknowledge", "ask", "hold"):
        tenant.all.act(id, act, **body(act, clock))
    asked = receipt.receipt()
    assert (asked["state"], asked["question"]["text"]) == ("held", "Which days do you mean?")
    tenant.all.act(id, "redirect", **body("redirect", clock))
    after = receipt.receipt()
    assert (after["state"], after["question"], after["allowed_acts"]) == ("redirected", None, [])
