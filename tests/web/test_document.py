import json
import subprocess
import sys

import pytest
from openapi_spec_validator import validate

from app.main import api_routes, describe
from app.web.document import document_bytes, make_document, missing_examples, twin_bytes
from app.web.problem_texts import PROBLEMS
from tests.web.client import client_of
from tests.web.documents import Json, check_examples, every, operations
from tests.web.example import Example

SUGGESTION = {
    "id": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05",
    "title": "Pair the calls",
    "text": "They are 12 minutes apart.",
    "version": 1,
}


@pytest.fixture(scope="module")
def document() -> Json:
    found: Json = json.loads(document_bytes(Example().app))
    return found


@pytest.fixture(scope="module")
def twin() -> Json:
    found: Json = json.loads(twin_bytes(Example().app))
    return found


def operation(document: Json, operation_id: str) -> Json:
    return next(one for _, _, one in operations(document) if one["operationId"] == operation_id)


def test_both_documents_are_valid(document: Json, twin: Json) -> None:
    assert (document["openapi"], twin["openapi"]) == ("3.1.0", "3.0.3")
    validate(document)
    validate(twin)


def test_every_reference_leads_somewhere(document: Json, twin: Json) -> None:
    for made in (document, twin):
        for reference in every(made, "$ref"):
            node = made
            for token in str(reference).removeprefix("#/").split("/"):
                node = node[token]


def test_pages_and_probes_are_not_in_it(document: Json) -> None:
    assert sorted({path for path, _, _ in operations(document)}) == [
        "/v1/inbound/{source_id}",
        "/v1/perceptions",
        "/v1/receipt",
        "/v1/suggestions",
        "/v1/suggestions/batch",
        "/v1/suggestions/{suggestion_id}",
        "/v1/suggestions/{suggestion_id}/acts/note",
        "/v1/suggestions/{suggestion_id}/erasure",
        "/v1/suggestions/{suggestion_id}/pause",
    ]


def test_the_parts_that_no_route_declares(document: Json) -> None:
    assert document["info"] == {"title": "Example", "version": "1.0.0", "description": "An example."}
    assert document["servers"] == [{"url": "/"}]
    assert document["tags"] == [{"name": "suggestions", "description": "Ideas."}]
    assert sorted(document["components"]["securitySchemes"]) == ["key", "receipt"]
    assert sorted(document["components"]["examples"]) == sorted(PROBLEMS)
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(PROBLEMS)


def test_names_are_plain(document: Json) -> None:
    components = [name for kind in document["components"].values() for name in kind]
    assert [name for name in components if "__" in name or "-Input" in name or "-Output" in name] == []
    assert "HTTPValidationError" not in components
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)


def test_an_operation_whole(document: Json) -> None:
    assert operation(document, "noteSuggestion") == {
        "tags": ["suggestions"],
        "summary": "Write a note",
        "description": "It needs If-Match where its text says so.\n\nNeeds a key with the scope `raise` or `review`.",
        "operationId": "noteSuggestion",
        "parameters": [
            {
                "name": "suggestion_id",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "format": "uuid"},
            },
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Names this request, so that repeating it is harmless: the same request with the same "
                "key gets the first answer again. Kept for 30 days per organisation and system.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                "example": "b3f1c9f0-8d5e-4a57-9b1e-2c7d3e4f5a6b",
            },
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": "The ETag that was read. If the version in it is no longer the present one, nothing is "
                "done. A star matches any version, a weak tag none.",
                "schema": {"type": "string"},
                "example": '"3-9f86d081884c7d65"',
            },
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Note"},
                    "example": {"text": "Spoke with the coordinator."},
                }
            },
        },
        "responses": {
            "200": {
                "description": "Done.",
                "headers": {
                    "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"},
                    "Idempotent-Replayed": {"$ref": "#/components/headers/Idempotent-Replayed"},
                },
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Suggestion"},
                        "example": SUGGESTION,
                    }
                },
            },
            **{
                status: {"$ref": f"#/components/responses/{name}"}
                for status, name in {
                    "400": "MalformedHeaderOrMalformedJson",
                    "401": "Unauthenticated",
                    "403": "MissingScope",
                    "404": "NotFound",
                    "408": "RequestTimeout",
                    "409": "ActNotAllowedOrIdempotencyKeyInUse",
                    "412": "VersionMismatch",
                    "413": "BodyTooLarge",
                    "415": "UnsupportedMediaType",
                    "422": "IdempotencyKeyReusedOrInvalid",
                    "428": "PreconditionRequired",
                    "429": "RateLimited",
                    "500": "InternalError",
                    "503": "OutcomeUnknownOrUnavailable",
                }.items()
            },
        },
        "security": [{"key": ["raise"]}, {"key": ["review"]}],
    }


def test_the_headers_of_answers_follow_from_what_they_are(document: Json) -> None:
    found = {
        (one["operationId"], status): sorted(response.get("headers", {}))
        for _, _, one in operations(document)
        for status, response in one["responses"].items()
        if status < "300"
    }
    assert found == {
        ("createPerception", "204"): ["Idempotent-Replayed", "X-Request-Id"],
        ("createSuggestion", "201"): ["ETag", "Idempotent-Replayed", "Location", "X-Request-Id"],
        ("deleteSuggestion", "204"): ["X-Request-Id"],
        ("eraseSuggestion", "200"): ["Idempotent-Replayed", "X-Request-Id"],
        ("getReceipt", "200"): ["ETag", "X-Request-Id"],
        ("getSuggestion", "200"): ["ETag", "X-Request-Id"],
        ("listSuggestions", "200"): ["Link", "X-Request-Id"],
        ("noteSuggestion", "200"): ["Idempotent-Replayed", "X-Request-Id"],
        ("pauseSuggestion", "200"): ["Idempotent-Replayed", "X-Request-Id"],
        ("receiveReport", "204"): ["X-Request-Id"],
        ("submitBatch", "200"): ["Idempotent-Replayed", "X-Request-Id"],
        ("updateSuggestion", "200"): ["ETag", "X-Request-Id"],
    }


def test_a_body_without_required_members_is_optional(document: Json) -> None:
    found = {
        one["operationId"]: one["requestBody"]["required"] for _, _, one in operations(document) if "requestBody" in one
    }
    assert found == {
        "createPerception": False,
        "createSuggestion": True,
        "eraseSuggestion": False,
        "noteSuggestion": True,
        "pauseSuggestion": False,
        "submitBatch": True,
        "updateSuggestion": True,
    }


def test_a_patch_takes_both_media_types(document: Json) -> None:
    content = operation(document, "updateSuggestion")["requestBody"]["content"]
    assert list(content) == ["application/merge-patch+json", "application/json"]
    assert content["application/merge-patch+json"] == content["application/json"]


def test_a_parameter_is_never_null(document: Json) -> None:
    parameters = {one["name"]: one for one in operation(document, "listSuggestions")["parameters"]}
    assert parameters["group"]["schema"] == {"type": "string", "enum": ["care_worker", "manager"]}
    assert parameters["updated_since"]["schema"] == {"type": "string", "format": "date-time"}
    assert parameters["limit"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 200,
        "default": 50,
        "examples": [50],
    }


def test_limits_are_whole_numbers(document: Json) -> None:
    limits = [limit for word in ("minimum", "maximum") for limit in every(document, word)]
    assert limits
    assert [limit for limit in limits if not isinstance(limit, int)] == []


def test_every_operation_has_examples_that_its_models_take(document: Json) -> None:
    assert check_examples(Example().app.state.description, document) == 18
    assert missing_examples(document) == []


def test_the_application_has_examples_that_its_models_take() -> None:
    description = describe(api_routes())
    made = make_document(description)
    assert check_examples(description, made) > len(description.routes)
    assert missing_examples(made) == []


def test_a_text_without_an_example_is_told(document: Json) -> None:
    changed = json.loads(json.dumps(document))
    changed["components"]["schemas"]["Note"] |= {"properties": {"words": {"type": "string"}}, "required": ["words"]}
    note = operation(changed, "noteSuggestion")["requestBody"]["content"]["application/json"]
    note["example"] = {"words": "of somebody"}
    assert missing_examples(changed) == []
    note["example"] = {"words": "text"}  # It is what is made up where nothing is known.
    assert missing_examples(changed) == ["Note/words"]


def test_examples_of_problems_have_the_members_of_problems(document: Json) -> None:
    schema = document["components"]["schemas"]["Problem"]
    for code, example in document["components"]["examples"].items():
        members = set(example["value"])
        assert set(schema["required"]) <= members <= set(schema["properties"]), code


def test_what_subscribers_are_sent(document: Json, twin: Json) -> None:
    (event,) = document["webhooks"].values()
    assert list(document["webhooks"]) == ["suggestion.submitted"]
    receiver = event["post"]
    assert receiver["operationId"] == "receiveSuggestionSubmitted"
    assert receiver["description"] == "A suggestion was submitted."
    assert [one["name"] for one in receiver["parameters"]] == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert sorted(receiver["responses"]) == ["2XX", "410", "429", "503", "default"]
    assert receiver["requestBody"]["content"]["application/json"]["example"] == {
        "id": "0199b6f0-5c1e-7a44-9d2b-3f8e6a7c1d05",
        "type": "suggestion.submitted",
        "timestamp": "2026-11-22T21:14:00Z",
    }
    assert "webhooks" not in twin


def test_the_twin_says_who_may_use_what_in_words(twin: Json) -> None:
    note = operation(twin, "noteSuggestion")
    assert note["security"] == [{"key": []}]
    assert "Needs a key with the scope `raise` or `review`." in note["description"]
    assert operation(twin, "getReceipt")["security"] == [{"receipt": []}]
    assert operation(twin, "receiveReport")["security"] == []


def test_who_may_use_an_operation_stands_in_words(document: Json) -> None:
    words = {one["operationId"]: one["description"].rpartition("\n")[2] for _, _, one in operations(document)}
    assert words == {
        "createPerception": "Needs a key with the scope `measure`, or a receipt code.",
        "createSuggestion": "Needs a key with the scope `raise`.",
        "deleteSuggestion": "Needs a key with the scope `admin`.",
        "eraseSuggestion": "Needs a key with the scope `admin`.",
        "getReceipt": "Needs a receipt code.",
        "getSuggestion": "Needs a key with the scope `read`.",
        "listSuggestions": "Needs a key with the scope `read`.",
        "noteSuggestion": "Needs a key with the scope `raise` or `review`.",
        "pauseSuggestion": "Needs a key, of any scope.",
        "receiveReport": "Needs no key.",
        "submitBatch": "Needs a key with the scope `raise`.",
        "updateSuggestion": "Needs a key with the scope `raise`.",
    }


def test_it_is_served_with_a_tag(document: Json) -> None:
    example = Example()
    client = client_of(example)
    answer = client.get("/openapi.json")
    assert answer.json() == document
    assert answer.content == document_bytes(example.app)
    again = client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_making_it_twice_makes_the_same() -> None:
    description = Example().app.state.description
    assert make_document(description) == make_document(description)


PROGRAM = """
import hashlib
from app.main import api_routes, describe
from app.web.document import document_bytes, twin_bytes
from tests.web.example import Example

app = Example().app
print(hashlib.sha256(document_bytes(app) + twin_bytes(app)).hexdigest())
"""


def test_hashes_and_processes_do_not_change_a_byte() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, text=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
