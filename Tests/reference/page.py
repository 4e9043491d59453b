"""The tables of docs/coming-from.md and the tests here have the same rows."""
import os
import re

from suite import check_equal, scenarios, test

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "coming-from.md")


@test("page/rows", "I")
def rows(world):
    """Every row of the page has a test, and every test has a row"""
    with open(DOCUMENT) as file:
        named = re.findall(r"^\| ([GKF]\d+) \|", file.read(), re.MULTILINE)
    check_equal(sorted(named), sorted(each.name.rpartition("/")[2] for each in scenarios() if not each.name.startswith("page/")), "rows")
    check_equal(len(named), len(set(named)), "rows that are there once")
