"""Which problems an operation can answer, and how its responses show them in the OpenAPI document."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from app.kit.refusals import Refusal
from app.web.access import Access
from app.web.problem_texts import PROBLEMS, REQUEST_ID
from app.web.problems import MEDIA_TYPE, body_of

_EVERYWHERE = ("internal_error", "invalid", "rate_limited", "unavailable")
_WITH_BODY = ("body_too_large", "malformed_json", "request_timeout", "unsupported_media_type")
_REPEATABLE = ("idempotency_key_in_use", "idempotency_key_reused", "outcome_unknown")


def codes_of(verb: str, path: str, access: Access, query: type[BaseModel], *, has_body: bool) -> list[str]:
    """Return the codes that follow from what an operation takes; its rules add their own."""
    codes = [*_EVERYWHERE]
    codes += ["unauthenticated", "malformed_header"] if access.scheme else []
    codes += ["missing_scope"] if access.scopes else []
    codes += ["not_found"] if "{" in path else []
    codes += ["invalid_cursor"] if "cursor" in query.model_fields else []
    codes += _WITH_BODY if has_body else ()
    for header in headers_of(verb, path, is_open=access.scheme is None, is_list="cursor" in query.model_fields):
        codes += _REPEATABLE if header == "Idempotency-Key" else ()
        codes += ["version_mismatch"] if header == "If-Match" else []
    return codes


def headers_of(verb: str, path: str, *, is_open: bool, is_list: bool) -> list[str]:
    """Return the headers that an operation understands: a key repeats a POST, versions guard what has an id."""
    if is_open:
        return []
    if verb == "GET":
        return [] if is_list else ["If-None-Match"]
    return ["Idempotency-Key"] * (verb == "POST") + ["If-Match"] * ("{" in path)


def responses_of(codes: Iterable[str]) -> dict[int, dict[str, Any]]:
    """Return the `responses` of a route for these codes: one per status, with an example per code."""
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    return {status: _response_of(by_status[status]) for status in sorted(by_status)}


def examples() -> dict[str, dict[str, Any]]:
    """Return an answer of each code, as the OpenAPI document keeps them for all operations."""
    return {code: {"summary": text.title, "value": example_of(code)} for code, text in sorted(PROBLEMS.items())}


def example_of(code: str) -> dict[str, object]:
    """Return an answer of the code as its page and the document show it."""
    return body_of(REQUEST_ID, code, _details().get(code, ""), PROBLEMS[code].members)


def name_of(codes: Iterable[str]) -> str:
    """Return the name under which the document keeps the response of these codes, such as `InvalidOrPersonalData`."""
    return "Or".join("".join(word.title() for word in code.split("_")) for code in codes)


def _response_of(codes: Sequence[str]) -> dict[str, Any]:
    links = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": links}}
    return {"description": " ".join(f"`{code}`: {PROBLEMS[code].title}." for code in codes), "content": content}


def _details() -> dict[str, str]:
    """Return what each refusal says where the one who raises it says nothing else."""
    return {kind.code: kind.detail for kind in Refusal.__subclasses__() if kind.detail}
