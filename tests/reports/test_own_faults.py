"""A fault of this program costs no report: the bytes are kept, the sender is answered, and time tries again."""

import base64
import json
import logging
from collections.abc import Iterator
from typing import NoReturn

import pytest

from app.db.session import ScopedSession
from app.services import folding, outbox, requeue
from app.services import reports as service_of_reports
from tests.reports.sending import PERSONAL, Source, ago, events, report
from tests.service import Tenant


class DefectError(RuntimeError):
    """A fault that nobody foresaw."""


@pytest.fixture
def defect(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A program that fails when everything about a report is written but its last event."""

    def fail(session: ScopedSession, *_: object, **__: object) -> NoReturn:
        session.flush()
        raise DefectError

    with monkeypatch.context() as patch:
        patch.setattr(folding, "announce", fail)
        logging.disable(logging.CRITICAL)
        yield patch
    logging.disable(logging.NOTSET)


def retry(source: Source) -> int:
    service = source.service

    def work(session: ScopedSession) -> int:
        return requeue.retry_due(session, service.secret, service.clock())

    return service.database.write_now(None, work)


def test_a_fault_leaves_the_bytes_and_nothing_half_done(
    tenant: Tenant, source: Source, target: str, defect: pytest.MonkeyPatch
) -> None:
    before = tenant.all.suggestion(target)
    body = report("implemented", target, ago(source.service, days=1))
    answer = source.send(body, "once")
    (kept,) = tenant.all.items("/v1/reports")
    assert (answer.status_code, answer.json()) == (
        202,
        {"report_id": kept["id"], "status": "quarantined", "reason": "internal_error"},
    )
    assert json.loads(base64.b64decode(tenant.all.get(f"/v1/reports/{kept['id']}")["raw"])) == body
    assert (kept["suggestion_id"], tenant.all.suggestion(target)) == (target, before)
    assert [event["data"]["reason"] for event in events(tenant) if event["type"] == "report.quarantined"] == [
        "internal_error"
    ]
    defect.undo()
    assert source.send(body, "once").json() == answer.json()


def test_it_is_tried_again_by_itself(tenant: Tenant, source: Source, target: str, defect: pytest.MonkeyPatch) -> None:
    report_id = source.report("implemented", target, ago(source.service, days=1))["report_id"]
    source.service.clock.pass_time(seconds=61)
    retry(source)
    still = tenant.all.get(f"/v1/reports/{report_id}")
    defect.undo()
    assert (still["reason"], retry(source)) == ("internal_error", 0)
    source.service.clock.pass_time(minutes=5)
    retry(source)
    assert tenant.all.get(f"/v1/reports/{report_id}")["status"] == "applied"
    assert tenant.all.suggestion(target)["progress"] == "implemented"


def test_a_personal_number_keeps_it_out_then_as_before(
    tenant: Tenant, source: Source, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise DefectError

    logging.disable(logging.CRITICAL)
    with monkeypatch.context() as patch:
        patch.setattr(service_of_reports, "judge", fail)
        answer = source.report("implemented", target, ago(source.service, days=1), summary=f"For {PERSONAL}.")
    logging.disable(logging.NOTSET)
    source.service.clock.pass_time(minutes=5)
    retry(source)
    shown = tenant.all.get(f"/v1/reports/{answer['report_id']}")
    assert (answer["reason"], shown["reason"], PERSONAL in json.dumps(shown)) == (
        "internal_error",
        "personal_data",
        False,
    )


def test_a_fault_by_key_stores_nothing(tenant: Tenant, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise DefectError

    logging.disable(logging.CRITICAL)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "publish", fail)
        data = {"suggestion_id": target, "occurred_at": "2026-11-01T09:00:00Z", "summary": "x", "due_on": "2027-01-31"}
        body = {"report_id": "x", "type": "report.planned", "data": {**data, "owner_role": "coordinator"}}
        answer = tenant.all.send("POST", "/v1/reports", body)
    logging.disable(logging.NOTSET)
    assert (answer.status_code, tenant.all.items("/v1/reports")) == (500, [])
