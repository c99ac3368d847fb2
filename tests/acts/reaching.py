"""How each state is reached, by legal acts alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.bodies import PANEL, body, decision
from tests.service import Client, Clock, Json, Tenant, person


@dataclass(frozen=True)
class Reached:
    """A suggestion in some state, and what acts on it may need to name."""

    tenant: Tenant
    id: str
    receipt: Client
    support_id: str
    after_appeal: bool = False

    @property
    def client(self) -> Client:
        """A caller who may do everything."""
        return self.tenant.all

    @property
    def clock(self) -> Clock:
        """The service's clock."""
        return self.tenant.service.clock

    def body_of(self, act: str, **changes: object) -> Json:
        """A body with which the act is done where it fits."""
        named: Json = {}
        if act == "settle_support":
            named["support_id"] = self.support_id
        if act == "merge":
            named["into"] = self.another()
        if act == "start_review" and self.after_appeal:
            named |= {"panel": [*PANEL, person("cw-4", "care_worker")], "chair": "mgr-10"}
        if act == "decide" and self.client.suggestion(self.id)["state"] == "under_review":
            return decision("adopt", self.clock, **changes)
        return body(act, self.clock, **named, **changes)

    def act(self, act: str, **changes: object) -> Json:
        """Do an act that fits; returns the suggestion."""
        return self.client.act(self.id, act, **self.body_of(act, **changes))

    def another(self) -> str:
        """Another suggestion, which this one could be merged into."""
        other: str = self.client.submit(text="Pair the calls at Warcop, too.")["id"]
        self.client.act(other, "acknowledge", **body("acknowledge", self.clock))
        return other

    def vote(self, *choices: str) -> None:
        """Let the panel vote."""
        for member, choice in zip(PANEL, choices, strict=True):
            self.act("vote", actor=member, member=member["ref"], choice=choice)

    def report(self, kind: str, **fields: object) -> Json:
        """Report what happened, just now."""
        self.clock.pass_time(minutes=1)
        return self.client.report(self.id, kind, occurred_at=_instant(self.clock), **fields)


def _instant(clock: Clock) -> str:
    return clock().isoformat()


def submitted(tenant: Tenant, **members: object) -> Reached:
    """A suggestion that has just come in, with an open request for support."""
    sent = tenant.all.submit(site="brough", **members)
    client, id = tenant.all, sent["id"]
    asked = client.acted(id, "request_support", **body("request_support", tenant.service.clock))
    receipt = tenant.service.client(sent["receipt"]["code"])
    return Reached(tenant, id, receipt, asked["event"]["data"]["support_id"])


def _then(before: Callable[[Tenant], Reached], *acts: str, **changes: object) -> Callable[[Tenant], Reached]:
    """Reach a state from another one by further acts; the changes are the last one's."""

    def reach(tenant: Tenant) -> Reached:
        reached = before(tenant)
        for act in acts[:-1]:
            reached.act(act)
        reached.act(acts[-1], **changes)
        return reached

    return reach


def under_review(tenant: Tenant) -> Reached:
    """A panel has voted, and its chair has not decided yet."""
    reached = acknowledged(tenant)
    reached.act("start_review")
    reached.vote("yes", "yes", "yes")
    return reached


def decided_as(outcome: str, *votes: str) -> Callable[[Tenant], Reached]:
    """A panel has voted, and its chair has decided so."""

    def reach(tenant: Tenant) -> Reached:
        reached = acknowledged(tenant)
        reached.act("start_review")
        reached.vote(*votes)
        reached.client.act(reached.id, "decide", **decision(outcome, reached.clock))
        return reached

    return reach


def closed_no(tenant: Tenant) -> Reached:
    """A no whose author has read it."""
    reached = decided(tenant)
    reached.receipt.receipt()
    tenant.service.settle()
    return reached


def closed_yes(tenant: Tenant) -> Reached:
    """A yes that was implemented, and whose author has read so."""
    reached = implemented(tenant)
    reached.receipt.receipt()
    tenant.service.settle()
    return reached


def implemented(tenant: Tenant) -> Reached:
    """A yes that a report says was done."""
    reached = delivering(tenant)
    reached.report(
        "implemented",
        what_changed="Two fixed pairs cover all double-up calls.",
        evidence=[{"kind": "rota_change", "title": "Rota week 47"}],
        not_measured_because="Travel is measured from next month on.",
    )
    return reached


def stopped(tenant: Tenant) -> Reached:
    """A yes that a report says was stopped."""
    reached = delivering(tenant)
    reached.report(
        "stopped", reason="no_funding", rationale="The grant was withdrawn.", not_measured_because="It never began."
    )
    return reached


def trial_done(tenant: Tenant) -> Reached:
    """A trial with its result, after which a decision is owed."""
    reached = decided_as("trial", "yes", "yes", "yes")(tenant)
    reached.report("trial_result", result="worked", narrative="Fewer late calls.", next_step="adopt")
    return reached


def later(before: Callable[[Tenant], Reached], days: int) -> Callable[[Tenant], Reached]:
    """The same so many days and a second later, when all that time brings about has happened."""

    def reach(tenant: Tenant) -> Reached:
        reached = before(tenant)
        reached.clock.pass_time(days=days, seconds=1)
        tenant.service.settle()
        return reached

    return reach


def appealed(tenant: Tenant) -> Reached:
    """Acknowledged again after an appeal, so that the next panel needs another chair and somebody new."""
    reached = decided(tenant)
    reached.act("appeal")
    return replace(reached, after_appeal=True)


def no_days_left(tenant: Tenant) -> Reached:
    """Acknowledged again after a question that nobody answered for 14 days."""
    return later(needs_information, 14)(tenant)


acknowledged = _then(submitted, "acknowledge")
needs_information = _then(acknowledged, "ask")
delivering = decided_as("adopt", "yes", "yes", "yes")
deferred = decided_as("defer", "no", "no", "no")
decided = decided_as("decline", "no", "no", "no")
held = _then(submitted, "hold")
redirected = _then(submitted, "redirect")
merged = _then(acknowledged, "merge")
withdrawn = _then(submitted, "withdraw")
