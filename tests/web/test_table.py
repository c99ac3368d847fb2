from uuid import UUID

import pytest
from fastapi import APIRouter
from starlette.responses import Response

from app.web.access import open_to_all
from app.web.route import Route
from app.web.table import Table
from tests.web.client import client_of
from tests.web.example import EXISTING, Example

ITEM = f"/v1/suggestions/{EXISTING}"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/suggestions", "GET, HEAD, POST"),
        (ITEM, "DELETE, GET, HEAD, PATCH"),
        (f"{ITEM}/acts/note", "POST"),
        ("/v1/receipt", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/problems/invalid", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE"])
def test_every_method_of_a_path_is_named(example: Example, path: str, allow: str, method: str) -> None:
    answer = client_of(example).request(method, path)
    assert (answer.status_code, answer.json()["code"], answer.headers["Allow"]) == (405, "method_not_allowed", allow)


def test_there_is_no_head_where_there_is_no_get(example: Example) -> None:
    answer = client_of(example).head(f"{ITEM}/acts/note")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_an_unknown_path_has_the_same_body_as_an_unknown_thing(example: Example) -> None:
    client = client_of(example, example.make_key("read"))
    headers = {"X-Request-Id": "same"}
    paths = ("/v1/nothing", "/v1/suggestions/", "/v1/suggestions/7", f"/v1/suggestions/{UUID(int=5)}")
    bodies = {client.get(path, headers=headers).text for path in paths}
    assert len(bodies) == 1


def test_no_path_is_redirected(example: Example) -> None:
    client = client_of(example, example.make_key("read"))
    for path in ("/v1/suggestions/", f"{ITEM}/", "/docs/"):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_id_may_be_written_in_either_case(example: Example) -> None:
    client = client_of(example, example.make_key("read"))
    assert client.get(ITEM.replace(str(EXISTING), str(EXISTING).upper())).json()["id"] == str(EXISTING)


def test_ids_stand_beside_no_other_parameters() -> None:
    router = APIRouter(route_class=Route)

    @router.get("/{name}/{item_id:uuid}", openapi_extra=open_to_all())
    async def show(name: str, item_id: UUID) -> Response:
        return Response(f"{name} {item_id}")

    with pytest.raises(TypeError, match="ids stand beside no other parameters"):
        Table([route for route in router.routes if isinstance(route, Route)])
