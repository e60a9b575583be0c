#!/usr/bin/env python3
"""Loads netrec.so into the real sqlite3 program and into Python, and asks a timeline.

usage: extension.py NETREC_SO MAKE_TIMELINE
"""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

SKIPPED = 77

BURST = "SELECT count(*) FROM connections WHERE ip_in(remote_address, '203.0.113.0/24')"
STATES = "SELECT state, count(*) FROM sockets WHERE at = '12:01:30' GROUP BY 1 ORDER BY 2 DESC LIMIT 1"


def shell(timeline, extension, *statements):
    done = subprocess.run(
        ["sqlite3", "-bail", "-readonly", timeline, "-cmd", f".load {extension}", *statements],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
    )
    return done.returncode, done.stdout.decode()


def check_shell(timeline, extension):
    status, text = shell(timeline, extension, BURST, STATES,
                         "SELECT program FROM connections WHERE remote_port = 4444",
                         "SELECT count(*) FROM connections c JOIN process p ON p.id = c.process")
    assert status == 0, text
    assert text.splitlines()[:2] == ["21", "TIME_WAIT|20"], text
    for statement in ("DELETE FROM session", "UPDATE gap SET cause = 1", "CREATE TABLE mine (x)"):
        status, text = shell(timeline, extension, statement)
        assert status != 0, statement
    status, text = shell(timeline, extension, "SELECT when_us('nonsense')")
    assert status != 0 and "cannot read this time" in text, text


def check_other_files(extension, directory):
    empty = os.path.join(directory, "empty.db")
    sqlite3.connect(empty).close()
    status, text = shell(empty, extension, "SELECT 1")
    assert "NETREC_FILE" in text, text
    damaged = os.path.join(directory, "damaged.netrec")
    with open(os.path.join(directory, "timeline.netrec"), "rb") as whole:
        content = bytearray(whole.read())
    for place in range(4096, len(content), 37):
        content[place] ^= 0x55
    with open(damaged, "wb") as file:
        file.write(content)
    status, text = shell(damaged, extension, "SELECT count(*), sum(bytes_sent) FROM connections")
    assert status in (0, 1), f"it must fail or answer, not crash: {status} {text}"


def check_damage(timeline, extension, directory):
    damaged = os.path.join(directory, "damaged_chunk.netrec")
    shutil.copyfile(timeline, damaged)
    db = sqlite3.connect(damaged)
    db.execute("UPDATE chunk SET body = zeroblob(length(body)) WHERE first_sequence > 150")
    db.commit()
    db.close()
    for question in ("SELECT count(*) FROM connections", "SELECT max(closed) FROM frames",
                     "SELECT cookie FROM samples",
                     # A limit ends these before the last row; the rows are not the ones asked for.
                     "SELECT cookie FROM connections ORDER BY closed_us DESC LIMIT 1",
                     "SELECT cookie FROM connections ORDER BY opened_us DESC LIMIT 1",
                     "SELECT closed FROM frames ORDER BY at_us DESC LIMIT 100",
                     "SELECT sequence FROM frames ORDER BY sequence LIMIT 1 OFFSET 201",
                     "SELECT cookie FROM sockets WHERE at = '2026-11-24 12:05:00' LIMIT 1"):
        status, text = shell(damaged, extension, question)
        assert status != 0 and "may lack something: " in text, (question, text)
        status, text = shell(damaged, extension, "SELECT allow_damage(1)", question)
        assert status == 0 and text.strip(), (question, text)
    status, text = shell(damaged, extension, "SELECT count(*) FROM sockets WHERE at = '#250'")
    assert status != 0 and "the last one before it that can is #201" in text, text


PYTHON = """
import sqlite3, sys
db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
db.enable_load_extension(True)
db.load_extension(sys.argv[2])
print(db.execute(sys.argv[3]).fetchone()[0])
# A cursor left in the middle, and several at once.
one = db.execute("SELECT cookie, program FROM connections")
one.fetchone()
print(len(db.execute("SELECT * FROM connections a JOIN sockets b USING (cookie)").fetchall()) > 0)
own = sqlite3.connect(":memory:")
own.enable_load_extension(True)
own.execute("CREATE TABLE watched (address)")
own.execute("INSERT INTO watched VALUES ('203.0.113.66')")
own.load_extension(sys.argv[2])
print(own.execute("SELECT remote_name FROM connections JOIN watched ON remote_address = address").fetchone()[0])
# Who allows reading only may name any of the tables.
db.set_authorizer(lambda action, *about: sqlite3.SQLITE_OK if action in (
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION) else sqlite3.SQLITE_DENY)
print(db.execute("SELECT count(*) > 0 FROM frames").fetchone()[0])
"""


def python_with_extensions():
    """A Python whose sqlite3 may load extensions; not every one was built so."""
    for python in (sys.executable, "/usr/bin/python3"):
        question = "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)"
        asked = subprocess.run([python, "-c", question], stderr=subprocess.DEVNULL, check=False)
        if asked.returncode == 0:
            return python
    return None


def check_python(timeline, extension):
    python = python_with_extensions()
    if python is None:
        return False
    done = subprocess.run(
        [python, "-c", PYTHON, timeline, extension, BURST],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
        env=dict(os.environ, NETREC_FILE=timeline),
    )
    assert done.stdout.decode().split() == ["21", "True", "c2.example.net", "1"], done.stdout.decode()
    return True


def main():
    extension, make_timeline = sys.argv[1:3]
    if shutil.which("sqlite3") is None:
        print("skipped: sqlite3 is not installed")
        sys.exit(SKIPPED)
    os.environ["TZ"] = "UTC"
    os.environ.pop("NETREC_FILE", None)
    with tempfile.TemporaryDirectory() as directory:
        timeline = os.path.join(directory, "timeline.netrec")
        subprocess.run([make_timeline, timeline], check=True, timeout=120)
        check_shell(timeline, extension)
        check_other_files(extension, directory)
        check_damage(timeline, extension, directory)
        if not check_python(timeline, extension):
            print("skipped: no Python here loads extensions; the sqlite3 program does, and was tested")
            sys.exit(SKIPPED)
    print("sqlite3 and Python answer from the timeline")


main()
