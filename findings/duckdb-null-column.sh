#!/usr/bin/env bash
# DuckDB 2.0.1 (PyPI): a JSON column that is null in the first 20,480 lines reads as null for ever, values and all.
#
# read_json() looks at 20,480 records to infer the types. A member that is null in all of them gets the type "NULL". A later
# record in which it is 1 is then read as null: no error, no warning, and `count(a)` is 0. One line earlier the same value
# makes the column a BIGINT, and nothing is lost.
#
# It surprises because every other guess that fails is an error ("Could not convert"), because a type that can hold nothing
# is of no use to a reader, and because a program that writes its nulls out, so that all lines have the same members, loses
# what one that leaves them out makes the reader complain of ("column a not found"). polars, which guesses the same type,
# refuses the file. `sample_size = -1` or `columns = {…}` read it right.
#
# Seen:
#   20480 nulls, then 1: "NULL", 0 values
#   20479 nulls, then 1: BIGINT, 1 values
#   20480 nulls, then 1, all looked at: BIGINT, 1 values
#   20480 records without a, then 1: BinderException
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1

cat >look.py <<'P'
import duckdb


def look(lines, what, options=""):
    open("a.jsonl", "w").write("".join(line + "\n" for line in lines))
    try:
        kind, values = duckdb.sql(f"select typeof(any_value(a)), count(a) from read_json('a.jsonl'{options})").fetchall()[0]
        print(f"{what}: {kind}, {values} values")
    except duckdb.Error as error:
        print(f"{what}: {type(error).__name__}")


null, one = '{"a":null,"b":0}', '{"a":1,"b":0}'
look([null] * 20480 + [one], "20480 nulls, then 1")
look([null] * 20479 + [one], "20479 nulls, then 1")
look([null] * 20480 + [one], "20480 nulls, then 1, all looked at", ", sample_size = -1")
look(['{"b":0}'] * 20480 + [one], "20480 records without a, then 1")
P
venv/bin/python look.py | tee seen
diff - seen <<'S'
20480 nulls, then 1: "NULL", 0 values
20479 nulls, then 1: BIGINT, 1 values
20480 nulls, then 1, all looked at: BIGINT, 1 values
20480 records without a, then 1: BinderException
S
