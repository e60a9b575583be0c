#!/usr/bin/env python3
"""Uses `netrec replay` on a real terminal (tmux's): presses keys, looks at the screen.

usage: replay_screen.py NETREC MAKE_TIMELINE
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
PATIENCE_S = 20


class Terminal:
    """A terminal of 110 by 30 characters in a tmux server of its own."""

    def __init__(self, directory, command):
        self.socket = os.path.join(directory, "tmux")
        environment = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", TERM="screen-256color", HOME=directory)
        environment.pop("TMUX", None)
        self.environment = environment
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "30", command)

    def tmux(self, *arguments):
        return subprocess.run(
            ["tmux", "-S", self.socket, *arguments],
            env=self.environment, check=True, stdout=subprocess.PIPE, timeout=30,
        ).stdout.decode()

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def until(self, wanted, what):
        """Waits for `wanted(screen)`; the screen then."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            screen = self.screen()
            if wanted(screen):
                return screen
            if time.monotonic() > deadline:
                sys.exit(f"{what}: not on the screen:\n{screen}")
            time.sleep(0.05)

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], env=self.environment, check=False)


def has(*texts):
    return lambda screen: all(text in screen for text in texts)


def has_line(start, text):
    """A line that begins with `start` and has `text`: the rows are drawn after the head."""
    return lambda screen: any(line.startswith(start) and text in line for line in screen.splitlines())


def lacks(text):
    return lambda screen: text not in screen


def look_around(terminal):
    terminal.until(has("12:00:00.000", "the recorder started here", "700/sshd"), "the beginning")
    terminal.until(has("░"), "the gap on the line of time")
    terminal.press("Right")
    terminal.until(has("12:00:01.000", "#2"), "a frame on")
    terminal.press("]")
    terminal.until(has("12:01:10.000", "1 opened"), "the next change")
    terminal.until(has_line("+ tcp", "2001/python3"), "what opened")
    terminal.press("[")
    terminal.until(has("12:00:00.000"), "the change before")
    terminal.press("g")
    terminal.type("12:03:30")
    terminal.press("Enter")
    terminal.until(has("12:03:30.000", "1 changed state"), "where one jumped")
    terminal.until(has_line("~ tcp", "CLOSE_WAIT"), "what changed")
    terminal.until(has("\\x1b[31mevil"), "a hostile name, escaped")


def filter_and_choose(terminal):
    terminal.press("/")
    terminal.type("dport = ")
    terminal.press("Enter")
    terminal.until(has("filter: dport =", "cannot read"), "the complaint about half a filter")
    terminal.press("C-u")
    terminal.type("dst 203.0.113.0/24")
    terminal.press("Enter")
    terminal.until(lambda s: "700/sshd" not in s and "203.0.113.66:4444" in s, "the filter")
    terminal.press("Enter")
    terminal.until(has("203.0.113.66:4444 ───", "c2.example.net"), "the details")
    terminal.press("Escape")
    terminal.press("t")
    terminal.until(has("no socket to show"), "without TCP")
    terminal.press("t", "e")
    terminal.until(has("Received", "RTT"), "more columns")
    terminal.press("/", "C-u", "Enter")
    terminal.until(has("700/sshd"), "without the filter")
    terminal.press("?")
    terminal.until(has("openings and closings over time"), "the help")
    terminal.press("Escape")
    terminal.until(lacks("openings and closings"), "the help gone")


def play(terminal):
    terminal.press("Home")
    terminal.until(has("12:00:00.000"), "the beginning again")
    terminal.press("+", "+", "+", "+", "+", "+", "Space")
    terminal.until(has("▶ 300×"), "playing")
    terminal.until(has("12:08:00.000", "the end of the recording"), "the end, over the gap")


def resize(terminal):
    terminal.tmux("resize-window", "-x", "60", "-y", "10")
    terminal.until(
        lambda s: len(s.rstrip("\n").splitlines()) <= 10 and "State" in s
        and max(map(len, s.splitlines())) <= 60, "smaller")
    terminal.tmux("resize-window", "-x", "110", "-y", "30")
    terminal.until(has("q quit"), "larger")


def main():
    netrec, make_timeline = sys.argv[1:3]
    if shutil.which("tmux") is None:
        print("skipped: tmux is not installed")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as directory:
        timeline = os.path.join(directory, "timeline.netrec")
        subprocess.run([make_timeline, timeline], check=True, timeout=120)
        replay = f"{shlex.quote(netrec)} -f {shlex.quote(timeline)} replay"
        pid = os.path.join(directory, "pid")
        # After each end: how it ended, and whether the terminal echoes again.
        script = (
            f"sh -c 'echo $$ > {pid}; exec {replay}'; echo ended $?; stty -a | grep -o ' echo '; "
            f"sh -c 'echo $$ > {pid}; exec {replay}'; echo killed $?; stty -a | grep -o ' echo '; cat"
        )
        terminal = Terminal(directory, script)
        try:
            for act in (look_around, filter_and_choose, play, resize):
                act(terminal)
            terminal.press("q")
            terminal.until(has("the recorder started here"), "the second replay")
            with open(pid, encoding="ascii") as file:
                os.kill(int(file.read()), 15)
            terminal.until(has("ended 0", "killed", "echo"), "the terminal as it was")
        finally:
            terminal.close()
    print("the replay's screen does as its keys say")


main()
