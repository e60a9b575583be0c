#!/usr/bin/env python3
"""Writes relational copies and reads them with the real sqlite3 program alone.

usage: export.py NETREC NETREC_SO MAKE_TIMELINE
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77

TABLES = ("session", "gap", "process", "connections", "transitions", "samples", "peers", "dns",
          "destination", "listener", "interface", "interface_samples", "counter_samples", "frames")


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          check=False)
    return done.returncode, done.stdout.decode("utf-8", "backslashreplace")


def ask(database, *statements):
    status, text = run("sqlite3", "-readonly", "-bail", database, *statements)
    assert status == 0, text
    return text


def check_same_facts(timeline, extension, copy):
    """A question of the timeline, with the extension, and of the copy, without it: one answer."""
    for table in TABLES:
        # The recorder's arguments have NULs between them in the file.
        columns = "id, host, boot_id, limits" if table == "session" else "*"
        rows = f"SELECT {columns} FROM {table}"
        asked = ("sqlite3", "-readonly", "-bail", timeline, "-cmd", f".load {extension}")
        status, text = run(*asked, "-cmd", ".mode insert", "-cmd", ".headers on", rows)
        assert status == 0, text
        copied = ask(copy, "-cmd", ".mode insert", "-cmd", ".headers on", rows)
        escaped = "\\x" in copied  # bytes that are no UTF-8 arrive in the copy as text
        assert sorted(text.splitlines()) == sorted(copied.splitlines()) or escaped, table
        assert len(text.splitlines()) == len(copied.splitlines()), table


def check_form(copy):
    assert ask(copy, "PRAGMA integrity_check").strip() == "ok"
    loose = ask(copy, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
                      "'sqlite_%' AND sql NOT LIKE '%) STRICT'")
    assert loose == "", loose
    plan = ask(copy, "EXPLAIN QUERY PLAN SELECT * FROM connections WHERE remote_address = 'x'")
    assert "USING INDEX" in plan, plan
    assert ask(copy, "SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')") == "0\n"


def check_part(netrec, timeline, directory):
    part = os.path.join(directory, "part.db")
    status, text = run(netrec, "-f", timeline, "export", "--sqlite", part, "--since", "12:06:30",
                       "--until", "12:07", "--table", "connections", "--table", "samples",
                       "dst", "198.51.100.7")
    assert status == 0, text
    tables = ask(part, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1").split()
    assert tables == ["about", "connections", "damage", "samples", "sqlite_stat1"], tables
    assert ask(part, "SELECT DISTINCT program FROM connections") == "sshd\n"
    assert ask(part, "SELECT count(*), count(DISTINCT cookie) FROM samples") == "31|1\n"
    assert ask(part, "SELECT value FROM about WHERE key = 'filter'") == "dst 198.51.100.7\n"
    status, text = run(netrec, "-f", timeline, "export", "--sqlite", part, "--table", "nonsense")
    assert status == 2 and "is there already" in text, text
    status, text = run(netrec, "-f", timeline, "export", "--force", "--sqlite", part, "--table",
                       "nonsense")
    assert status == 2 and "there is no table 'nonsense'" in text, text
    assert ask(part, "SELECT DISTINCT program FROM connections") == "sshd\n", "it was left alone"
    status, text = run(netrec, "-f", timeline, "export", "--force", "--sqlite", part)
    assert status == 4, "the gap is told"
    assert ask(part, "SELECT count(*) FROM gap") == "1\n"
    status, text = run(netrec, "-f", timeline, "export", "--sqlite", "/proc/nowhere/x.db")
    assert status == 3, text


def check_damaged(netrec, timeline, directory):
    damaged = os.path.join(directory, "damaged.netrec")
    shutil.copyfile(timeline, damaged)
    run("sqlite3", damaged, "UPDATE chunk SET body = zeroblob(length(body)) WHERE rowid = "
                            "(SELECT min(rowid) FROM chunk)")
    copy = os.path.join(directory, "damaged.db")
    status, text = run(netrec, "-f", damaged, "export", "--sqlite", copy)
    assert status == 4 and "damage" in text, text
    assert int(ask(copy, "SELECT count(*) FROM damage WHERE to_us > from_us")) > 0
    assert int(ask(copy, "SELECT count(*) FROM connections")) > 0, "the rest is answered"


def check_interrupted(netrec, timeline, directory):
    """Ctrl-C, whenever it comes, leaves the whole copy or nothing."""
    folder = os.path.join(directory, "interrupted")
    os.mkdir(folder)
    copy = os.path.join(folder, "copy.db")
    stopped = 0
    for attempt in range(20):
        with subprocess.Popen([netrec, "-f", timeline, "export", "--sqlite", copy],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as writer:
            while writer.poll() is None and not os.listdir(folder):
                time.sleep(0.0005)
            time.sleep(0.001 * attempt)
            writer.send_signal(signal.SIGINT)
            ended = writer.wait(timeout=60)
        left = os.listdir(folder)
        if ended == -signal.SIGINT and not left:
            stopped += 1
        else:
            assert left == ["copy.db"], f"ended with {ended}, left {left}"
            os.unlink(copy)
    assert stopped > 0, "it was never stopped in the middle"


def main():
    netrec, extension, make_timeline = sys.argv[1:4]
    if shutil.which("sqlite3") is None:
        print("skipped: sqlite3 is not installed")
        sys.exit(SKIPPED)
    os.environ["TZ"] = "UTC"
    os.environ.pop("NETREC_FILE", None)
    with tempfile.TemporaryDirectory() as directory:
        timeline = os.path.join(directory, "timeline.netrec")
        subprocess.run([make_timeline, timeline], check=True, timeout=120)
        copy = os.path.join(directory, "copy.db")
        status, text = run(netrec, "-f", timeline, "export", "--sqlite", copy)
        assert status == 4 and "written to" in text, text
        check_same_facts(timeline, extension, copy)
        check_form(copy)
        check_part(netrec, timeline, directory)
        check_damaged(netrec, timeline, directory)
        check_interrupted(netrec, timeline, directory)
    print("the copy says what the timeline says")


main()
