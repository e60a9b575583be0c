#!/usr/bin/env python3
"""Asks hostile timelines: the real netrec, the real sqlite3 with the extension, and Python.

A sound timeline is altered in one field after another (hostile_mutations.py), then at random, and
everything there is to ask is asked. A finding is a crash, a sanitizer's report, more memory or time
than the limit, or an answer that differs from that of the sound file with nothing said: of an
alteration of the log's own bytes in the answer itself, of others by `netrec verify` at least. (What
somebody made good who can compute hashes cannot be told.)

usage: hostile.py NETREC NETREC_SO MAKE_TIMELINE MAKE_HOSTILE [OPTION...]
  --every N      only each N-th of the fields (default 800: what the ordinary tests ask)
  --offset M     from the M-th on
  --seconds S    then at random, until S seconds of CPU were used
  --seed N       of what is random
  --only NAME    one mutation, by its name; --keep PATH leaves the file there
  --sanitized    the programs are built with sanitizers: no limit of address space, more time
"""
import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

import hostile_mutations as hostile

MEMORY = 1 << 30  # bytes; a sound one takes a tenth of it
SECONDS = 20      # of CPU
LONGEST = 50_000_000  # bytes of an answer that are looked at, and its end

AT = "12:02:35"
COMMANDS = (
    ["info"], ["show", "-a", "-e", "--at", AT], ["show", "-a"], ["replay", "--changes"],
    ["diff", "-a", "start", "end"], ["search", "-a", "dst", "203.0.113.0/24"],
    ["connections", "--states"], ["churn"], ["destinations"], ["listeners", "-a"],
    ["interfaces", "--since", "start"], ["counters"], ["verify"],
    ["export", "--force", "--sqlite", "OUT"],
)
DERIVED = ("destinations", "listeners", "info", "interfaces", "churn")
QUESTIONS = (
    "SELECT count(*), sum(bytes_sent), min(opened_us), group_concat(states) FROM connections",
    "SELECT cookie, closed_us FROM connections ORDER BY closed_us DESC LIMIT 10",
    "SELECT * FROM connections WHERE ip_in(remote_address, '203.0.113.0/24') ORDER BY cookie",
    "SELECT * FROM transitions ORDER BY at_us DESC",
    "SELECT count(*), sum(bytes_sent), max(at_us) FROM samples",
    "SELECT * FROM sockets WHERE at BETWEEN 0 AND 8e18 AND step = 86400",
    "SELECT * FROM frames ORDER BY at_us DESC LIMIT 20",
    "SELECT * FROM peers", "SELECT * FROM dns", "SELECT * FROM interfaces WHERE at = 'end'",
    "SELECT sum(receive_bytes) FROM interface_samples", "SELECT * FROM counters",
    "SELECT count(*) FROM connections c JOIN process p ON p.id = c.process",
)

# Each question by itself: an error of one must not hide the others. The last line says that it
# came to its end.
PYTHON = """
import sqlite3, sys
extension, path, questions = sys.argv[1], sys.argv[2], sys.argv[3:]
try:
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    db.enable_load_extension(True)
    db.load_extension(extension)
    for question in questions:
        try:
            print(db.execute(question).fetchall())
        except (sqlite3.Error, UnicodeDecodeError) as error:
            print("Error:", error)
except sqlite3.Error as error:
    print("Error:", error)
print("end")
"""


class Done:
    def __init__(self, code, text, peak_kb, cpu_s):
        self.code, self.text, self.peak_kb, self.cpu_s = code, text, peak_kb, cpu_s


class Asker:
    def __init__(self, options, directory):
        self.options = options
        self.path = os.path.join(directory, "asked.netrec")
        self.out = os.path.join(directory, "out.db")
        self.output = os.path.join(directory, "output")
        self.python = python_with_extensions()
        self.preload = ""
        if options.sanitized:
            # libstdc++, too: where it comes later, the sanitizer knows of no exceptions.
            self.preload = " ".join(
                subprocess.run(["g++", "-print-file-name=" + library], check=True,
                               stdout=subprocess.PIPE).stdout.decode().strip()
                for library in ("libasan.so", "libstdc++.so"))
        self.asked = 0
        self.cpu_s = 0.0
        self.peak_kb = 0

    def run(self, command, preload=False):
        limit = SECONDS * (6 if self.options.sanitized else 1)
        environment = dict(os.environ)
        if preload and self.preload:
            environment.update(LD_PRELOAD=self.preload)

        def limited():
            if not self.options.sanitized:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        with open(self.output, "wb") as output:
            child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                     stdin=subprocess.DEVNULL, preexec_fn=limited,
                                     env=environment)
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        self.asked += 1
        cpu = used.ru_utime + used.ru_stime
        self.cpu_s += cpu
        self.peak_kb = max(self.peak_kb, used.ru_maxrss)
        with open(self.output, "rb") as output:
            text = output.read(LONGEST)
            output.seek(max(LONGEST, os.path.getsize(self.output) - 1000))
            return Done(child.returncode, text + output.read(), used.ru_maxrss, cpu)

    def questions(self):
        """Every way to ask: its name, what kind it is, and what runs."""
        netrec = [self.options.netrec, "-f", self.path]
        for command in COMMANDS:
            yield " ".join(command), "netrec", [*netrec, *(self.out if word == "OUT" else word
                                                           for word in command)]
        for question in QUESTIONS:
            yield f"sql {question}", "netrec", [*netrec, "sql", question]
        yield "sqlite3", "sqlite3", ["sqlite3", "-readonly", self.path, "-cmd",
                                     f".load {self.options.extension}", *QUESTIONS]
        if self.python:
            yield "python", "python", [self.python, "-c", PYTHON, self.options.extension, self.path,
                                       *QUESTIONS]

    def ask_all(self):
        return {name: (kind, self.run(command, kind != "netrec"))
                for name, kind, command in self.questions()}


def python_with_extensions():
    for python in (sys.executable, "/usr/bin/python3"):
        question = "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)"
        if subprocess.run([python, "-c", question], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            return python
    return None


def misbehaves(kind, done, options):
    """What no file may do to a program."""
    if done.code < 0:
        return f"killed by {signal.Signals(-done.code).name}"
    if b"ERROR: AddressSanitizer" in done.text or b"runtime error:" in done.text:
        return "a sanitizer's report"
    if kind == "netrec" and done.code not in (0, 1, 2, 3, 4):
        return f"exit code {done.code}"
    if kind == "netrec" and b"\x1b" in done.text:
        return "an escape sequence"
    if kind == "python" and done.text.split()[-1:] != [b"end"]:
        return f"Python came to no end (exit code {done.code})"
    if done.peak_kb > (MEMORY >> 10) * (3 if options.sanitized else 1):
        return f"{done.peak_kb} KiB of memory"
    return None


def says_nothing(kind, sound, done):
    """True if it answers otherwise than for the sound file, as if nothing were."""
    if done.text == sound.text:
        return False
    if kind == "netrec":
        return done.code in (0, 1) and sound.code in (0, 1)
    return b"Error" not in done.text


def judge(mutation, sound, answers, options):
    """The findings of one file."""
    found = []
    silent = []
    for name, (kind, done) in answers.items():
        bad = misbehaves(kind, done, options)
        if bad:
            found.append((name, bad, done))
        elif name not in ("verify", "info") and says_nothing(kind, sound[name][1], done):
            silent.append((name, kind, done))
    if mutation.tells == hostile.FORGED or not silent:
        return found
    if mutation.tells == hostile.LOG:
        found += [(name, "says nothing of damaged bytes of the log", done)
                  for name, kind, done in silent if name.split()[0] not in DERIVED]
    if answers["verify"][1].code in (0, 1):
        found.append((silent[0][0], "answers otherwise, and verify finds the file sound",
                      silent[0][2]))
    return found


def mutations(sound, options):
    whole = hostile.each(sound, options.make_hostile)
    yield from whole[options.offset::options.every]
    if options.seconds > 0:
        with open(sound, "rb") as file:
            yield from hostile.at_random(sound, options.make_hostile, file.read(), options.seed)


class Judged:
    def __init__(self, options, directory):
        self.options = options
        self.asker = Asker(options, directory)
        self.files = 0
        self.findings = 0

    def alter(self, mutation, sound):
        for rest in ("-wal", "-shm", "-journal"):
            if os.path.exists(self.asker.path + rest):
                os.unlink(self.asker.path + rest)
        try:
            hostile.write(mutation, sound, self.asker.path)
        except subprocess.SubprocessError as error:
            print(f"FINDING {mutation.name}: it cannot be made: {error}", flush=True)
            self.findings += 1
            return False
        except hostile.sqlite3.Error:
            return True  # half of it, which is a file, too
        return True

    def look_at(self, mutation, sound, answers_of_sound):
        if not self.alter(mutation, sound):
            return
        self.files += 1
        for name, what, done in judge(mutation, answers_of_sound, self.asker.ask_all(),
                                      self.options):
            self.findings += 1
            tail = done.text[-300:].decode("utf-8", "replace").replace("\n", " | ")
            print(f"FINDING {os.path.basename(sound)}: {mutation.name}: {name}: {what}: {tail}",
                  flush=True)

    def look_at_all(self, sound, until_s):
        self.alter(hostile.Mutation("none", hostile.LOG, lambda path: None), sound)
        answers = self.asker.ask_all()
        for name, (_, done) in answers.items():
            assert done.code in (0, 1), (name, done.code, done.text[-500:])
        for mutation in mutations(sound, self.options):
            if 0 < until_s < self.asker.cpu_s:
                break
            if self.options.only is None or mutation.name == self.options.only:
                self.look_at(mutation, sound, answers)


def parse():
    parser = argparse.ArgumentParser()
    for name in ("netrec", "extension", "make_timeline", "make_hostile"):
        parser.add_argument(name)
    parser.add_argument("--every", type=int, default=800)
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--keep")
    parser.add_argument("--sanitized", action="store_true")
    return parser.parse_args()


def main():
    options = parse()
    os.environ["TZ"] = "UTC"
    os.environ["ASAN_OPTIONS"] = "detect_leaks=0:allocator_may_return_null=1:detect_odr_violation=0"
    os.environ.pop("NETREC_FILE", None)
    begun = time.monotonic()
    # Not on a disk, where there is another way: each file is written with all that keeps it safe.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        judged = Judged(options, directory)
        if options.keep:
            judged.asker.path = options.keep
        try:
            for number, more in enumerate(([], ["--killed"])):
                sound = os.path.join(directory, "killed.netrec" if more else "closed.netrec")
                subprocess.run([options.make_timeline, *more, "--host", "web2", sound], check=True,
                               timeout=60)
                judged.look_at_all(sound, options.seconds * (number + 1) / 2)
        except KeyboardInterrupt:
            print("stopped")
    print(f"{judged.files} hostile timelines, {judged.asker.asked} questions, "
          f"{judged.asker.cpu_s:.0f} s of their CPU ({time.monotonic() - begun:.0f} s), at most "
          f"{judged.asker.peak_kb >> 10} MB: {judged.findings} findings"
          f"{'' if judged.asker.python else '; no Python here loads extensions'}")
    sys.exit(1 if judged.findings else 0)


main()
