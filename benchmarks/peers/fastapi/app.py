"""A model behind FastAPI, as its users write it: one typed body, one answer."""

import os
import pickle
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())  # noqa: S301  # As such apps do.


class Inputs(BaseModel):
    values: list[float]


class Answer(BaseModel):
    prediction: float


@app.post("/predict")
def predict(inputs: Inputs) -> Answer:
    return Answer(prediction=model.predict([inputs.values])[0])
