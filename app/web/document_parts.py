"""The parts of the OpenAPI document that no route declares: the shape of problems, and the headers."""

from typing import Any

from app.web.problem_texts import PROBLEMS

_FAULT: dict[str, Any] = {
    "type": "object",
    "title": "Fault",
    "description": "One place of a request that is refused.",
    "required": ["pointer", "code", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "description": "A JSON pointer into the body (RFC 6901), or a question mark and a query parameter's name.",
            "examples": ["/tags/0"],
        },
        "code": {"type": "string", "description": "What is wrong, for programs.", "examples": ["too_long"]},
        "detail": {
            "type": "string",
            "description": "What is wrong, for people.",
            "examples": ["The value is too long."],
        },
        "position": {
            "type": "integer",
            "minimum": 0,
            "description": "With personal data: how many characters (code points) of the text stand before it.",
        },
    },
}
_MISSING_SEAT: dict[str, Any] = {
    "type": "object",
    "title": "MissingSeat",
    "description": "Votes that a decision still needs.",
    "required": ["groups", "count", "detail"],
    "properties": {
        "groups": {"type": "array", "items": {"type": "string"}, "description": "Any of these groups may cast them."},
        "count": {"type": "integer", "minimum": 1, "description": "How many votes are missing."},
        "detail": {"type": "string", "description": "Why they are needed."},
    },
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "An error as RFC 9457 describes it. Programs decide by `code`; the page at `type` explains it.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "The page that explains cause and cure."},
        "title": {"type": "string", "description": "The same for every answer of this code."},
        "status": {"type": "integer", "description": "The HTTP status of the answer."},
        "detail": {
            "type": "string",
            "description": "What happened here, for people. Nothing that was sent is repeated.",
        },
        "code": {"type": "string", "enum": sorted(PROBLEMS), "description": "What happened, for programs."},
        "request_id": {"type": "string", "description": "The id under which the log knows this request."},
        "errors": {
            "type": "array",
            "maxItems": 100,
            "items": {"$ref": "#/components/schemas/Fault"},
            "description": "With `invalid` and `personal_data`: each place that is refused.",
        },
        "state": {"type": "string", "description": "With `act_not_allowed`: the suggestion's state."},
        "allowed_acts": {
            "type": "array",
            "items": {"type": "string"},
            "description": "With `act_not_allowed`: the acts that fit the suggestion now.",
        },
        "missing_seats": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/MissingSeat"},
            "description": "With `quorum_not_met`: the votes that are missing.",
        },
        "skew_seconds": {
            "type": "integer",
            "description": "With `timestamp_out_of_tolerance`: our clock minus the sender's, in seconds.",
        },
    },
}

COMPONENTS: dict[str, dict[str, Any]] = {
    "schemas": {"Fault": _FAULT, "MissingSeat": _MISSING_SEAT, "Problem": _PROBLEM},
}

REQUEST_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "Names this request, so that repeating it is harmless: the same request with the same key gets "
        "the first answer again. Kept for 30 days per organisation and system.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "example": "b3f1c9f0-8d5e-4a57-9b1e-2c7d3e4f5a6b",
    },
    "If-Match": {
        "description": "The ETag that was read. If the version in it is no longer the present one, nothing is done. A "
        "star matches any version, a weak tag none.",
        "schema": {"type": "string"},
        "example": '"3-9f86d081884c7d65"',
    },
    "If-None-Match": {
        "description": "The ETag of the answer that the client has; if it is still right, the answer is 304.",
        "schema": {"type": "string"},
        "example": '"3-9f86d081884c7d65"',
    },
}
RESPONSE_HEADERS: dict[str, dict[str, Any]] = {
    "Allow": {"description": "Every method that the address takes.", "schema": {"type": "string"}},
    "ETag": {
        "description": "Names this answer. The number before the hyphen is the version that If-Match compares.",
        "schema": {"type": "string"},
    },
    "Idempotent-Replayed": {
        "description": "Present where the request repeats an earlier one and was not carried out again.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Link": {"description": 'The next page, as rel="next"; absent on the last one.', "schema": {"type": "string"}},
    "Location": {
        "description": "The address of what was created.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {"description": "How many seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}},
    "X-Request-Id": {
        "description": "The id that was sent, or a fresh one. The log knows the request by it.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
}
