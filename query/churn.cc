#include "query/churn.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "query/escape.h"
#include "query/human.h"
#include "query/names.h"

namespace netrec {

namespace {

/// When the life entered TIME_WAIT, if it did; `until_us`: when that ended.
struct TimeWait {
  std::uint64_t from_us = 0;
  std::uint64_t until_us = 0;
};

std::optional<TimeWait> time_wait_of(const Connection& connection, std::uint64_t end_us) {
  for (const Transition& transition : connection.transitions)
    if (transition.state == TcpState::time_wait)
      return TimeWait{transition.at_us, std::max(end_us, transition.at_us)};
  if (connection.socket.state == TcpState::time_wait)
    return TimeWait{connection.socket.state_since_us, end_us};
  return std::nullopt;
}

// A life that goes on holds its port to the end of the range.
std::uint64_t end_us_of(const Connection& connection, std::uint64_t range_end_us) {
  return connection.is_closed() ? connection.closed_us : range_end_us + 1;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

bool is_counted(const Connection& connection) {
  const Socket& socket = connection.socket;
  return socket.transport == Transport::tcp && is_ip_connection(socket);
}

}  // namespace

double ChurnRow::percent() const { return share(ports.value, ports_there); }
double TimeWaitRow::percent() const { return share(at_once.value, limit); }

/// Which programs opened connections, and how many processes they were.
struct ChurnAnalysis::Programs {
  struct One {
    std::uint64_t connections = 0;
    std::set<std::uint32_t> pids;
  };
  std::map<std::string, One, std::less<>> by_name;

  void add(const Connection& connection, const Snapshot& names) {
    constexpr std::size_t kMostPids = 1000;
    const Process* owner = owner_of(connection.socket, names);
    if (owner == nullptr) return;
    const std::string_view name = program_name(*owner, names);
    auto found = by_name.find(name);
    if (found == by_name.end()) found = by_name.emplace(name, One{}).first;
    ++found->second.connections;
    if (found->second.pids.size() < kMostPids) found->second.pids.insert(owner->pid);
  }
  void tell(ChurnRow& row) const {
    const auto most = std::max_element(
        by_name.begin(), by_name.end(),
        [](const auto& a, const auto& b) { return a.second.connections < b.second.connections; });
    if (most == by_name.end()) return;
    row.program = most->first;
    row.processes = most->second.pids.size();
    row.pid = row.processes == 1 ? *most->second.pids.begin() : 0;
  }
};

struct ChurnAnalysis::Tally {
  std::uint64_t lives = 0;
  std::uint32_t ports_there = 0;
};

struct ChurnAnalysis::Followed {
  Followed(std::uint64_t from_us, std::uint64_t to_us)
      : opened(from_us, to_us), ports(from_us, to_us), in_time_wait(from_us, to_us) {}
  CountSeries opened;
  LevelSeries ports;
  LevelSeries in_time_wait;
  std::uint64_t closed = 0;
  std::uint64_t time_waits = 0;
  Programs programs;
};

struct ChurnAnalysis::Waits {
  Waits(std::uint64_t from_us, std::uint64_t to_us) : level(from_us, to_us) {}
  LevelSeries level;
  std::uint64_t entered = 0;
  std::string name;
  std::uint32_t limit = 0;
};

ChurnAnalysis::ChurnAnalysis(const TimeRange& range, std::size_t columns)
    : from_us_(to_us(range.from)), to_us_(to_us(range.to)), columns_(columns) {}

ChurnAnalysis::~ChurnAnalysis() = default;

ChurnEnd ChurnAnalysis::end_of(const Connection& connection, const Snapshot& names) {
  const Socket& socket = connection.socket;
  ChurnEnd end;
  end.network_namespace = socket.network_namespace;
  end.direction = directions_.of(connection, names);
  end.family = socket.family;
  end.local = socket.local;
  if (end.direction == Direction::outgoing) {
    end.remote = socket.remote;
    end.remote_port = socket.remote_port;
  } else {
    end.local_port = socket.local_port;
  }
  return end;
}

void ChurnAnalysis::tally(const Connection& connection, const Snapshot& names) {
  if (!is_counted(connection)) return;
  const ChurnEnd end = end_of(connection, names);
  Tally& tally = tallies_[end];
  ++tally.lives;
  if (end.direction == Direction::outgoing)
    tally.ports_there = ephemeral_ports(end.network_namespace, names).count();
}

void ChurnAnalysis::choose(std::size_t limit) {
  std::vector<const std::pair<const ChurnEnd, Tally>*> order;
  for (const auto& one : tallies_) order.push_back(&one);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->second.lives > b->second.lives; });
  if (order.size() > limit) order.resize(limit);
  for (const auto* one : order) followed_.try_emplace(one->first, from_us_, to_us_);
}

void ChurnAnalysis::follow_time_waits(const Connection& connection, const Snapshot& names) {
  const auto wait = time_wait_of(connection, end_us_of(connection, to_us_));
  if (!wait) return;
  const std::uint32_t id = connection.socket.network_namespace;
  auto [found, is_new] = waits_.try_emplace(id, from_us_, to_us_);
  Waits& waits = found->second;
  if (is_new) {
    waits.name = namespace_text(id, names);
    if (const auto* known = names.of<NetworkNamespace>().find(id))
      waits.limit = known->time_wait_limit;
  }
  waits.level.add(wait->from_us, wait->until_us);
  if (wait->from_us >= from_us_ && wait->from_us <= to_us_) ++waits.entered;
}

void ChurnAnalysis::follow(const Connection& connection, const Snapshot& names) {
  if (!is_counted(connection)) return;
  follow_time_waits(connection, names);
  const auto found = followed_.find(end_of(connection, names));
  if (found == followed_.end()) return;
  Followed& followed = found->second;
  const std::uint64_t end_us = end_us_of(connection, to_us_);
  followed.opened.add(connection.socket.opened_us);
  followed.ports.add(connection.socket.opened_us, end_us);
  followed.programs.add(connection, names);
  if (connection.is_closed() && connection.closed_us <= to_us_) ++followed.closed;
  if (const auto wait = time_wait_of(connection, end_us)) {
    followed.in_time_wait.add(wait->from_us, wait->until_us);
    if (wait->from_us >= from_us_ && wait->from_us <= to_us_) ++followed.time_waits;
  }
}

Churn ChurnAnalysis::result() const {
  Churn churn;
  churn.ends_in_all = tallies_.size();
  for (const auto& [end, followed] : followed_) {
    ChurnRow row;
    row.end = end;
    row.opened = followed.opened.total();
    row.closed = followed.closed;
    row.time_waits = followed.time_waits;
    row.opened_a_second = followed.opened.peak_per_second();
    row.ports = followed.ports.peak();
    row.in_time_wait = followed.in_time_wait.peak();
    const auto tally = tallies_.find(end);
    if (tally != tallies_.end()) row.ports_there = tally->second.ports_there;
    followed.programs.tell(row);
    row.activity = followed.ports.columns(columns_);
    churn.ends.push_back(std::move(row));
  }
  std::stable_sort(churn.ends.begin(), churn.ends.end(), [](const ChurnRow& a, const ChurnRow& b) {
    return std::tuple(a.percent(), a.ports.value) > std::tuple(b.percent(), b.ports.value);
  });
  for (const auto& [id, waits] : waits_)
    churn.namespaces.push_back({.network_namespace = id,
                                .name = waits.name,
                                .entered = waits.entered,
                                .at_once = waits.level.peak(),
                                .limit = waits.limit,
                                .activity = waits.level.columns(columns_)});
  return churn;
}

std::string verdict(const ChurnRow& row, TimeStyle times) {
  const ChurnEnd& end = row.end;
  const std::string percent =
      row.percent() < 1 ? "under 1 %" : fmt::format("{:.0f} %", row.percent());
  std::string text = fmt::format(
      "{} -> {}: {} of {} ports at {} ({})", to_string(end.local, end.family),
      endpoint_text(end.remote, end.remote_port, end.family), human_count(row.ports.value),
      human_count(row.ports_there), human_time(row.ports.at_us, times), percent);
  if (row.program.empty()) return text;
  if (row.pid != 0) return text + fmt::format(", by {}[{}]", escape(row.program), row.pid);
  return text + fmt::format(", by {} ({})", escape(row.program),
                            counted(row.processes, "process", "processes"));
}

}  // namespace netrec
