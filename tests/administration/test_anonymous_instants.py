"""Of what an anonymous author does, the database keeps the day and no exact instant, in whatever table."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from app.db.session import ScopedSession, TenantScope
from app.db.tables import Base
from tests.service import Service, Tenant, message

MORNING = datetime(2026, 11, 2, 10, 11, 12, tzinfo=UTC)
AUTHORS = datetime(2026, 11, 2, 13, 37, 41, tzinfo=UTC)
STEWARD = {"ref": "mgr-7", "name": "Sam Hollis"}
OF_BACKGROUND_WORK = ("agenda", "deliveries", "attempts", "feed")
"""What is written when the background work comes to it, as `docs/anonymity.md` says."""


def everything_stored(tenant: Tenant) -> str:
    """All rows of the organisation in every table."""

    def read(session: ScopedSession) -> str:
        found = []
        for mapper in Base.registry.mappers:
            if mapper.class_.__tablename__ not in OF_BACKGROUND_WORK and "organisation_id" in mapper.columns:
                found += [str(vars(row)) for row in session.execute(select(mapper.class_)).scalars()]
        return "\n".join(found)

    return tenant.service.database.read_now(TenantScope(UUID(tenant.id), sees_hidden=True), read)


def test_no_table_tells_when_an_anonymous_author_acted(service: Service, tenant: Tenant) -> None:
    clock, staff = service.clock, tenant.all

    def as_author(act: str, **fields: object) -> None:
        clock.move_to(AUTHORS)
        receipt.act_by_receipt(act, **fields)
        clock.move_to(MORNING)

    clock.move_to(AUTHORS)
    made = staff.send("POST", "/v1/suggestions", ANONYMOUS, idempotency_key="phone-1").json()
    receipt = service.client(made["receipt"]["code"])
    clock.move_to(MORNING)
    id = made["id"]
    staff.act(id, "acknowledge", steward=STEWARD, message=message(), decision_expected_on="2026-11-20")
    staff.act(id, "ask", question="Which of the two rounds do you mean?")
    as_author("answer", text="The early one.")
    staff.act(id, "start_review", panel=PANEL, chair="mgr-9")
    for member in PANEL:
        actor = {"ref": member["ref"], "group": member["group"]}
        staff.act(id, "vote", actor=actor, member=member["ref"], choice="no")
    staff.act(id, "decide", **DECLINE)
    as_author("give_verdict", heard=1, respected=1, same_rules=1, clear_reason=1, made_better=1)
    as_author("appeal", grounds="You looked at another round.")
    stored = everything_stored(tenant)
    assert "10, 11, 12" in stored
    assert "10:11:12" in stored
    assert "13, 37, 41" not in stored
    assert "13:37:41" not in stored
    shown = staff.suggestion(id)
    assert (shown["state"], "start_review" in shown["allowed_acts"]) == ("acknowledged", True)
    same = staff.try_act(id, "start_review", panel=PANEL, chair="mgr-9")
    assert {error["pointer"] for error in same.json()["errors"]} == {"/chair", "/panel"}


ANONYMOUS = {
    "text": "Pair the double-up calls.",
    "group": "care_worker",
    "anonymity": "anonymous",
    "safety": {"at_risk_now": False, "own_employment": False},
    "captured_at": "2026-11-02T13:37:41Z",
}
PANEL = [
    {"ref": "cw-1", "group": "care_worker"},
    {"ref": "cw-2", "group": "care_worker"},
    {"ref": "mgr-9", "group": "manager"},
]
DECLINE = {
    "actor": {"ref": "mgr-9", "group": "manager"},
    "outcome": "decline",
    "reasons": ["no_funding"],
    "rationale": "We looked at the rota for eight weeks and found no way to pay for a second car on these rounds.",
    "message": message("No, and here is why."),
    "participation_level": "co_design",
}
