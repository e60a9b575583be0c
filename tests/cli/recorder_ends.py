#!/usr/bin/env python3
"""How a real recorder ends, begins a new file, is refused, is killed, and finds the disk full:
runs netrec-record on this host and looks at what it leaves.

usage: recorder_ends.py NETREC NETREC_RECORD [TEST ...]
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

NETREC, RECORDER = sys.argv[1:3]


RUNNING = []


def end_all():
    """A test that failed leaves no recorder behind."""
    while RUNNING:
        recorder = RUNNING.pop()
        if recorder.process.poll() is None:
            recorder.process.kill()
            recorder.process.wait()
        recorder.log.close()


class Recorder:
    """A recorder that has begun: its first frames are in the file."""

    def __init__(self, folder, *options, capture='poll'):
        self.file = folder / 'timeline.netrec'
        before = frames(self.file)
        self.log = open(folder / 'log', 'a+')
        self.process = subprocess.Popen(
            [RECORDER, '-o', self.file, '--interval', '100ms', '--capture', capture, *options],
            stdout=self.log, stderr=self.log)
        RUNNING.append(self)
        wait_for(lambda: self.process.poll() is not None or frames(self.file) > before + 2)

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


def wait_for(condition, seconds=40):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'it did not happen in time'
        time.sleep(0.05)


def info(file):
    done = subprocess.run([NETREC, '-f', file, 'info', '--json'], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    return json.loads(done.stdout) if done.stdout else None


def frames(file):
    """How many frames there are; 0 if there is no timeline yet."""
    if not file.exists():
        return 0
    known = info(file)
    return find(known, 'frames') or 0 if known else 0


def find(value, key):
    """The first `key` anywhere in parsed JSON."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            found = find(one, key)
            if found is not None:
                return found
    return None


def causes(file):
    return json.dumps(info(file))


def is_sound(file):
    done = subprocess.run([NETREC, '-f', file, 'verify'], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode()


def is_one_plain_file(file):
    assert not file.with_name(file.name + '-wal').exists(), 'the write-ahead log is still there'
    assert file.stat().st_mode & 0o777 == 0o600


def test_signals_end_it_properly(folder):
    for number in (signal.SIGINT, signal.SIGTERM):
        recorder = Recorder(folder)
        assert recorder.stop(number) == 0, recorder.said()
        assert 'recorded ' in recorder.said() and 'look at it: netrec' in recorder.said()
        is_one_plain_file(recorder.file)
        is_sound(recorder.file)
    assert 'recorder_stopped' in causes(recorder.file)
    assert 'recorder_killed' not in causes(recorder.file)


def test_many_signals_do_no_harm(folder):
    recorder = Recorder(folder)
    for _ in range(20):
        recorder.process.send_signal(signal.SIGINT)
        recorder.process.send_signal(signal.SIGTERM)
    assert recorder.process.wait(timeout=60) == 0
    is_one_plain_file(recorder.file)
    is_sound(recorder.file)


def test_what_failed_to_connect_is_told_alike(folder):
    """netrec derives from the log what netrec-record derived from what it saw."""
    recorder = Recorder(folder)
    for _ in range(20):
        with socket.socket() as one:
            one.bind(('127.0.0.1', 0))
            assert one.connect_ex(('127.0.0.1', 1)) != 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.connect(('127.0.0.1', 1))
        time.sleep(0.03)
    assert recorder.stop() == 0, recorder.said()
    is_sound(recorder.file)


def test_it_ends_by_itself(folder):
    file = folder / 'timeline.netrec'
    done = subprocess.run([RECORDER, '-o', file, '--for', '1s', '--interval', '200ms'],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    is_sound(file)


def test_a_second_recorder_is_refused(folder):
    recorder = Recorder(folder)
    second = subprocess.run([RECORDER, '-o', recorder.file, '--for', '1s', '--capture', 'poll'],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    assert second.returncode == 3
    assert str(recorder.process.pid) in second.stderr.decode(), second.stderr.decode()
    assert recorder.stop() == 0


def test_rotation_begins_a_new_file(folder):
    recorder = Recorder(folder)
    asked = subprocess.run([RECORDER, '-o', recorder.file, '--rotate'], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=60, check=False)
    assert asked.returncode == 0, asked.stdout.decode()
    wait_for(lambda: len(list(folder.glob('timeline-*.netrec'))) == 1)
    wait_for(lambda: frames(recorder.file) > 2)
    recorder.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(list(folder.glob('timeline-*.netrec'))) == 2)
    assert recorder.stop() == 0, recorder.said()
    for file in folder.glob('timeline*.netrec'):
        is_one_plain_file(file)
        is_sound(file)


def test_rotation_without_a_recorder_says_so(folder):
    asked = subprocess.run([RECORDER, '-o', folder / 'none.netrec', '--rotate'],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
    assert asked.returncode == 3
    assert asked.stderr


def test_a_kill_costs_no_committed_tick(folder):
    for _ in range(5):
        recorder = Recorder(folder)
        committed = frames(recorder.file)
        assert recorder.stop(signal.SIGKILL) == -signal.SIGKILL
        assert frames(recorder.file) >= committed
        is_sound(recorder.file)
    recorder = Recorder(folder)
    assert recorder.stop() == 0
    assert 'recorder_killed' in causes(recorder.file)
    is_sound(recorder.file)


def test_a_moved_file_is_noticed(folder):
    recorder = Recorder(folder)
    recorder.file.rename(folder / 'moved.netrec')
    wait_for(lambda: 'was moved or removed' in recorder.said())
    wait_for(lambda: frames(recorder.file) > 2)
    assert recorder.stop() == 0, recorder.said()
    is_sound(recorder.file)


def fill(disk):
    """Writes until nothing more fits; the file that takes the room."""
    ballast = disk / 'ballast'
    with open(ballast, 'wb', buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


def connect_once():
    """Makes and ends a connection over loopback; the port it was made from."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            server.accept()[0].close()
            return client.getsockname()[1]


def pause_on_a_full_disk(folder, capture):
    if os.geteuid() != 0:
        print('skipped: a full disk needs root, to mount a small one')
        return
    disk = folder / 'disk'
    disk.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], check=True)
    try:
        recorder = Recorder(disk, capture=capture)
        ballast = fill(disk)
        wait_for(lambda: 'recording pauses' in recorder.said() or recorder.process.poll() is not None)
        port = connect_once()
        ballast.unlink()
        wait_for(lambda: 'recording goes on' in recorder.said() or
                 recorder.process.poll() is not None)
        assert recorder.stop() == 0, recorder.said()
        assert 'disk_full' in causes(recorder.file)
        is_sound(recorder.file)
        if '"events"' in json.dumps(info(recorder.file)):
            found = subprocess.run([NETREC, '-f', recorder.file, 'search', f'port = :{port}'],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            assert str(port) in found.stdout.decode(), 'events of the pause are kept'
    finally:
        end_all()
        subprocess.run(['umount', disk], check=True)


def test_a_full_disk_pauses_it(folder):
    pause_on_a_full_disk(folder, 'poll')


def test_a_full_disk_pauses_it_and_events_are_kept(folder):
    pause_on_a_full_disk(folder, 'auto')


def test_wrong_options_say_what_would_be_right(_):
    for options, hint in ((['--for', '5x'], '1h30m'), (['--interval', '1ms'], '10ms'),
                          (['--max-size', '9'], '1M'), (['--capture', 'x'], 'auto'),
                          (['--frobnicate'], 'frobnicate')):
        done = subprocess.run([RECORDER, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60, check=False)
        assert done.returncode == 2, options
        assert hint in done.stderr.decode(), done.stderr.decode()


def main():
    tests = {name: test for name, test in globals().items() if name.startswith('test_')}
    failed = 0
    for name in sys.argv[3:] or tests:
        with tempfile.TemporaryDirectory(prefix='netrec-ends.') as folder:
            try:
                tests[name](pathlib.Path(folder))
                print(f'ok      {name}')
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f'FAILED  {name}: {error!r}')
            finally:
                end_all()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
