"""Keys over the API: no more rights than the maker has, shown once, given a new secret, revoked."""

from tests.service import Service, Tenant


def test_a_key_is_shown_once_and_opens_what_its_scopes_say(tenant: Tenant) -> None:
    made = tenant.all.post("/v1/keys", {"scopes": ["read"], "system": "viewer"})
    assert sorted(made) == ["created_at", "expires_at", "id", "key", "scopes", "sites", "system"]
    assert (made["scopes"], made["system"], made["sites"], made["expires_at"]) == (["read"], "viewer", None, None)
    shown = tenant.all.get(f"/v1/keys/{made['id']}")
    assert shown == {name: value for name, value in made.items() if name != "key"}
    viewer = tenant.service.client(made["key"])
    assert viewer.get("/v1/suggestions")["items"] == []
    refused = viewer.send("POST", "/v1/suggestions", {})
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


def test_the_repetition_of_a_request_does_not_show_the_key_again(tenant: Tenant) -> None:
    body = {"scopes": ["read"], "system": "viewer"}
    first = tenant.all.send("POST", "/v1/keys", body, idempotency_key="k-1")
    again = tenant.all.send("POST", "/v1/keys", body, idempotency_key="k-1")
    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert again.json() == {**first.json(), "key": None}


def test_no_key_gives_what_it_does_not_have(tenant: Tenant) -> None:
    admin = tenant.key("admin", "read")
    refused = admin.send("POST", "/v1/keys", {"scopes": ["read", "safeguard"], "system": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert admin.send("POST", "/v1/keys", {"scopes": ["read"], "system": "x"}).status_code == 201


def test_a_maker_that_is_limited_to_sites_makes_keys_of_these_sites(service: Service) -> None:
    tenant = service.tenant(sites=("north", "south"))
    limited = tenant.key("admin", "read", "raise", sites=("north",))
    made = limited.post("/v1/keys", {"scopes": ["read"], "system": "x"})
    assert made["sites"] == [tenant.sites["north"]]
    refused = limited.send("POST", "/v1/keys", {"scopes": ["read"], "system": "x", "sites": ["south"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/sites/0")
    there = tenant.all.submit(site="south")["id"]
    assert limited.send("GET", f"/v1/suggestions/{there}").status_code == 404


def test_a_key_that_is_limited_to_sites_manages_no_key_that_is_for_others(service: Service) -> None:
    tenant = service.tenant(sites=("north", "south"))
    limited = tenant.key("admin", "read", sites=("north",))
    for sites in (None, ["south"], ["north", "south"]):
        wider = tenant.all.post("/v1/keys", {"scopes": ["read"], "system": "wider", "sites": sites})
        for method, path, sent in (("GET", "", None), ("POST", "/rotate", {}), ("DELETE", "", None)):
            answer = limited.send(method, f"/v1/keys/{wider['id']}{path}", sent)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert tenant.all.get(f"/v1/keys/{wider['id']}")["id"] == wider["id"]
    mine = limited.post("/v1/keys", {"scopes": ["read"], "system": "mine"})
    listed = [key["id"] for key in limited.items("/v1/keys", limit=1)]
    assert (mine["id"] in listed, len(listed)) == (True, 2)
    assert limited.post(f"/v1/keys/{mine['id']}/rotate", {})["id"] == mine["id"]


def test_a_new_secret_works_beside_the_old_one_for_the_overlap(tenant: Tenant) -> None:
    made = tenant.all.post("/v1/keys", {"scopes": ["read"], "system": "viewer"})
    fresh = tenant.all.post(f"/v1/keys/{made['id']}/rotate", {"overlap_hours": 1})
    assert fresh["id"] == made["id"]
    assert fresh["key"] != made["key"]
    old, new = tenant.service.client(made["key"]), tenant.service.client(fresh["key"])
    assert (old.send("GET", "/v1/suggestions").status_code, new.send("GET", "/v1/suggestions").status_code) == (
        200,
        200,
    )
    tenant.service.clock.pass_time(hours=1, seconds=1)
    assert (old.send("GET", "/v1/suggestions").status_code, new.send("GET", "/v1/suggestions").status_code) == (
        401,
        200,
    )
    last = tenant.all.post(f"/v1/keys/{made['id']}/rotate", {"overlap_hours": 0})
    assert new.send("GET", "/v1/suggestions").status_code == 401
    assert tenant.service.client(last["key"]).send("GET", "/v1/suggestions").status_code == 200


def test_a_revoked_key_is_gone_at_once_here(tenant: Tenant) -> None:
    made = tenant.all.post("/v1/keys", {"scopes": ["read"], "system": "viewer"})
    viewer = tenant.service.client(made["key"])
    assert viewer.send("GET", "/v1/suggestions").status_code == 200
    assert tenant.all.send("DELETE", f"/v1/keys/{made['id']}").status_code == 204
    assert viewer.send("GET", "/v1/suggestions").status_code == 401
    assert tenant.all.send("GET", f"/v1/keys/{made['id']}").status_code == 404
    assert tenant.all.send("DELETE", f"/v1/keys/{made['id']}").status_code == 404
    assert made["id"] not in [key["id"] for key in tenant.all.items("/v1/keys", limit=1)]


def test_an_expired_key_opens_nothing(tenant: Tenant) -> None:
    now = tenant.service.clock()
    soon = now.replace(hour=now.hour + 1).isoformat().replace("+00:00", "Z")
    made = tenant.all.post("/v1/keys", {"scopes": ["read"], "system": "viewer", "expires_at": soon})
    viewer = tenant.service.client(made["key"])
    assert viewer.send("GET", "/v1/suggestions").status_code == 200
    tenant.service.clock.pass_time(hours=1)
    assert viewer.send("GET", "/v1/suggestions").status_code == 401
    refused = tenant.all.send("POST", "/v1/keys", {"scopes": ["read"], "system": "viewer", "expires_at": soon})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expires_at")


def test_a_stranger_sees_none_of_it(service: Service) -> None:
    mine, stranger = service.tenant(), service.tenant()
    made = mine.all.post("/v1/keys", {"scopes": ["read"], "system": "viewer"})
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = stranger.all.send(method, f"/v1/keys/{made['id']}{path}", {} if method == "POST" else None)
        assert answer.status_code == 404
    assert made["id"] not in [key["id"] for key in stranger.all.items("/v1/keys")]
