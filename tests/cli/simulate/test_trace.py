"""A trace is read as it stands, or refused with the line and the column."""

from pathlib import Path

import pytest

from multicloud.cli.simulate.trace import BadTrace, Trace, read_trace


def read(tmp_path: Path, text: str, *metrics: str) -> Trace:
    file = tmp_path / "load.csv"
    file.write_bytes(text.encode())
    return read_trace(file, metrics)


def test_columns_are_found_by_name_and_rows_hold_until_the_next_one(tmp_path: Path) -> None:
    trace = read(tmp_path, "seconds,other,rps\r\n10,7,1.5\r\n\r\n20,7,0.0001\r\n50,7,3e2\r\n", "rps")
    assert (trace.load, trace.seconds, trace.milli) == ("rps", [10.0, 20.0, 50.0], {"rps": [1500, 1, 300_000]})
    assert [trace.at(moment) for moment in (10, 19.9, 20, 49, 50, 99)] == [0, 0, 1, 1, 2, 2]
    assert list(trace.steps(20)) == [10, 30, 50]
    assert list(trace.steps(0.5))[:3] == [10, 10.5, 11]
    assert list(trace.steps(1000)) == [10]


def test_without_metrics_the_first_column_is_the_load(tmp_path: Path) -> None:
    assert read(tmp_path, "seconds,people\n0,5\n").load == "people"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "line 1, column 1: is empty; the header is seconds,rps", id="nothing"),
        pytest.param("time,rps\n0,1\n", "line 1, column 1: is 'time'; the header is seconds,rps", id="wrong header"),
        pytest.param("0,1\n60,1\n", "line 1, column 1: is '0'; the header is", id="no header"),
        pytest.param("seconds,load\n0,1\n", "line 1, column rps: is missing", id="a missing column"),
        pytest.param("seconds\n0\n", "line 1, column rps: is missing", id="no column at all"),
        pytest.param("seconds,rps,rps\n0,1,1\n", "line 1, column rps: stands twice", id="a doubled column"),
        pytest.param("seconds,rps\n", "line 2: there is no row", id="no row"),
        pytest.param("seconds,rps\n0,1\n60,\n", "line 3, column rps: is empty", id="a gap"),
        pytest.param("seconds,rps\n0,1\n,1\n", "line 3, column seconds: is empty", id="no moment"),
        pytest.param("seconds,rps\n0,1\n60\n", "line 3, column rps: the row has 1 fields", id="a short row"),
        pytest.param("seconds,rps\n0,1,2\n", "line 2, column 3: the row has 3 fields", id="a long row"),
        pytest.param("seconds,rps\n60,1\n0,1\n", "line 3, column seconds: 0 is not after", id="disorder"),
        pytest.param("seconds,rps\n0,1\n0,1\n", "line 3, column seconds: 0 is not after", id="a moment twice"),
        pytest.param("seconds,rps\n0,many\n", "line 2, column rps: 'many' is no number", id="a word"),
        pytest.param("seconds,rps\n0,NaN\n", "line 2, column rps: NaN is not between", id="not a number"),
        pytest.param("seconds,rps\n0,inf\n", "line 2, column rps: inf is not between", id="infinite"),
        pytest.param("seconds,rps\n0,-1\n", "line 2, column rps: -1 is not between", id="negative"),
        pytest.param("seconds,rps\n0,1e16\n", "line 2, column rps: 1e16 is not between", id="out of this world"),
        pytest.param('seconds,rps\n0,"1\n2"3\n', "line 3, column rps", id="a field over two lines"),
    ],
)
def test_a_bad_trace_is_refused_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadTrace) as refused:
        read(tmp_path, text, "rps")
    assert str(refused.value).startswith(f"{tmp_path / 'load.csv'}: {said}")


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadTrace, match=r"nowhere\.csv: No such file"):
        read_trace(tmp_path / "nowhere.csv", ["rps"])
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(BadTrace, match="UTF-8"):
        read_trace(tmp_path / "binary.csv", ["rps"])
