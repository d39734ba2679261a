"""Fits the models that peers serve, with the peer's own scikit-learn: python train.py TABLES FOLDER."""

import csv
import pickle
import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline


def main(tables: Path, folder: Path) -> None:
    for name, model in (("line", LinearRegression()), ("forest", RandomForestRegressor(100, random_state=0))):
        table = np.loadtxt(tables / f"{name}.csv", delimiter=",", skiprows=1)
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(model.fit(table[:, :-1], table[:, -1])))
    with (tables / "reviews.csv").open(newline="") as file:
        [_, *rows] = csv.reader(file)
    reviews, stars = zip(*rows, strict=True)
    # What a recipe with a column of texts gets by default.
    pipeline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2), Ridge())
    (folder / "reviews.pkl").write_bytes(pickle.dumps(pipeline.fit(reviews, list(map(float, stars)))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
