"""The same app around a pipeline that takes a text."""

import os
import pickle
from pathlib import Path

from flask import Flask, render_template, request

app = Flask(__name__)
model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())  # noqa: S301  # As the tutorial does.


@app.route("/")
def home() -> str:
    return render_template("text.html")


@app.route("/predict", methods=["POST"])
def predict() -> str:
    output = round(model.predict([request.form["review"]])[0], 2)
    return render_template("text.html", prediction=output)
