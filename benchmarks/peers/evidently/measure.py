"""Evidently's numbers for columns of two samples: python measure.py QUESTIONS.json, which prints a JSON list."""

import json
import sys
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

answers = []
for question in json.loads(Path(sys.argv[1]).read_text()):
    columns = {f"{question['kind']}_columns": ["value"]}
    reference, window = (
        Dataset.from_pandas(pd.DataFrame({"value": question[name]}), data_definition=DataDefinition(**columns))
        for name in ("reference", "window")
    )
    metric = ValueDrift(column="value", method=question["method"])
    answers.append(float(Report([metric]).run(window, reference).dict()["metrics"][0]["value"]))
print(json.dumps(answers))
