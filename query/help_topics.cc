#include "query/help.h"

namespace netrec {

namespace {

constexpr std::string_view kTimes =
    R"(How times are written (for --at, --since, --until, diff, replay)

  12:03:10  12:03              on the day the recording ends
  2026-11-24 12:03:10          a day and a time; the time may be left out
  yesterday 14:00  today       counted from the day the recording ends
  2026-11-24T12:03:10.250Z     RFC 3339; also +01:00 in place of Z
  -2h  -90s  -1h30m            before the end of the recording
  @1795521790.25               seconds since 1970
  #1234                        a frame by its number
  start  end  now              of the recording; now is the reader's clock

Anything may be shifted: start+10m, 12:03-30s. Units: us ms s m h d w.

Clock times without an offset are in your zone (TZ), not the recorded host's;
--zone utc, --zone host or --zone Europe/Berlin chooses another one, for what is
read and for what is shown. A time the clocks skipped is refused; of one they
showed twice the first is taken, and it is said.
)";

constexpr std::string_view kFilter = R"(The filter language: that of ss(8), extended by who and what

  state time-wait              or established, listening, syn-sent, …; the groups
                               connected, synchronized, bucket, big, all
  exclude listening            all but that
  dst 203.0.113.0/24           the other end; src: this end; addr: either
  dst [2001:db8::1]:443        with a port
  dport = :443   sport >= 1024   port https   dport 8000-8999
  proto udp      tcp6  unix  inet6          as bare words, too
  process nginx                the program's name, of any holder of the socket
  exe /usr/bin/*   command ~ --daemon       * and ? stand for anything; ~ contains
  pid 812   user www-data   cgroup ~ docker
  name *.example.org           the name that led to the remote address
  namespace web   dev eth0   path /run/*   inode 4711   mark 0x10
  autobound  loopback  orphan  shared
  recv-q > 0   rtt > 100ms   bytes_received >= 10M   retrans > 0
                               any field of a socket by its name in SQL

Joined by and (or nothing), or, not, also & | !; grouped by parentheses.
Comparisons: = != < <= > >= or eq ne lt le gt ge; ~ and !~ for text.
As with ss, "state a state b" means either. Quote it for the shell:

  netrec show '( dport = :443 or dport = :80 ) and not dst 10.0.0.0/8'

In a history (search, connections) a state is one the socket ever was in.
)";

constexpr std::string_view kOutput = R"(What comes out, and in which form

A table by default: colours only on a terminal and never with NO_COLOR, cut to its
width; whole in a pipe. Numbers as people read them.

--json     one object: facts, an array of records, "notices"
--ndjson   an object a line; "record" says of what kind
--csv      RFC 4180; a second kind of record follows an empty line

In these three, times are RFC 3339 in UTC and numbers plain, with the unit in the
name (…_bytes, …_us). Text of the recorded host is escaped the same way in every
form: \xNN for a byte that is not printable UTF-8, \\ for a backslash. CSV puts an
apostrophe before what a spreadsheet would run as a formula.

If the time asked about touches a gap in the recording or damage of the file, the
answer says so: on stderr, or as "notices" in JSON; and the exit code is 4.
)";

constexpr std::string_view kExit = R"(Exit codes

  0  answered
  1  nothing matched
  2  the command line was wrong
  3  it could not be done
  4  answered, but the range has gaps or damage (also if nothing was found there)
)";

}  // namespace

std::string_view help_topic(std::string_view name) {
  if (name == "times" || name == "time") return kTimes;
  if (name == "filter" || name == "filters") return kFilter;
  if (name == "output") return kOutput;
  if (name == "exit") return kExit;
  return "";
}

}  // namespace netrec
