#!/usr/bin/env python3
"""Runs one command-line case and compares what it prints.

A case is text: lines "$ command" are run by bash, one after the other, in an empty
directory with $NETREC_FILE the timeline of make_timeline; the lines that follow are what
they print, stdout and stderr together; "[exit N]" says how a command ended if not with 0.
Lines before the first command are remarks. NETREC_UPDATE=1 rewrites the case instead.

usage: run_case.py NETREC MAKE_TIMELINE CASE
"""
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile


def run(command, directory, environment):
    # A carriage return would be invisible in a case.
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    text = done.stdout.decode("utf-8", "backslashreplace").replace("\r", "␍")
    text = text.replace(str(directory), "DIR")
    if text and not text.endswith("\n"):
        text += "␄\n"
    if done.returncode != 0:
        text += f"[exit {done.returncode}]\n"
    return text


def main():
    netrec, make_timeline, case = sys.argv[1:4]
    path = pathlib.Path(case)
    with tempfile.TemporaryDirectory() as directory:
        timeline = os.path.join(directory, "timeline.netrec")
        subprocess.run([make_timeline, timeline], check=True, timeout=120)
        environment = {
            "PATH": f"{os.path.dirname(netrec)}:/usr/bin:/bin",
            "HOME": directory,
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "NETREC_FILE": timeline,
        }
        actual = ""
        started = False
        expected = path.read_text(encoding="utf-8")
        for line in expected.splitlines():
            if line.startswith("$ "):
                started = True
                actual += line + "\n" + run(line[2:], directory, environment)
            elif not started:
                actual += line + "\n"
    if actual == expected:
        return 0
    if os.environ.get("NETREC_UPDATE") == "1":
        path.write_text(actual, encoding="utf-8")
        print(f"{path.name}: rewritten")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            expected.splitlines(True), actual.splitlines(True), str(path), "what it prints now"
        )
    )
    print("If this is right: NETREC_UPDATE=1 ./dev test -R cli")
    return 1


if __name__ == "__main__":
    sys.exit(main())
