"""Uses a client that openapi-python-client generated: predicts with the model `line` and records what happened.

    python use.py ADDRESS KEY

It prints the prediction's id, output and outcome as JSON. The generated package `client` stands in the working folder.
"""

import json
import sys

from client import AuthenticatedClient
from client.api.history import get_prediction
from client.api.outcomes import record_outcome
from client.api.predictions import predict_line
from client.models import LineInputs, LineRequest, OutcomeBody

address, key = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=key, raise_on_unexpected_status=True)
body = LineRequest(inputs=LineInputs(x=5.0), reference="customer-42/2026-03")
answer = predict_line.sync(client=client, body=body, idempotency_key="customer-42")
[predicted] = answer.predictions
recorded = record_outcome.sync(predicted.id, client=client, body=OutcomeBody(outcome=12.5))
stored = get_prediction.sync(predicted.id, client=client)
print(
    json.dumps(
        {
            "id": str(predicted.id),
            "output": predicted.output,
            "interval": predicted.interval,
            "result": recorded.result,
            "outcome": stored.outcome.value,
            "reference": stored.reference,
        }
    )
)
