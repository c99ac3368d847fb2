"""The committed OpenAPI documents are what the code makes, whole, and usable."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from app.domain.events import EVENT_TYPES
from app.domain.lifecycle import ACTS, RECEIPT
from app.main import api_routes, describe
from app.web.document import documents_of, make_document, missing_examples
from app.web.problem_texts import PROBLEMS

Json = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "openapi"


@pytest.fixture(scope="module")
def document() -> Json:
    return make_document(describe(api_routes()))


@pytest.mark.parametrize("name", ["openapi.json", "openapi-3.0.json"])
def test_the_committed_document_is_the_one_that_the_code_makes(name: str) -> None:
    made = documents_of(describe(api_routes()))[name]
    assert (FOLDER / name).read_bytes() == made, "run bin/heardback openapi, and look at what has changed"


def test_both_documents_are_valid() -> None:
    for content in documents_of(describe(api_routes())).values():
        validate(json.loads(content))


def test_every_act_has_its_operation(document: Json) -> None:
    found = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    by_key = {name for name, act in ACTS.items() if act.transition.key_scopes}
    by_receipt = {name for name, act in ACTS.items() if RECEIPT in act.transition.scopes}
    camel = {name: name.split("_")[0] + "".join(part.title() for part in name.split("_")[1:]) for name in ACTS}
    assert {camel[name] if "_" in name else f"{name}Suggestion" for name in by_key} <= found
    assert {f"{camel[name]}ByReceipt" for name in by_receipt} <= found


def test_operation_ids_are_unique_and_begin_with_a_verb(document: Json) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if not one[:1].islower() or "_" in one] == []


def test_every_operation_has_examples_and_problems(document: Json) -> None:
    assert missing_examples(document) == []
    for path in document["paths"].values():
        for operation in path.values():
            assert "500" in operation["responses"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert "example" in content or "examples" in content, operation["operationId"]


def test_every_public_event_is_a_webhook(document: Json) -> None:
    assert set(document["webhooks"]) == {"ping", *(event.name for event in EVENT_TYPES)}


def test_every_problem_that_an_operation_names_has_a_page(document: Json) -> None:
    codes = set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    assert codes == set(PROBLEMS)


def test_no_schema_is_named_by_its_module(document: Json) -> None:
    assert [name for name in document["components"]["schemas"] if "__" in name] == []
