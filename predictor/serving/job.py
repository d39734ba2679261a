"""One request for predictions, as it waits to be answered with others."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from predictor.exceptions import KeyReused, ReferenceTaken
from predictor.history.references import find_doubles, is_same_row
from predictor.models import Prediction
from predictor.schema.schema import Row
from predictor.serving.claims import Attempt, Found, Name
from predictor.serving.runtime import Runtime

# So many characters of texts take about as long as a row.
CHARACTERS_OF_A_ROW = 2_000


@dataclass(kw_only=True, eq=False)
class Job:
    """One request: all of its rows are stored, or none. It finishes with the committed predictions, or an error.

    Its `size` is that of its rows: one each, and more for those with long texts. `references` are those of its rows,
    where it has any; raises ReferenceTaken where one is that of two rows with different inputs. With an `attempt`, its
    answer is stored, too, and where there is one already, the request gets that one and no predictions.
    """

    runtime: Runtime
    rows: Sequence[Row]
    source: Prediction.Source
    references: Sequence[str | None] = ()
    attempt: Attempt | None = None
    # Whether something of it must be unique.
    is_claiming: bool = field(default=False, init=False)
    predicted: list[Prediction] = field(default_factory=list, init=False)
    # Predictions that had a row's reference before, by the row's position.
    _kept: dict[int, Prediction] = field(default_factory=dict, init=False)
    # The position of the first row with the same reference.
    _doubles: Mapping[int, int] = field(default_factory=dict, init=False)
    _finished: threading.Event = field(default_factory=threading.Event, init=False)
    _outcome: list[Prediction] | Exception = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if self.references:
            self._doubles = find_doubles(self.references, self.rows)
        self.is_claiming = bool(self.references) or self.attempt is not None

    @cached_property
    def size(self) -> int:
        return sum(map(self._measure, self.rows)) if self.runtime.schema.text_columns else len(self.rows)

    def take_rows(self, most: int) -> list[Row]:
        """The next rows to predict: of at most this size together, or one."""
        rows: list[Row] = []
        left = most
        for row in self.rows[len(self.predicted) :][:most]:
            left -= self._measure(row)
            if rows and left < 0:
                break
            rows.append(row)
        return rows

    def _measure(self, row: Row) -> int:
        texts = (row.values[name] for name in self.runtime.schema.text_columns.values())
        return 1 + sum(len(str(text)) for text in texts if text is not None) // CHARACTERS_OF_A_ROW

    @property
    def is_predicted(self) -> bool:
        """Whether all rows are predicted and only need to be stored; a large job is predicted piece by piece."""
        return len(self.predicted) == len(self.rows)

    @property
    def is_finished(self) -> bool:
        return self._finished.is_set()

    @property
    def names(self) -> Iterator[tuple[int, Name]]:
        """The model and the reference of each row that has one, by the row's position."""
        model = self.runtime.version.model
        return ((position, (model, each)) for position, each in enumerate(self.references) if each is not None)

    def list_new(self) -> list[Prediction]:
        """The predictions to store: not of rows that are answered with another one."""
        if not (self._kept or self._doubles):
            return self.predicted
        return [each for position, each in enumerate(self.predicted) if self._is_new(position)]

    def list_claimed(self) -> dict[Name, Prediction]:
        """The references to store, with the predictions that they name."""
        if not self.references:
            return {}
        return {name: self.predicted[position] for position, name in self.names if self._is_new(position)}

    def _is_new(self, position: int) -> bool:
        return position not in self._kept and position not in self._doubles

    def take(self, found: Found) -> None:
        """Answer with what is stored of its claims; it finishes where no row is left, or one cannot be answered."""
        before = found.answers.get(self.attempt.id) if self.attempt else None
        if self.attempt and before:
            self.attempt.answer = before.answer
            self._end([] if before.body == self.attempt.body else KeyReused())
            return
        try:
            self._keep(found.predictions)
        except Exception as error:  # Of a stored row that cannot be read: it fails alone.
            self.finish(error)

    def _keep(self, found: Mapping[Name, Prediction]) -> None:
        taken = []
        for position, name in self.names:
            if name not in found:
                continue
            if self.predicted and found[name].id == self.predicted[position].id:
                return self.finish()  # Its own: the commit was done whose connection broke.
            if is_same_row(found[name], self.rows[position]):
                self._kept[position] = found[name]
            else:
                taken.append(position)
        if taken:
            return self.finish(ReferenceTaken({position: str(self.references[position]) for position in taken}))
        if len(self._kept) == len(self.rows) and self.attempt is None:
            return self.finish()
        return None

    def write_answer(self) -> None:
        """Write the answer that is stored with its predictions; where that fails, the request fails."""
        if self.attempt is not None:
            try:
                self.attempt.answer = self.attempt.write(self.runtime.version, self._list_answers())
            except Exception as error:  # It fails alone, not all requests of its batch.
                self.finish(error)

    def finish(self, error: Exception | None = None) -> None:
        """It finishes with the error, or else with the predictions that are stored by now."""
        self._end(error or self._list_answers())

    def _end(self, outcome: list[Prediction] | Exception) -> None:
        self._outcome = outcome
        self._finished.set()

    def _list_answers(self) -> list[Prediction]:
        if not (self._kept or self._doubles):
            return self.predicted
        positions = range(len(self.rows))
        return [self._kept.get(each) or self.predicted[self._doubles.get(each, each)] for each in positions]

    def wait(self, seconds: float) -> bool:
        """Whether it finished within so many seconds."""
        return self._finished.wait(seconds)

    def get_predictions(self) -> list[Prediction]:
        """The finished job's predictions, in the order of its rows; raises its error where it has one."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome
