"""The story that a first start prints: the whole loop in a terminal, exactly as pasted."""

STORY = r"""
One idea goes in and its answer comes back. Paste this into a terminal; it needs curl and openssl.

key={key}
base={base}
post() {{ curl -sS -X POST "$base$1" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d "$2"; }}
pick() {{ grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }}

# A care worker's idea goes in. The answer carries a receipt, which opens the author's view without an account.
sent=$(post /v1/suggestions '{{"title": "Pair the double-up calls", "text": "They are 12 minutes apart on paper and 25 by road.", "site": "{site}", "group": "care_worker", "anonymity": "confidential", "author": {{"ref": "staff-118"}}, "safety": {{"at_risk_now": false, "own_employment": false}}}}')
id=$(echo "$sent" | pick id)
receipt=$(echo "$sent" | grep -o 'hbr_[0-9A-Z-]*')
echo "$sent"; echo

# A named person answers, a panel reviews it and votes, and its chair decides.
post "/v1/suggestions/$id/acts/acknowledge" '{{"actor": {{"ref": "mgr-7", "group": "manager"}}, "steward": {{"ref": "mgr-7", "name": "Sam Hollis"}}, "message": {{"text": "Thank you. A panel will look at it next week.", "summary": "We have read your idea.", "feedback_mode": "A"}}, "decision_expected_on": "{expected_on}"}}'; echo
post "/v1/suggestions/$id/acts/start_review" '{{"actor": {{"ref": "mgr-7", "group": "manager"}}, "panel": [{{"ref": "cw-1", "group": "care_worker"}}, {{"ref": "cw-2", "group": "care_worker"}}, {{"ref": "fam-3", "group": "family_or_friend"}}], "chair": "mgr-9"}}'; echo
for member in cw-1 cw-2 fam-3; do post "/v1/suggestions/$id/acts/vote" "{{\"actor\": {{\"ref\": \"$member\", \"group\": \"care_worker\"}}, \"member\": \"$member\", \"choice\": \"yes\"}}"; echo; done
post "/v1/suggestions/$id/acts/decide" '{{"actor": {{"ref": "mgr-9", "group": "manager"}}, "outcome": "adopt", "rationale": "Two fixed pairs halve the travel time between the calls, nobody loses paid hours, and the rota has room for it.", "message": {{"text": "Yes. Two fixed pairs start next month.", "summary": "We will do it.", "feedback_mode": "D"}}, "participation_level": "co_design", "commitment": {{"owner": "coord-2", "due_on": "{due_on}"}}}}'; echo

# The rota system is made known, and reports by signed webhook what happened.
source=$(post /v1/sources '{{"name": "Rota system", "scheme": "standard_webhooks"}}')
address=$(echo "$source" | pick inbound_url)
secret=$(echo "$source" | pick secret)
body="{{\"type\": \"report.implemented\", \"data\": {{\"suggestion_id\": \"$id\", \"report_id\": \"rota-47\", \"occurred_at\": \"$(date -u +%Y-%m-%dT%H:%M:%SZ)\", \"summary\": \"Fixed pairs are on the rota\", \"what_changed\": \"Two fixed pairs cover all double-up calls.\", \"evidence\": [{{\"kind\": \"rota_change\", \"title\": \"Rota week 47\"}}], \"not_measured_because\": \"Travel is measured from next month on.\"}}}}"
stamp=$(date +%s)
hexkey=$(echo "${{secret#whsec_}}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
signature=$(printf '%s' "msg-$stamp.$stamp.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hexkey" -binary | openssl base64 -A)
curl -sS -X POST "$address" -H 'Content-Type: application/json' -H "webhook-id: msg-$stamp" -H "webhook-timestamp: $stamp" -H "webhook-signature: v1,$signature" -d "$body"; echo

# The author reads the answer with the receipt. Reading is being told, and with it the suggestion closes by itself.
curl -sS "$base/v1/receipt" -H "Authorization: Bearer $receipt"; echo
sleep 2
curl -sS "$base/v1/suggestions/$id" -H "Authorization: Bearer $key" | pick state; echo
"""


def curl_story(base_url: str, key: str, site: str, *, expected_on: str, due_on: str) -> str:
    """The story for one server, key and site. The two dates are when a decision and when the change is promised."""
    return STORY.format(base=base_url, key=key, site=site, expected_on=expected_on, due_on=due_on)
