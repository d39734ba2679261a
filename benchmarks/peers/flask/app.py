"""The tutorial's app, from its description: a pickle, a form of bare fields, and the same page with the answer."""

import os
import pickle
from pathlib import Path

import numpy as np
from flask import Flask, render_template, request

app = Flask(__name__)
model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())  # noqa: S301  # As the tutorial does.


@app.route("/")
def home() -> str:
    return render_template("index.html", fields=range(model.n_features_in_))


@app.route("/predict", methods=["POST"])
def predict() -> str:
    given = [float(value) for value in request.form.values()]
    output = round(model.predict([np.array(given)])[0], 2)
    return render_template("index.html", fields=range(model.n_features_in_), prediction=output)
