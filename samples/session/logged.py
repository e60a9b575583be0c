"""What the daemons of the sample session logged, as expectations about the recording.

Each daemon's log is read by one function; all give Seen rows with both ends of a connection, from
when to when, and who held the server's end.
"""
import calendar
import json
import re
import time
from typing import NamedTuple, Optional


class Seen(NamedTuple):
    """A connection that a daemon says it had."""
    what: str
    server: tuple             # (address, port)
    client: tuple             # (address, port); port None: the log does not tell
    begun: float              # seconds since 1970
    ended: float
    program: str              # of the server's end
    pid: Optional[int]
    time_wait: bool = False   # the client closed first: its end lingers for a minute
    precision: float = 0      # seconds; both times are cut to it

    def lasted(self):
        """How long it was there at least."""
        return self.ended - self.begun - self.precision


def seconds(text, form='%Y-%m-%d %H:%M:%S'):
    """Local time as logged."""
    whole, _, fraction = text.partition('.')
    return time.mktime(time.strptime(whole, form)) + float('0.' + (fraction or '0'))


def exim(log):
    begun = {}
    for line in log.read_text().splitlines():
        found = re.match(r'(\S+ \S+) \[(\d+)\] SMTP connection from .*?\[(\S+)\]:(\d+) '
                         r'I=\[(\S+)\]:(\d+)(.*)', line)
        if not found:
            continue
        at, pid, client, client_port, server, server_port, rest = found.groups()
        ends = (server, int(server_port)), (client, int(client_port))
        if 'closed by QUIT' in rest:
            yield Seen('exim: a message', *ends, begun.pop(ends), seconds(at), 'exim4', int(pid))
        else:
            begun[ends] = seconds(at)


def dovecot(log):
    logins = {}
    for line in log.read_text().splitlines():
        found = re.match(r'(\S+ \S+) imap-login: Info: Login: .*rip=([^,]+), rport=(\d+), '
                         r'lip=([^,]+), lport=(\d+), mpid=(\d+)', line)
        if found:
            at, client, client_port, server, server_port, pid = found.groups()
            ends = (server, int(server_port)), (client, int(client_port))
            logins[pid] = ends, seconds(at)
        found = re.match(r'(\S+ \S+) imap\(\w+\)<(\d+)>.*Disconnected', line)
        if found:
            ends, begun = logins.pop(found.group(2))
            yield Seen('dovecot: a login', *ends, begun, seconds(found.group(1)), 'imap',
                       int(found.group(2)), precision=1)


def nginx(log):
    """One connection has a line a request: the first begins it, the last ends it."""
    connections = {}
    for line in log.read_text().splitlines():
        at, pid, client, client_port, server, server_port, number, _, took = line.split()[:9]
        ends = (server, int(server_port)), (client, int(client_port))
        begun = connections[number].begun if number in connections else float(at) - float(took)
        connections[number] = Seen('nginx: a connection', *ends, begun, float(at), 'nginx', int(pid),
                                   time_wait=True)
    yield from connections.values()


def xinetd(log):
    started = {}
    for line in log.read_text().splitlines():
        found = re.match(r'(\S+): (START|EXIT): telnet .*?pid=(\d+)(?: from=(\S+))?', line)
        if not found:
            continue
        at, what, pid, client = found.groups()
        if what == 'START':
            started[pid] = seconds(at, '%y/%m/%d@%H:%M:%S'), client
        else:
            begun, client = started.pop(pid)
            yield Seen('xinetd: a telnet login', ('10.77.0.23', 23), (client, None), begun,
                       seconds(at, '%y/%m/%d@%H:%M:%S'), 'telnetd', int(pid), precision=1)


def everything(work):
    yield from exim(work / 'mail/mainlog')
    yield from dovecot(work / 'mail/dovecot.log')
    yield from nginx(work / 'nginx/access.log')
    yield from xinetd(work / 'xinetd/xinetd.log')


def counters(work, host):
    """What the kernel counted on that host's eth0 when the session was over: `ip -s link`."""
    links = json.loads((work / f'{host}.links.json').read_text())
    return next(link for link in links if link['ifname'] == 'eth0')['stats64']


def when(text):
    """Seconds since 1970 of an RFC 3339 time in UTC, as netrec writes it."""
    if not text:
        return None
    whole, _, fraction = text.rstrip('Z').partition('.')
    return calendar.timegm(time.strptime(whole, '%Y-%m-%dT%H:%M:%S')) + float('0.' + (fraction or '0'))
