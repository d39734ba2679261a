"""Aligns the columns of what a command prints."""

GAP = "    "


def align_columns(*rows: tuple[str, ...]) -> list[str]:
    """One line for each row: the first column is left-aligned, all others right-aligned, each as wide as needed."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
