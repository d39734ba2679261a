"""Lays out what a command prints in columns."""

GAP = "    "


def align_columns(*rows: tuple[str, ...]) -> list[str]:
    """A line a row: the first column begins at the left, all others end at the right, each as wide as what it holds."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
