"""Errors as RFC 9457 problems: the only place where an error gets an HTTP status.

What the framework raises, what a rule refuses and what nobody foresaw all end here, in one shape.
"""

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.kit.refusals import Refusal
from app.services.words import ENGLISH, choose_language, label
from app.web.problem_texts import PROBLEMS

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"

Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]
Handlers = dict[int | type[Exception], Handler]

_CODES_OF_THE_FRAMEWORK = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
_FIRST_SERVER_ERROR = 500


def problem(
    request_id: str,
    code: str,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
    accept_language: str | None = None,
) -> Response:
    """Return the answer of an error. Its title is in the language that the request asks for, English by default.

    Its body has `type` (the page of the code), `title`, `status`, `detail`, `code` and `request_id`, and behind them
    the further `members`, such as `errors` or `allowed_acts`. Raises KeyError for a code that has no text.
    """
    body = body_of(request_id, code, detail, members)
    language = choose_language(None, accept_language)
    if language != ENGLISH:
        body["title"] = label("problem", code, language)
    return Response(json.dumps(body, ensure_ascii=False).encode(), PROBLEMS[code].status, headers, MEDIA_TYPE)


def body_of(
    request_id: str, code: str, detail: str = "", members: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return the members of a problem; batches put it into the line of an entry that was refused."""
    text = PROBLEMS[code]
    return {
        "type": f"/problems/{code}",
        "title": text.title,
        "status": text.status,
        "detail": detail or text.detail or text.title,
        "code": code,
        "request_id": request_id,
        **(members or {}),
    }


def status_of(code: str) -> int:
    """Return the HTTP status of a code, as the lines of a batch show it."""
    return PROBLEMS[code].status


def handlers(
    *, unavailable: tuple[type[Exception], ...] = (), outcome_unknown: tuple[type[Exception], ...] = ()
) -> Handlers:
    """Return the exception handlers of the application.

    `unavailable` are the exceptions of a store that cannot be reached or is too busy, `outcome_unknown` those of a
    commit whose answer was lost; this layer does not know the store and has to be told.
    """
    made: Handlers = {Refusal: _on_refusal, HTTPException: _on_http_exception}
    made |= dict.fromkeys(unavailable, _on_failure("unavailable"))
    return made | dict.fromkeys(outcome_unknown, _on_failure("outcome_unknown"))


async def _on_refusal(request: Request, refusal: Refusal) -> Response:
    return problem(
        request.state.request_id, refusal.code, refusal.text, refusal.headers, refusal.members, _language_of(request)
    )


def _language_of(request: Request) -> str | None:
    return request.headers.get("accept-language")


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    """Take the status of what the framework refuses, and never its words."""
    unknown = "internal_error" if error.status_code >= _FIRST_SERVER_ERROR else "bad_request"
    code = _CODES_OF_THE_FRAMEWORK.get(error.status_code, unknown)
    return problem(request.state.request_id, code, headers=error.headers, accept_language=_language_of(request))


def _on_failure(code: str) -> Handler:
    async def answer(request: Request, _: Exception) -> Response:
        retry = {"Retry-After": RETRY_AFTER_SECONDS}
        return problem(request.state.request_id, code, headers=retry, accept_language=_language_of(request))

    return answer
