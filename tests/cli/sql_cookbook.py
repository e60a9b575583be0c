#!/usr/bin/env python3
"""Runs each question of docs/sql.md on the timeline of make_timeline and compares the answers with
sql_cookbook.golden; and docs/sql_tables.md with what `.schema` says. NETREC_UPDATE=1 writes both.

usage: sql_cookbook.py NETREC MAKE_TIMELINE ROOT
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

QUESTION = re.compile(r"^### (.+?)\n+```sql\n(.+?)```", re.MULTILINE | re.DOTALL)
TABLES = ("connections", "transitions", "sockets", "samples", "interfaces", "interface_samples", "counters", "counter_samples", "peers",
          "dns", "frames")
TABLES_HEAD = """# The columns of the virtual tables

Written by `NETREC_UPDATE=1 ctest -R sql_cookbook` from what `.schema` says; see [sql.md](sql.md).
"""


def ask(netrec, timeline, sql):
    done = subprocess.run(
        [netrec, "-f", timeline, "sql", sql],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
        env=dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8"),
    )
    text = done.stdout.decode()
    # No row is an answer (1), and the timeline has a gap (4).
    if done.returncode not in (0, 1, 4):
        sys.exit(f"{sql}\nended with {done.returncode}:\n{text}")
    return text


def compare(path, actual):
    if os.environ.get("NETREC_UPDATE"):
        path.write_text(actual, encoding="utf-8")
        return True
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(
        expected.splitlines(True), actual.splitlines(True), str(path), "now"))
    return expected == actual


def main():
    netrec, make_timeline, root = sys.argv[1:4]
    root = pathlib.Path(root)
    questions = QUESTION.findall((root / "docs/sql.md").read_text(encoding="utf-8"))
    assert len(questions) >= 30, f"only {len(questions)} questions"
    with tempfile.TemporaryDirectory() as directory:
        timeline = os.path.join(directory, "timeline.netrec")
        subprocess.run([make_timeline, timeline], check=True, timeout=120)
        answers = "".join(f"{title}\n{ask(netrec, timeline, sql)}\n" for title, sql in questions)
        schema = TABLES_HEAD
        for table in TABLES:
            schema += f"\n```\n{ask(netrec, timeline, '.schema ' + table)}```\n"
    same = compare(root / "tests/cli/sql_cookbook.golden", answers)
    same &= compare(root / "docs/sql_tables.md", schema)
    print(f"{len(questions)} questions answered")
    sys.exit(0 if same else 1)


main()
