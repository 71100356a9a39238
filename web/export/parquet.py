"""Jobs as a Parquet file, for programs that read tables: typed columns, written a group of rows at a time.

The columns are those of the CSV, but for times, which are points in time, and lists, which are lists; besides
there is how sure each field is.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, takewhile
from pathlib import Path
from typing import IO, Any, cast

import arro3.io as parquet
from arro3.core import (
    Array,
    DataType,
    Field,
    RecordBatch,
    RecordBatchReader,
    Schema,
    list_array,
    struct_array,
)

from jobs.contract.chunks import chunks
from jobs.shape.columns import Column, ColumnType
from web.export.table import FIELD_CONFIDENCE, Row, Table

#: Rows that are handed over at a time, and rows of a group, which is in memory, packed, until it is written.
_ROWS, _GROUP_ROWS = 500, 5_000
_COMPRESSION = "zstd(3)"
_EPOCH_DAY, _EPOCH = date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
#: Numbers of 64 bits: the least, and the first that is too large.
_LEAST, _BEYOND = -(2**63), 2**63
_Values = Sequence[Any]


def write_parquet(jobs: Iterable[Row], target: Path, table: Table) -> None:
    """Write a row for each job.

    What does not fit its column, such as a whole number of more than 64 bits, is left out there. Raises
    OSError when there is no room, and what reading jobs raises.
    """
    makers = _makers(table)
    schema = Schema([Field(title, kind, nullable=True) for title, (kind, _) in makers.items()])
    source = _Source(jobs, table, makers, schema)
    with target.open("wb") as file:
        outlet = _Outlet(file)
        batches = RecordBatchReader.from_batches(schema, takewhile(outlet.takes_more, source.batches()))
        try:
            parquet.write_parquet(
                batches, cast(IO[bytes], outlet), compression=_COMPRESSION, max_row_group_size=_GROUP_ROWS
            )
        except Exception as error:
            # The library tells of what failed on our side by its words alone.
            raise source.failed or error from None
        if outlet.failed:
            raise outlet.failed


def _texts(values: _Values) -> Array:
    try:
        return Array(values, DataType.utf8())
    except UnicodeEncodeError:
        return Array(
            [value and value.encode("utf-8", "replace").decode() for value in values], DataType.utf8()
        )


def _numbers(values: _Values) -> Array:
    return Array([_number(value) for value in values], DataType.float64())


def _number(value: float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return None


def _wholes(values: _Values) -> Array:
    return Array([_whole(value) for value in values], DataType.int64())


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and _LEAST <= value < _BEYOND else None


def _booleans(values: _Values) -> Array:
    return Array(values, DataType.bool())


def _days(values: _Values) -> Array:
    days = [None if value is None else (value - _EPOCH_DAY).days for value in values]
    return Array(days, DataType.int32()).cast(DataType.date32())


def _times(values: _Values) -> Array:
    """Points in time from RFC 3339."""
    times = [
        None if value is None else (datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1)
        for value in values
    ]
    return Array(times, DataType.int64()).cast(_TIME)


def _lists_of(kind: DataType, make: "_Make") -> "_Maker":
    """Lists of values of a type."""
    of_lists = DataType.list(Field("item", kind, nullable=True))

    def lists(values: _Values) -> Array:
        offsets = [0, *accumulate(len(value or ()) for value in values)]
        return list_array(
            Array(offsets, DataType.int32()),
            make([one for value in values for one in value or ()]),
            type=of_lists,
            mask=_missing(values),
        )

    return of_lists, lists


def _structs_of(titles: Sequence[str]) -> "_Maker":
    """A number under each title."""
    fields = [Field(title, DataType.float64(), nullable=True) for title in titles]

    def structs(values: _Values) -> Array:
        columns = [
            _numbers([value[place] if value else None for value in values]) for place in range(len(titles))
        ]
        return struct_array(columns, fields=fields, mask=_missing(values))

    return DataType.struct(fields), structs


def _missing(values: _Values) -> Array:
    return Array([value is None for value in values], DataType.bool())


_Make = Callable[[_Values], Array]
#: A type of a column, and what makes an array of values, each of them or None.
_Maker = tuple[DataType, _Make]
_TIME = DataType.timestamp("us", tz="UTC")
_TEXT: _Maker = (DataType.utf8(), _texts)
_MAKERS: dict[ColumnType, _Maker] = {
    ColumnType.TEXT: _TEXT,
    ColumnType.NUMBER: (DataType.float64(), _numbers),
    ColumnType.INTEGER: (DataType.int64(), _wholes),
    ColumnType.BOOLEAN: (DataType.bool(), _booleans),
    ColumnType.DATE: (DataType.date32(), _days),
    ColumnType.JSON: _TEXT,
}
#: The columns of every batch that are no text.
_OURS: dict[str, _Maker] = {
    **dict.fromkeys(
        ("width", "height", "visual_tokens", "output_tokens", "lines", "attempts", "page", "read_pixels"),
        _MAKERS[ColumnType.INTEGER],
    ),
    **dict.fromkeys(("confidence", "device_s", "least_sure_confidence"), _MAKERS[ColumnType.NUMBER]),
    **dict.fromkeys(("created_at", "started_at", "finished_at"), (_TIME, _times)),
    **dict.fromkeys(("notes", "files"), _lists_of(*_TEXT)),
}


def _makers(table: Table) -> dict[str, _Maker]:
    """What makes each column, by its title."""
    own = {column.title: _maker(column) for column in table.fields}
    makers = {title: own.get(title) or _OURS.get(title, _TEXT) for title in table.titles}
    return makers | ({FIELD_CONFIDENCE: _structs_of([*own])} if own else {})


def _maker(column: Column) -> _Maker:
    if column.type is ColumnType.LIST:
        return _lists_of(*_MAKERS[column.of or ColumnType.TEXT])
    return _MAKERS[column.type]


class _Source:
    """Jobs as batches of rows; keeps what made reading them fail."""

    def __init__(self, jobs: Iterable[Row], table: Table, makers: dict[str, _Maker], schema: Schema) -> None:
        self._jobs, self._table, self._schema = jobs, table, schema
        self._makers = [make for _, make in makers.values()]
        self.failed: Exception | None = None

    def batches(self) -> Iterator[RecordBatch]:
        """Some rows at a time."""
        try:
            for some in chunks(self._jobs, _ROWS):
                columns = zip(*map(self._values, some), strict=True)
                arrays = [make(column) for make, column in zip(self._makers, columns, strict=True)]
                yield RecordBatch.from_arrays(arrays, schema=self._schema)
        except Exception as error:
            self.failed = error
            raise

    def _values(self, job: Row) -> list[Any]:
        values = self._table.values(job)
        return [*values, self._table.confidences(job)] if self._table.fields else values


class _Outlet(io.RawIOBase):
    """A file that is written; keeps what made that fail, as the library panics at an error of its file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.failed: OSError | None = None

    def takes_more(self, _: object) -> bool:
        """False when something was not written."""
        return self.failed is None

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Append."""
        try:
            if self.failed is None:
                self._file.write(data)
        except OSError as error:
            self.failed = error
        return len(data)
