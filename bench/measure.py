"""What the benchmark scripts share: a host of their own (a network namespace), a load in it, a
recorder on it, and CPU time.

Costs are CPU seconds (user and system), not elapsed time, so that a busy machine matters less; what
is compared is measured in the same run.
"""
import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get('NETREC_BUILD', 'build/bench'))
TICKS_A_SECOND = os.sysconf('SC_CLK_TCK')


def need_root():
    if os.geteuid() != 0:
        print('skipped: makes a network namespace, which needs root')
        sys.exit(0)


@contextlib.contextmanager
def host():
    """A network namespace with loopback up; yields its name. Removed afterwards."""
    name = f'netrec-bench-{os.getpid()}'
    subprocess.run(['ip', 'netns', 'add', name], check=True)
    try:
        subprocess.run(['ip', '-n', name, 'link', 'set', 'lo', 'up'], check=True)
        yield name
    finally:
        subprocess.run(['ip', 'netns', 'delete', name], check=True)


def inside(name, *command):
    return ['ip', 'netns', 'exec', name, *map(str, command)]


@contextlib.contextmanager
def load(name, sockets, replaced=0.0, talking=0.0, speed=1.0):
    """many_sockets in that namespace, for as long as the block lasts."""
    command = inside(name, BUILD / 'bench/many_sockets', sockets, replaced, talking, speed)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout.readline() != b'ready\n':
            raise RuntimeError('the load did not start')
        try:
            yield
        finally:
            process.stdin.close()


class Recorder:
    """netrec-record in a namespace (None: where we are), writing into a folder of its own."""

    def __init__(self, name, *options):
        self.folder = tempfile.TemporaryDirectory(prefix='netrec-bench.')
        self.file = pathlib.Path(self.folder.name) / 'bench.netrec'
        command = [str(BUILD / 'netrec-record'), '--output', str(self.file), *map(str, options)]
        command = command if name is None else inside(name, *command)
        self.log = open(pathlib.Path(self.folder.name) / 'log', 'w+')
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.folder.cleanup()

    def wait_until_recording(self, within_s=60):
        """Until its first frame, with which the session begins. REQUIRES: not --quiet."""
        give_up = time.monotonic() + within_s
        while 'recording into' not in pathlib.Path(self.log.name).read_text():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError('the recorder did not begin: ' +
                                   pathlib.Path(self.log.name).read_text())
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        if self.process.wait(timeout=120) != 0:
            self.log.seek(0)
            raise RuntimeError(self.log.read())

    def cpu_s(self):
        """CPU seconds so far, by the scheduler's nanoseconds where it tells them, and threads in all."""
        total = 0
        for thread in pathlib.Path(f'/proc/{self.process.pid}/task').iterdir():
            total += int((thread / 'schedstat').read_text().split()[0])
        return total / 1e9

    def memory_mb(self, what='VmRSS'):
        for line in pathlib.Path(f'/proc/{self.process.pid}/status').read_text().splitlines():
            if line.startswith(what + ':'):
                return int(line.split()[1]) / 1000
        return 0.0

    def bytes(self):
        """Of the file and its write-ahead log."""
        return sum(path.stat().st_size for path in self.file.parent.glob('bench.netrec*'))

    def cpu_a_tick(self, seconds, interval=1.0):
        """Mean CPU seconds of a tick over the next `seconds`."""
        before, begun = self.cpu_s(), time.monotonic()
        time.sleep(seconds)
        return (self.cpu_s() - before) * interval / (time.monotonic() - begun)


def ask(path, question):
    """Rows of `netrec sql`, as dictionaries."""
    run = subprocess.run([BUILD / 'netrec', '-f', path, 'sql', '--json', question],
                         capture_output=True, text=True)
    if run.returncode not in (0, 1, 4):  # answered, no row, answered with gaps
        raise RuntimeError(run.stderr)
    return json.loads(run.stdout)['rows']


def cpu_of(command, **keywords):
    """Runs it to its end with its output thrown away; its CPU seconds."""
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    before = used()
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, **keywords)
    return used() - before


def bare_dump(name, times):
    """(sockets, CPU seconds) of a sock_diag dump that discards what it reads."""
    run = subprocess.run(inside(name, BUILD / 'bench/bare_dump', times), check=True,
                         capture_output=True, text=True)
    sockets, microseconds = run.stdout.split()
    return int(sockets), float(microseconds) / 1e6


def verdict(text, value, bar, at_least=False, unit=''):
    """One line of the report: a value beside the bar it is to meet."""
    met = value >= bar if at_least else value <= bar
    sign = '>=' if at_least else '<='
    print(f'{"ok  " if met else "MISS"}  {text:<62} {value:10.2f}{unit}   ({sign} {bar:g}{unit})')
    return met
