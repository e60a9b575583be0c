#!/usr/bin/env python3
"""Asks several timelines as one: the rotated files of a host, and those of another.

usage: many_files.py NETREC NETREC_SO MAKE_TIMELINE
"""
import csv
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


class Cases:
    def __init__(self, netrec, extension, make_timeline, directory):
        self.netrec = netrec
        self.extension = extension
        self.directory = pathlib.Path(directory)
        self.rotated = self.directory / "rotated"
        self.rotated.mkdir()
        self.parts = [str(self.rotated / f"web1-{i}.netrec") for i in range(4)]
        # The same ticks, in one file.
        self.whole = str(self.directory / "whole.netrec")
        self.hosts = self.directory / "hosts"
        shutil_targets = [str(self.directory / "db1.netrec")]
        subprocess.run([make_timeline, *self.parts], check=True, timeout=60)
        subprocess.run([make_timeline, *[self.whole] * 4], check=True, timeout=60)
        subprocess.run([make_timeline, "--host", "db1", *shutil_targets], check=True, timeout=60)
        self.hosts.mkdir()
        for path in (*self.parts, *shutil_targets):
            shutil.copy(path, self.hosts)

    def run(self, *arguments, files):
        named = [word for file in files for word in ("-f", str(file))]
        done = subprocess.run([self.netrec, *named, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def rows(self, sql, files, codes=(0,)):
        status, text, complaint = self.run("sql", "--csv", sql, files=files)
        assert status in codes, (sql, status, complaint)
        return list(csv.reader(io.StringIO(text)))[1:]

    def test_rotation_changes_no_answer(self):
        """A connection alive over a rotation is one, with all its states; nothing is lost."""
        for table, order in (("connections", "cookie, opened_us"),
                             ("transitions", "cookie, at_us, to_state"),
                             ("peers", "id"), ("dns", "id")):
            about = json.loads(self.run("sql", "--json", f"SELECT * FROM {table} LIMIT 1",
                                        files=[self.whole])[1])
            columns = list(about["rows"][0]) if about["rows"] else ["*"]
            columns = [c for c in columns if c not in ("session", "process", "sharers")]
            for where in ("", " WHERE opened_us < when_us('12:01:00')",
                          " WHERE remote_address = '203.0.113.2'"):
                if where and table in ("peers", "dns"):
                    continue
                sql = f"SELECT {', '.join(columns)} FROM {table}{where} ORDER BY {order}"
                one = self.rows(sql, [self.whole], (0, 1))
                several = self.rows(sql, [self.rotated], (0, 1))
                assert one == several, f"{sql}\n{first_difference(one, several)}"

    def test_later_file_knows_what_came_before(self):
        """A question about the last file alone tells states that lie in earlier ones."""
        sql = ("SELECT cookie, opened_us, states FROM connections WHERE closed_us > "
               "when_us('2026-11-24 12:02:20') OR cookie = 60 ORDER BY 1")
        assert self.rows(sql, [self.whole]) == self.rows(sql, [self.rotated])
        narrow = ("SELECT cookie, opened_us, states FROM connections WHERE last_seen_us >= "
                  "when_us('2026-11-24 12:04:00') ORDER BY 1")
        assert self.rows(narrow, [self.whole]) == self.rows(narrow, [self.rotated])

    def test_commands_answer_over_all(self):
        for command in (["connections"], ["search", "-a"], ["destinations"], ["listeners", "-a"],
                        ["churn"], ["connections", "--until", "12:00:30"],
                        ["search", "--since", "12:03", "dst", "203.0.113.66"]):
            one = self.run(*command, "--json", files=[self.whole])
            several = self.run(*command, "--json", files=self.parts)
            assert one[0] == several[0], (command, one, several)
            without_host = json.loads(several[1])
            expected = json.loads(one[1])
            for answer in (without_host, expected):
                for rows in [v for v in answer.values() if isinstance(v, list)]:
                    for row in rows:
                        row.pop("host", None)
            assert without_host == expected, f"{command}\n{expected}\n{without_host}"

    def test_each_row_says_whose_it_is(self):
        files = [self.hosts]
        hosts = self.rows("SELECT host, count(*) FROM connections GROUP BY 1 ORDER BY 1", files)
        assert [row[0] for row in hosts] == ["db1", "web1"] and hosts[0][1] == hosts[1][1], hosts
        assert self.rows("SELECT count(DISTINCT file) FROM session", files) == [["5"]]
        joined = self.rows("SELECT count(*) FROM connections c JOIN process p ON p.id = c.process "
                           "AND p.file = c.file WHERE c.host = 'db1'", files)
        assert int(joined[0][0]) > 20, joined
        at = self.rows("SELECT host, count(*) FROM sockets WHERE at = '2026-11-24 12:02:00' "
                       "GROUP BY 1", files)
        assert len(at) == 2 and at[0][1] == at[1][1], at
        steps = self.rows("SELECT DISTINCT at FROM sockets WHERE at BETWEEN "
                          "when_us('2026-11-24 12:00:00') AND when_us('2026-11-24 12:04:00') AND "
                          "step = 50 AND host = 'web1' ORDER BY 1", files)
        assert [int(b[0]) - int(a[0]) for a, b in zip(steps, steps[1:])] == [50_000_000] * 4, steps
        frames = self.rows("SELECT at_us FROM frames WHERE host = 'web1' ORDER BY at_us", files)
        assert len(frames) >= 300 and frames == sorted(frames)
        status, text, _ = self.run("connections", "--csv", files=files)
        assert status == 0 and {row["host"] for row in csv.DictReader(io.StringIO(text))} == {
            "db1", "web1"}
        status, text, _ = self.run("info", files=files)
        assert status == 0 and "5 timelines of 2 hosts" in text, text
        status, text, _ = self.run("sql", ".schema connections", files=files)
        assert "\n  host " in text and "(hidden) The host" not in text, text
        status, text, _ = self.run("sql", ".schema connections", files=[self.whole])
        assert "(hidden) The host" in text, text

    def test_commands_about_one_say_so(self):
        for command, code in ((["replay"], 2), (["diff", "12:00:10", "12:04"], 2),
                              (["verify"], 2), (["show", "--at", "#3"], 2)):
            status, _, complaint = self.run(*command, files=[self.rotated])
            assert status == code and complaint.startswith("netrec: "), (command, status, complaint)
        for command in (["show", "--at", "12:02"], ["churn"], ["interfaces"]):
            status, _, complaint = self.run(*command, files=[self.hosts])
            assert status == 2 and "host" in complaint, (command, status, complaint)
        one = self.run("show", "--at", "12:02:00", "-a", files=[self.whole])
        several = self.run("show", "--at", "12:02:00", "-a", files=[self.rotated])
        # The first line has the frame's number, which counts in its file.
        assert one[1].splitlines()[1:] == several[1].splitlines()[1:], several
        status, _, complaint = self.run("connections", "--zone", "host", files=[self.hosts])
        assert status == 0, complaint
        status, text, _ = self.run("diff", "12:02:40", "12:03:20", files=[self.rotated])
        assert status == 0 and "opened" in text, text

    def test_one_bad_file_is_told_and_the_others_answer(self):
        bad = self.rotated / "bad.netrec"
        bad.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
        try:
            for command in (["connections"], ["sql", "SELECT count(*) FROM connections"],
                            ["search"], ["info"], ["export", "--force", "--sqlite",
                                                   str(self.directory / "x.db")]):
                status, text, complaint = self.run(*command, files=[self.rotated])
                assert status == 4 and "bad.netrec" in complaint and text, (command, complaint)
        finally:
            bad.unlink()
        status, _, complaint = self.run("connections", files=[self.directory / "nothing"])
        assert status == 3 and "nothing" in complaint, complaint
        missing = [part for part in self.parts if not part.endswith("-2.netrec")]
        status, text, complaint = self.run("connections", files=missing)
        assert status == 4 and "no file covers" in complaint, complaint

    def test_export_of_several(self):
        copy = str(self.directory / "copy.db")
        status, _, complaint = self.run("export", "--sqlite", copy, files=[self.hosts])
        assert status == 0, complaint
        if shutil.which("sqlite3"):
            asked = subprocess.run(["sqlite3", copy, "SELECT host, count(*) FROM connections "
                                    "GROUP BY 1"], capture_output=True, check=True, timeout=60)
            assert [line.split("|")[0] for line in asked.stdout.decode().split()] == ["db1", "web1"]

    def test_extension_takes_a_directory(self):
        if shutil.which("sqlite3") is None:
            return
        done = subprocess.run(
            ["sqlite3", "-bail", ":memory:", "-cmd", f".load {self.extension}",
             "SELECT host, count(*) FROM connections GROUP BY 1 ORDER BY 1",
             "SELECT count(*) FROM session"],
            env=dict(os.environ, NETREC_FILE=str(self.hosts)), capture_output=True, check=False,
            timeout=60)
        lines = done.stdout.decode().split()
        assert [line.split("|")[0] for line in lines] == ["db1", "web1", "5"], done


def first_difference(one, other):
    for left, right in zip(one, other):
        if left != right:
            return f"one file: {left}\nseveral:  {right}"
    return f"{len(one)} rows of one file, {len(other)} of several"


def main():
    netrec, extension, make_timeline = sys.argv[1:4]
    os.environ["TZ"] = "UTC"
    os.environ.pop("NETREC_FILE", None)
    with tempfile.TemporaryDirectory() as directory:
        cases = Cases(netrec, extension, make_timeline, directory)
        for name in sorted(vars(Cases)):
            if name.startswith("test_"):
                getattr(cases, name)()
    print("several timelines answer as one")


main()
