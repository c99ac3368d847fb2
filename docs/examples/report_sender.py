"""Reports that a change is in place, signed, and tries until the report is taken. Needs the standard library only.

INBOUND_URL=https://… SOURCE_SECRET=whsec_… python report_sender.py SUGGESTION_ID
"""

import base64
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime

url, key = os.environ["INBOUND_URL"], base64.b64decode(os.environ["SOURCE_SECRET"].removeprefix("whsec_"))
data = {"suggestion_id": sys.argv[1], "report_id": "rota-47", "occurred_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
data |= {"summary": "Fixed pairs are on the rota", "what_changed": "Two fixed pairs cover all double-up calls."}
report = {"type": "report.implemented", "data": data | {"evidence": [{"kind": "rota_change", "title": "Rota week 47"}]}}
# The id and the bytes are made once and belong to the report: store both, and send the same on every try.
message_id, body = f"msg_{uuid.uuid4().hex}", json.dumps(report).encode()
for wait_seconds in (0, 5, 60, 600):
    time.sleep(wait_seconds)
    timestamp = int(time.time())  # Fresh on every try: more than 300 seconds off is refused.
    signature = base64.b64encode(hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")).decode()
    headers = {"webhook-id": message_id, "webhook-timestamp": f"{timestamp}", "webhook-signature": f"v1,{signature}"}
    request = urllib.request.Request(url, body, headers | {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            print(answer.status, answer.read().decode())  # 200 is taken; 202 is kept, and says why it waits.
            sys.exit(0)
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode(), file=sys.stderr)
        if error.code < 500 and error.code not in (408, 429):
            sys.exit("A person must look at this: the same message would be refused again.")
    except OSError as error:  # Not reached, or no answer in time: whether it was taken is not known, so try again.
        print(error, file=sys.stderr)
sys.exit("Not taken yet. Keep the message and try again later.")
