"""What is hidden while a request waits for it no longer exists for that request."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import update

from app.db.session import ScopedSession, TenantScope
from app.db.tables import Suggestion
from app.services.cases import lock
from tests.bodies import body
from tests.service import Tenant

SECONDS = 20


@pytest.mark.parametrize(
    ("method", "path", "name"), [("PATCH", "", None), ("POST", "/acts/note", "note"), ("POST", "/acts/merge", "merge")]
)
def test_a_change_that_waits_for_what_is_being_hidden_finds_nothing(
    tenant: Tenant, database_kind: str, method: str, path: str, name: str | None
) -> None:
    if database_kind == "sqlite":
        pytest.skip("its one writer works on one piece after the other")
    service, everyday = tenant.service, tenant.key("raise", "read", "review")
    id, other = (everyday.submit()["id"] for _ in range(2))
    for one in (id, other):
        everyday.act(one, "acknowledge", **body("acknowledge", service.clock))
    named = {"into": other} if name == "merge" else {}
    sent = (
        {"actor": {"ref": "mgr-7", "group": "manager"}, **body(name, service.clock, **named)} if name else {"tags": []}
    )
    locked, done = threading.Event(), threading.Event()

    def hide(session: ScopedSession) -> None:
        lock(session, [UUID(id)])
        session.execute(update(Suggestion).where(Suggestion.id == UUID(id)).values(hidden="held"))
        locked.set()
        done.wait(SECONDS)

    with ThreadPoolExecutor(2) as threads:
        scope = TenantScope(UUID(tenant.id), sees_hidden=True)
        hiding = threads.submit(service.database.write_now, scope, hide)
        assert locked.wait(SECONDS)
        waiting = threads.submit(everyday.send, method, f"/v1/suggestions/{id}{path}", sent)
        threading.Event().wait(0.3)  # so that it waits by now; if it does not, it finds nothing all the same
        done.set()
        hiding.result()
        answer = waiting.result()
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_my_ideas_may_have_one_id_in_two_organisations(tenant: Tenant) -> None:
    stranger = tenant.service.tenant()
    id = "0199b6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b"
    codes = [
        one.all.submit(id=id, title=title)["receipt"]["code"] for one, title in ((tenant, "Mine"), (stranger, "Theirs"))
    ]
    ideas = tenant.service.client(None).post("/v1/receipts", {"codes": codes})["items"]
    assert [(idea["id"], idea["title"]) for idea in ideas] == [(id, "Mine"), (id, "Theirs")]
