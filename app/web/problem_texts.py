"""Every code that an error of this API may have: its HTTP status, its title, and what its page says.

The pages `/problems/{code}`, the OpenAPI document and the answers are made from this table. A code that is not here
cannot be answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

REQUEST_ID = "5f1d0c6a9b7e4d2f8a3c1e60"


@dataclass(frozen=True, slots=True)
class ProblemText:
    """What is always so about a code."""

    status: int
    title: str
    cause: str
    """What has happened, for the person who reads the answer in a log."""
    cure: str
    """What that person can do."""
    detail: str = ""
    """The sentence of the answer where the one who raised the refusal gave none."""
    members: Mapping[str, object] = field(default_factory=dict)
    """An example of the further members that answers of this code carry."""


PROBLEMS: dict[str, ProblemText] = {
    "malformed_json": ProblemText(
        400,
        "The body is not JSON",
        "The body of the request could not be read as one JSON text (RFC 8259). It is empty, cut off, not encoded as "
        "UTF-8 or begins with a byte order mark; or it names a member twice in one object, contains NaN or Infinity, "
        "a number that is too large for a double, half of a surrogate pair, or more than 32 levels of nesting.",
        "Let a JSON library write the body, and send what it wrote as UTF-8 without changing it. If you build the "
        "body by hand, look for a comma behind the last member, for single quotes and for text behind the closing "
        "brace.",
    ),
    "invalid_cursor": ProblemText(
        400,
        "The cursor does not fit",
        "A cursor is a bookmark in one list of one organisation, with its filters and its order. The one that you "
        "sent was altered on its way, or was given out for another list, other filters or another order.",
        "Take the cursor from next_cursor exactly as it stands there, and repeat the filters and the order of the "
        "first request with it; or follow the address in the header Link, which has all of them. To start again from "
        "the beginning, send no cursor.",
    ),
    "missing_header": ProblemText(
        400,
        "A header is missing",
        "The request needs a header that it did not carry. Signed reports need webhook-id, webhook-timestamp and "
        "webhook-signature, each exactly once; the detail of the answer says which one was missing.",
        "Send the header. If your program does set it, look at the proxies between it and this server: some remove "
        "the headers that they do not know. A library for Standard Webhooks sets all three for you.",
    ),
    "malformed_header": ProblemText(
        400,
        "A header does not have its form",
        "A header of the request stands there twice although it may stand there once, or its value is not of the "
        "form that it must have. An Idempotency-Key has 1 to 255 visible ASCII characters; If-Match takes entity "
        "tags, with their quotation marks, or a star; the headers of signed reports have the forms of Standard "
        "Webhooks.",
        "Correct the header that the detail of the answer names. An ETag goes back into If-Match exactly as it was "
        'read, quotation marks included, as in: If-Match: "3-9f86d081884c7d65".',
    ),
    "bad_request": ProblemText(
        400,
        "This is not an HTTP request",
        "What arrived could not be read as HTTP/1.1, or the request line and headers together were larger than 64 "
        "KiB, or there was not exactly one Host header. Nothing of the request was looked at, and the connection is "
        "closed.",
        "Use an HTTP library rather than writing the request by hand. If you do use one, look for headers that grow "
        "with every request, such as cookies, and for text in a header that is not ASCII.",
        detail="What arrived here could not be read as an HTTP request.",
    ),
    "unauthenticated": ProblemText(
        401,
        "No valid key",
        "The request carried no key, or one that does not open this address: it was mistyped, was revoked, has "
        "expired, or is of the other kind. API keys begin with hb_ and open the addresses for systems; receipt codes "
        "begin with hbr_ and open only what the author of a suggestion may do.",
        "Send the key once, in the header Authorization, as in: Authorization: Bearer hb_… The detail of the answer "
        "tells a mistyped key from one that is no longer valid. An administrator of your organisation can make a new "
        "key; a receipt code stands on the slip or message that its author was given.",
    ),
    "invalid_signature": ProblemText(
        401,
        "The signature does not fit",
        "None of the signatures in webhook-signature was made with a live secret of this source over the bytes that "
        "arrived. Most often the body was parsed and written again between signing and sending, the secret belongs "
        "to another source, or it was rotated and the time in which both were valid is over.",
        "Sign the text webhook-id, a full stop, webhook-timestamp, a full stop and the body, with HMAC-SHA256 and "
        "the decoded secret (the part behind whsec_ is base64), and send exactly the bytes that you signed. A "
        "library for Standard Webhooks does this for you.",
    ),
    "timestamp_out_of_tolerance": ProblemText(
        401,
        "The signed time is too far off",
        "The signature fits, but the time in webhook-timestamp is more than 300 seconds away from our clock. That "
        "protects you against somebody who repeats an old message. The member skew_seconds is our clock minus yours.",
        "Set the clock of the sending machine from a time server. If you keep messages in a queue, take a fresh "
        "timestamp and sign again on every try; the webhook-id stays the same.",
        members={"skew_seconds": 412},
    ),
    "missing_scope": ProblemText(
        403,
        "The key lacks a scope",
        "The key is valid, but none of its scopes opens this address. Each scope opens its own addresses and implies "
        "no other: admin, for example, opens neither what safeguard opens nor what identity opens.",
        "The detail of the answer names the scopes, any one of which would be enough. An administrator of your "
        "organisation can make a key that carries it; the scopes of an existing key never change.",
    ),
    "not_found": ProblemText(
        404,
        "There is nothing here",
        "Nothing that your key may see has this address. The path may be mistyped, end in a slash, or hold an id "
        "that is not a UUID with hyphens; or the thing belongs to another organisation, to a site that the key is "
        "not for, or is handled confidentially. All of these are answered alike, so that nobody learns what exists.",
        "Compare the address with the API reference and the id with the one that you were given. If both are right, "
        "ask an administrator of your organisation which sites and scopes your key has.",
    ),
    "method_not_allowed": ProblemText(
        405,
        "The address does not take this method",
        "The address exists, but not for the method of your request. Suggestions, for example, are changed by acts, "
        "which are sent with POST, and nothing is ever replaced with PUT.",
        "The header Allow of the answer names the methods that the address takes. Look in the API reference for the "
        "operation that does what you want; it may have an address of its own.",
    ),
    "request_timeout": ProblemText(
        408,
        "The body took too long",
        "The headers of the request arrived, but its body was not complete after 15 seconds. The connection is "
        "closed, and nothing was stored.",
        "Send the request again, with the same Idempotency-Key. If it happens again, look at the network between "
        "your program and this server, and at a Content-Length that promises more bytes than are sent.",
    ),
    "act_not_allowed": ProblemText(
        409,
        "The act does not fit the state",
        "Every act fits certain states of a suggestion, and this one does not fit the state that it is in now. Often "
        "somebody else was quicker. The member state is the state, and allowed_acts lists the acts that fit it.",
        "Read the suggestion again before you decide what to do. If the answer reports a state that you did not "
        "expect, its timeline shows who did what. Repeating the same request cannot help until the state has changed.",
        members={"state": "decided", "allowed_acts": ["assign", "appeal", "reopen", "hold"]},
    ),
    "id_conflict": ProblemText(
        409,
        "The id is taken",
        "You chose an id, an external_id or a report_id that is already in use for something with other content. A "
        "repetition with the same content is harmless and is answered like the first request; this was none.",
        "If you meant to repeat a request, send exactly what you sent before. If it is something new, give it a new "
        "id. To change a suggestion that exists, use PATCH.",
    ),
    "quorum_not_met": ProblemText(
        409,
        "Votes are missing",
        "A decision needs enough votes of the people that it concerns, a share of them from care workers, and a "
        "decision other than a quick yes needs a panel. The member missing_seats says how many votes of which groups "
        "are missing, and why.",
        "Let the members of the panel vote and send the decision again, or start the review again with a panel that "
        "has the people who are missing. The policy of your organisation can ask for more than the minimum, never "
        "less.",
        members={
            "missing_seats": [
                {"groups": ["care_worker"], "count": 1, "detail": "One more care worker of the panel must vote."}
            ]
        },
    ),
    "webhook_id_reused": ProblemText(
        409,
        "The webhook-id was used for another body",
        "A message with this webhook-id arrived before, and its body was another one. The webhook-id names a "
        "message: every try of the same message carries the same id, and every other message an id of its own. What "
        "arrived now is kept and listed as rejected, but changes nothing.",
        "Make the id when the message is made, and store both together. If your program counts, make sure that a "
        "restart does not begin again at the same number.",
    ),
    "idempotency_key_in_use": ProblemText(
        409,
        "The first request is still running",
        "Another request with the same Idempotency-Key is being worked on at this moment, so its answer cannot be "
        "repeated yet. This happens when a client gives up waiting and tries again at once.",
        "Wait for the seconds that the header Retry-After names and send the same request again, with the same key. "
        "You then get the answer of the first one.",
    ),
    "gone": ProblemText(
        410,
        "This was deleted",
        "The source that this address belonged to has been deleted. Reports that are sent to it are not stored.",
        "Stop sending to this address. If reports are still wanted, ask an administrator of the organisation to make "
        "a new source, and use its address and its secret. Nothing that was reported before is lost.",
    ),
    "version_mismatch": ProblemText(
        412,
        "It has changed since you read it",
        "The header If-Match named a version, and the suggestion has another one by now: an act, a change or a "
        "report came between. Nothing of your request was done, so nothing of the other change is overwritten.",
        "Read the suggestion again, look at what has changed, and decide anew. If your request is still right, send "
        "it with the ETag that you have just read. A weak tag (one with W/ before it) never matches.",
    ),
    "body_too_large": ProblemText(
        413,
        "The body is too large",
        "The body of the request is larger than this address takes: 256 KiB, or 8 MiB for batches of lines. A body "
        "whose length is declared is refused before it is read.",
        "Send less at once. Long lists belong into several requests, or into the batch address for the same thing. "
        "Pictures and documents are not sent here at all: evidence carries a title and a link.",
    ),
    "unsupported_media_type": ProblemText(
        415,
        "The media type is not taken",
        "The header Content-Type names a media type that this address does not take, or is missing; or the body is "
        "compressed, which Content-Encoding says.",
        "Send JSON as application/json. A change with PATCH may also be application/merge-patch+json, and batches "
        "are application/x-ndjson. Send the body uncompressed.",
    ),
    "invalid": ProblemText(
        422,
        "Something in the request is refused",
        "The request could be read, but one or more of its members or query parameters break a rule. The member "
        "errors names each place: a JSON pointer into the body, such as /tags/0, or a question mark and the name of "
        "a query parameter; its code, such as missing, unknown, wrong_type or too_long; and a sentence. At most 100 "
        "are listed.",
        "Correct each of the places and send the request again. Unknown members are refused on purpose, because most "
        "are typing errors; the API reference lists the members of every request.",
        members={
            "errors": [
                {
                    "pointer": "/tags/0",
                    "code": "too_long",
                    "detail": "The value is too long. The maximum length is 50.",
                },
                {"pointer": "?limit", "code": "out_of_range", "detail": "The value is out of range. At most 200."},
            ]
        },
    ),
    "personal_data": ProblemText(
        422,
        "A text holds personal data",
        "A free text of the request holds an NHS number, a National Insurance number or, where your organisation's "
        "policy is strict, contact details. Such data must not travel with suggestions, so nothing was stored. The "
        "member errors names each text, and position counts the characters (code points) that stand before the place.",
        "Ask the person who wrote the text to leave the number out, and send the request again. What the answer "
        "points at is never repeated in it, so that logs stay clean. If the digits are something else, write them "
        "differently, for example with a word between them.",
        members={
            "errors": [
                {"pointer": "/text", "code": "nhs_number", "detail": "The text holds an NHS number.", "position": 48}
            ]
        },
    ),
    "idempotency_key_reused": ProblemText(
        422,
        "The Idempotency-Key belongs to another request",
        "A request with this Idempotency-Key was answered within the last 30 days, and it had another method, "
        "another path or another body. The key names one request, so that a repetition of it is harmless.",
        "Make a new key, for example a random UUID, whenever you make a new request, and keep it for the tries of "
        "that request alone. A request that was refused leaves its key free.",
    ),
    "precondition_required": ProblemText(
        428,
        "If-Match is required",
        "The policy of this organisation requires acts to say which version of the suggestion they were decided on, "
        "so that nobody acts on something that has changed in the meantime. The request carried no If-Match.",
        "Read the suggestion, take the ETag of the answer, and send it in the header If-Match, with its quotation "
        "marks. If the suggestion has changed by then, the answer is version_mismatch and nothing is done.",
    ),
    "rate_limited": ProblemText(
        429,
        "Too many requests",
        "This key or source has sent more requests than its share. The limits hold for each key and each source "
        "alone, so others are not affected. Nothing of the request was done or stored.",
        "Wait for the seconds that the header Retry-After names; the RateLimit headers tell how much is left before "
        "you reach the limit. To read what is new, use the events instead of asking for every suggestion again and "
        "again.",
    ),
    "internal_error": ProblemText(
        500,
        "Our mistake",
        "Something went wrong in this server that nobody had foreseen. The request was not carried out, and what had "
        "been begun was undone. The cause is in the log under the request_id of the answer, and in the answer there "
        "is nothing of it on purpose.",
        "Send the request again once, with the same Idempotency-Key. If it fails again, tell the operator of this "
        "server the request_id; that is all that is needed to find the cause.",
        detail="Something went wrong here. It is our mistake, and the log knows it by this request_id.",
    ),
    "unavailable": ProblemText(
        503,
        "Not available for the moment",
        "The database could not be reached, or was too busy to take the request in time. Nothing of the request was "
        "stored. This happens while a database restarts or changes over, and passes by itself.",
        "Wait for the seconds that the header Retry-After names and send the request again, with the same "
        "Idempotency-Key. Let the waits grow if it keeps failing.",
        detail="The database cannot be reached for the moment. Nothing was stored; please try again.",
    ),
    "outcome_unknown": ProblemText(
        503,
        "Whether it was stored is not known",
        "The connection to the database broke at the moment in which the request was being stored, so that nobody "
        "could say whether it was. Either everything of the request was done or nothing of it.",
        "Send the same request again with the same Idempotency-Key: if the first one was stored, you get its answer, "
        "and nothing is done twice. Without an Idempotency-Key, read what you meant to change before you try again.",
        detail="Whether this was stored is not known. Send it again with the same Idempotency-Key to find out.",
    ),
}
