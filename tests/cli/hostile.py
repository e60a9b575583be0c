#!/usr/bin/env python3
"""Asks hostile timelines: the real netrec, the real sqlite3 with the extension, and Python.

Each is a sound one with a few fields altered and its checksums made good. What is answered does not
matter here; that there is an answer, or an error, in bounded time and memory does.

usage: hostile.py NETREC NETREC_SO MAKE_TIMELINE MAKE_HOSTILE [COUNT]
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

COUNT = 240
MEMORY = 1 << 30  # bytes of address space; a sound one takes a tenth of it
SECONDS = 20

COMMANDS = (
    ["info"], ["connections", "--states"], ["search", "-a"], ["show", "-a", "-e"], ["verify"],
    ["diff", "-a", "start", "end"], ["listeners", "-a"], ["destinations"], ["churn"],
    ["interfaces"], ["counters"], ["replay", "--changes"], ["interfaces", "--since", "start"],
    ["export", "--force", "--sqlite", "OUT"],
    ["sql", "SELECT * FROM transitions"], ["sql", "SELECT * FROM samples"],
    ["sql", "SELECT * FROM sockets WHERE at BETWEEN 0 AND 9e18 AND step = 60"],
    ["sql", "SELECT * FROM connections WHERE ip_in(remote_address, '203.0.113.0/24')"],
)

QUESTIONS = (
    "SELECT * FROM connections", "SELECT * FROM transitions", "SELECT * FROM samples",
    "SELECT * FROM sockets", "SELECT * FROM interfaces", "SELECT * FROM counters",
    "SELECT * FROM peers", "SELECT * FROM dns", "SELECT * FROM frames",
    "SELECT * FROM interface_samples", "SELECT * FROM counter_samples",
    "SELECT count(*) FROM connections c JOIN process p ON p.id = c.process",
)

# Each question by itself: an error of one must not hide the others. The last line says that it
# came to its end.
PYTHON = """
import resource, sqlite3, sys
extension, questions, paths = sys.argv[1], sys.argv[2].split(";"), sys.argv[3:]
for path in paths:
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    db.enable_load_extension(True)
    try:
        db.load_extension(extension)
    except sqlite3.Error:
        db.close()
        continue
    for question in questions:
        try:
            for row in db.execute(question):
                pass
        except sqlite3.Error:
            pass
    db.close()
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=SECONDS * more.get("times", 1), preexec_fn=limited,
                          stdin=subprocess.DEVNULL)


def check_netrec(netrec, timelines, directory):
    for number, path in enumerate(timelines):
        for place in (number, number + 7):
            command = [os.path.join(directory, "out.db") if word == "OUT" else word
                       for word in COMMANDS[place % len(COMMANDS)]]
            done = run(netrec, "-f", str(path), *command)
            assert done.returncode in (0, 1, 2, 3, 4), (path.name, command, done.returncode,
                                                        done.stdout[-2000:])
            assert b"\x1b" not in done.stdout, (path.name, command)


def check_shell(extension, timelines):
    for path in timelines:
        done = run("sqlite3", "-readonly", str(path), "-cmd", f".load {extension}", *QUESTIONS)
        assert done.returncode >= 0, (path.name, done.returncode, done.stdout[-2000:])


def check_python(extension, timelines):
    question = "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)"
    for python in (sys.executable, "/usr/bin/python3"):
        if run(python, "-c", question).returncode == 0:
            done = run(python, "-c", PYTHON, extension, ";".join(QUESTIONS),
                       *map(str, timelines), times=5)
            text = done.stdout.decode("utf-8", "replace").split()
            assert done.returncode == 0 and text[-2:-1] == ["peak"], (done.returncode, text[-20:])
            assert int(text[-1]) < 400_000, f"{text[-1]} KiB of memory"
            return True
    return False


def main():
    netrec, extension, make_timeline, make_hostile = sys.argv[1:5]
    count = int(sys.argv[5]) if len(sys.argv) > 5 else COUNT
    os.environ["TZ"] = "UTC"
    os.environ.pop("NETREC_FILE", None)
    with tempfile.TemporaryDirectory() as directory:
        sound = os.path.join(directory, "sound.netrec")
        subprocess.run([make_timeline, sound], check=True, timeout=60)
        folder = pathlib.Path(directory) / "hostile"
        folder.mkdir()
        subprocess.run([make_hostile, sound, str(folder), str(count)], check=True, timeout=300)
        timelines = sorted(folder.glob("*.netrec"), key=lambda path: int(path.stem))
        assert len(timelines) == count
        check_netrec(netrec, timelines, directory)
        if shutil.which("sqlite3"):
            check_shell(extension, timelines[::3])
        asked = check_python(extension, timelines[1::3])
    print(f"{count} hostile timelines asked{'' if asked else '; no Python here loads extensions'}")


main()
