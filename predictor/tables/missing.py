"""The texts that mean that a cell has no value."""

# What pandas reads as missing, except None, which is a category in many tables.
MISSING = [
    *["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"],
    *["N/A", "NA", "NULL", "NaN", "n/a", "nan", "null"],
]
MISSING_AMONG_NUMBERS = ["None", "-", "?", "."]
