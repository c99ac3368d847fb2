"""A provider's system as the tests know it: it signs with the reference library, and not with ours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select
from standardwebhooks import Webhook

from app.db.session import ScopedSession, TenantScope
from app.db.tables import Event
from app.kit.shapes import show_instant
from app.kit.signing import sign
from tests.service import Client, Json, Service, Tenant, message

REPORTS: dict[str, Json] = {
    "planned": {"due_on": "2027-01-31", "owner_role": "rota coordinator"},
    "trial_started": {"ends_on": "2027-01-08", "measure": "late calls", "baseline": 31},
    "trial_result": {"result": "worked", "value": 12, "next_step": "adopt"},
    "partly_implemented": {
        "what_changed": "One fixed pair covers the morning calls",
        "evidence": [{"kind": "rota_change", "title": "Rota week 46"}],
    },
    "implemented": {
        "what_changed": "Two fixed pairs cover all double-up calls",
        "evidence": [{"kind": "rota_change", "title": "Rota week 47"}],
    },
    "adopted_elsewhere": {"organisation": "Northgate Care"},
    "impact_measured": {
        "benefit_type": "non_cash_time",
        "measure": "paid travel",
        "baseline": 420,
        "value": 210,
        "unit": "hours",
        "period": "year",
        "method": "rota system before and after",
    },
    "sustained_check": {"still_in_use": "no"},
    "paused": {"reason": "staff sickness", "until": "2027-01-11"},
    "resumed": {},
    "stopped": {"reason": "no_funding", "rationale": "The second car could not be paid for after the trial ended."},
    "retraction": {"why": "Sent by mistake."},
}
"""The members that each type must carry; a correction has those of what it puts in place."""
PERSONAL = "943 476 5919"
"""A number of the NHS's own for tests."""
RATIONALE = (
    "The pairs were tried on paper with the rota team, the travel time halves, and nobody loses paid hours "
    "because of it."
)


def report(kind: str, about: str | None, at: datetime, **members: Any) -> Json:  # noqa: ANN401 -- members of `data`
    """The body of a signed report. A member that is `...` is left out."""
    data = {
        "suggestion_id": about,
        "report_id": uuid4().hex,
        "occurred_at": show_instant(at),
        "summary": f"What happened: {kind}",
        **REPORTS.get(kind, {}),
        **members,
    }
    kept = {name: value for name, value in data.items() if value is not ... and value is not None}
    return {"type": f"report.{kind}", "timestamp": show_instant(at), "data": kept}


def corrected(target: str, kind: str, **members: Any) -> Json:  # noqa: ANN401 -- members of the report inside
    """The members of a correction: `target` is the sender's own id of the wrong report."""
    inside = {"type": kind, **REPORTS[kind], **members}
    return {"supersedes": target, "why": "It was fitted in the office only.", "report": inside}


@dataclass(frozen=True)
class Source:
    """A provider's system with its secret."""

    service: Service
    id: str
    secret: str

    @property
    def path(self) -> str:
        return f"/v1/inbound/{self.id}"

    def headers(
        self, raw: bytes, webhook_id: str, at: datetime | None = None, secret: str | None = None
    ) -> dict[str, str]:
        """What a sender sets; signed by the reference library, which takes texts only, and by ours where it cannot."""
        stamp = at or self.service.clock()
        try:
            signature = Webhook(secret or self.secret).sign(webhook_id, stamp, raw.decode())
        except UnicodeDecodeError:
            signed = sign([secret or self.secret], webhook_id, int(stamp.timestamp()), raw)
            signature = signed["webhook-signature"]
        return {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(stamp.timestamp())),
            "webhook-signature": signature,
        }

    def send(
        self,
        body: Json | bytes,
        webhook_id: str | None = None,
        *,
        at: datetime | None = None,
        secret: str | None = None,
        changes: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """Send a message. `changes` take the place of headers; None takes one away."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers: dict[str, str | None] = {**self.headers(raw, webhook_id or f"msg_{uuid4().hex}", at, secret)}
        headers |= changes or {}
        given = {name: value for name, value in headers.items() if value is not None}
        return self.service.http.post(self.path, content=raw, headers=given)

    def report(self, kind: str, about: str | None, at: datetime | None = None, **members: Any) -> Json:  # noqa: ANN401
        """Send a report that is taken or quarantined, and return the answer."""
        answer = self.send(report(kind, about, at or self.service.clock(), **members))
        assert answer.status_code in (200, 202), answer.text
        shown: Json = answer.json()
        return shown


def make_source(client: Client, **members: Any) -> Source:  # noqa: ANN401 -- members of the body
    """A new source of the client's organisation."""
    made = client.post("/v1/sources", {"name": "Rota system", "scheme": "standard_webhooks", **members})
    return Source(client.service, made["id"], made["secret"])


def acknowledge(tenant: Tenant, suggestion_id: str) -> Json:
    """A named human has read it."""
    return tenant.all.act(
        suggestion_id,
        "acknowledge",
        steward={"ref": "mgr-7", "name": "Sam Hollis"},
        message=message(),
        decision_expected_on=tenant.service.clock.in_days(20),
    )


def adopt(tenant: Tenant, suggestion_id: str) -> Json:
    """A quick yes."""
    return tenant.all.act(
        suggestion_id,
        "decide",
        outcome="adopt",
        rationale=RATIONALE,
        message=message("We will do it.", mode="D"),
        participation_level="engagement",
        commitment={"owner": "mgr-7", "due_on": tenant.service.clock.in_days(60)},
    )


def deliver(tenant: Tenant, **members: Any) -> Json:  # noqa: ANN401 -- members of a submission
    """A suggestion with a quick yes."""
    made = tenant.all.submit(**members)
    acknowledge(tenant, made["id"])
    return {**made, **adopt(tenant, made["id"])}


def ago(service: Service, **parts: float) -> datetime:
    """An instant before the service's clock."""
    return service.clock() - timedelta(**parts)


def events(tenant: Tenant) -> list[Json]:
    """What was recorded in an organisation, in the order of recording: each event as it is sent."""

    def read(session: ScopedSession) -> list[Json]:
        return [json.loads(event.thin) for event in session.execute(select(Event).order_by(Event.number)).scalars()]

    return tenant.service.database.read_now(TenantScope(UUID(tenant.id), sees_hidden=True), read)
