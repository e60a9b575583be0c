#include "bench/busy_host.h"

#include <algorithm>
#include <cmath>

namespace netrec {

namespace {

constexpr std::uint64_t kTimeWait_us = 60'000'000;
constexpr std::uint32_t kHostAddress = 0x0a000005;
constexpr std::uint32_t kMss = 1448;
constexpr std::uint16_t kServicePort = 443;

}  // namespace

BusyHost::BusyHost(const BusyLoad& load, std::uint64_t seed) : load_(load), random_(seed) {
  std::uint32_t next_text = 1;
  const auto text = [&](const std::string& bytes) {
    beginning_.of<Text>().insert({.id = next_text, .bytes = bytes});
    return next_text++;
  };
  const std::uint32_t where = text("host");
  beginning_.of<NetworkNamespace>().insert({.id = 1, .inode = 4026531840, .name = where});
  text("cubic");
  Session session{.id = 1};
  session.started_us = wall_us_;
  session.interval_us = 1'000'000;
  beginning_.of<Session>().insert(session);
  for (std::uint32_t i = 1; i <= load_.programs; ++i) {
    Process process{.id = i, .pid = 300 + 7 * i};
    process.uid = 100 + i % 20;
    process.comm = text(fmt::format("worker{}", i));
    process.exe = text(fmt::format("/usr/lib/service{}/worker{}", i % 40, i));
    process.command_line = text(fmt::format(
        "/usr/lib/service{}/worker{} --config /etc/service{}/main.conf", i % 40, i, i % 40));
    beginning_.of<Process>().insert(process);
  }
  for (std::size_t i = 0; i <= load_.destinations; ++i)
    addresses_.push_back(static_cast<std::uint32_t>(0x17000000 + random_() % 0xa0000000));
  add_service();
  now_ = beginning_;
  next_open_us_ = wall_us_;
  plan_seldom();
}

/// What clients call: without a listener nobody could tell them from whom we called.
void BusyHost::add_service() {
  Socket row;
  row.cookie = next_cookie_;
  row.network_namespace = 1;
  row.family = Family::inet;
  row.transport = Transport::tcp;
  row.type = 1;
  row.local_port = kServicePort;
  row.state = TcpState::listen;
  row.process = 1;
  row.uid = 101;
  row.opened_us = row.state_since_us = wall_us_;
  beginning_.of<Socket>().insert(row);
}

double BusyHost::normal() { return std::normal_distribution<double>(0, 1)(random_); }

std::uint64_t BusyHost::log_normal(double median, double spread) {
  return static_cast<std::uint64_t>(median * std::exp(spread * normal()));
}

/// Zipf-like: rank r about as often as 1 / r.
std::size_t BusyHost::heavy_tailed(std::size_t limit) {
  const double rank = std::pow(static_cast<double>(limit), uniform());
  return std::min(limit - 1, static_cast<std::size_t>(rank) - 1);
}

/// One connection to the destination seldom called falls anywhere into each of its spans.
void BusyHost::plan_seldom() {
  const double span_us = load_.seldom_every_s * 1e6;
  if (span_us == 0) return;
  const double begun = static_cast<double>(seldom_spans_++) * span_us;
  next_seldom_us_ = kBegun_us + static_cast<std::uint64_t>(begun + uniform() * span_us);
}

void BusyHost::open(std::uint64_t at_us, std::size_t destination, Delta& delta) {
  const bool called = destination < load_.destinations && uniform() < load_.called;
  Plan plan;
  plan.rtt_us = 200 + log_normal(static_cast<double>(1000 + destination * 37 % 40'000), 0.2);
  plan.sent = log_normal(900, 1.2);
  plan.received = log_normal(6000, 1.8);
  if (called) std::swap(plan.sent, plan.received);
  plan.closes_first = uniform() < 0.5;

  Socket row;
  next_cookie_ += 1 + (uniform() < 0.3 ? random_() % 3 : 0);
  row.cookie = next_cookie_;
  row.network_namespace = 1;
  row.family = Family::inet;
  row.transport = Transport::tcp;
  row.type = 1;
  row.local.low = kHostAddress;
  row.remote.low = addresses_[destination];
  const auto ephemeral = static_cast<std::uint16_t>(32768 + random_() % 28232);
  row.local_port = called ? kServicePort : ephemeral;
  row.remote_port = called                  ? ephemeral
                    : destination % 10 == 0 ? static_cast<std::uint16_t>(8000 + destination % 50)
                                            : std::uint16_t{443};
  row.inode = next_inode_ += 1 + static_cast<std::uint32_t>(random_() % 3);
  row.process =
      called ? 1 + static_cast<std::uint32_t>(random_() % 8)
             : 1 + static_cast<std::uint32_t>((destination * 13 + random_() % 3) % load_.programs);
  row.uid = 100 + row.process % 20;
  row.descriptor = static_cast<std::uint32_t>(10 + heavy_tailed(60));
  row.cgroup = 5000 + row.process % 40;
  row.congestion = 2;
  row.state = called ? TcpState::syn_recv : TcpState::syn_sent;
  row.opened_us = row.opened_after_us = row.state_since_us = at_us;
  delta.of<Socket>().opened.push_back(row);
  now_.of<Socket>().insert(row);
  plans_[row.cookie] = plan;
  events_.push({at_us + plan.rtt_us, row.cookie, Stage::established});
  const std::uint64_t first_fin = at_us + plan.rtt_us + log_normal(150'000, 1.5);
  events_.push({first_fin, row.cookie, plan.closes_first ? Stage::fin_wait1 : Stage::close_wait});
}

void BusyHost::change(Delta& delta, Socket& row, std::uint64_t at_us, const Socket& after) {
  auto& changes = delta.of<Socket>();
  const std::size_t from = changes.changed.size();
  compare(row, after, changes);
  for (std::size_t i = from; i < changes.changed.size(); ++i)
    changes.changed[i].at = static_cast<std::uint32_t>(wall_us_ - at_us + 1);
  row = after;
}

void BusyHost::finish(Socket& row, const Plan& plan) const {
  row.bytes_sent = plan.sent;
  row.bytes_acked = plan.sent + 1;
  row.bytes_received = plan.received;
  row.data_segments_out = static_cast<std::uint32_t>(1 + plan.sent / kMss);
  row.data_segments_in = static_cast<std::uint32_t>(1 + plan.received / kMss);
  row.segments_out = row.data_segments_out + 3 + row.data_segments_in / 2;
  row.segments_in = row.data_segments_in + 3 + row.data_segments_out / 2;
  row.rtt_us = static_cast<std::uint32_t>(plan.rtt_us + plan.sent % (1 + plan.rtt_us / 16));
  row.rtt_variance_us = static_cast<std::uint32_t>(plan.rtt_us / 4 + plan.received % 97);
  row.min_rtt_us = static_cast<std::uint32_t>(plan.rtt_us - plan.received % (1 + plan.rtt_us / 32));
  row.total_retransmits = plan.sent % 50 == 0 ? 1 : 0;
}

void BusyHost::carry_out(const Event& event, Delta& delta, std::vector<Socket>& departed) {
  Socket* row = now_.of<Socket>().find(event.cookie);
  if (row == nullptr) return;
  const Plan plan = plans_[event.cookie];
  Socket after = *row;
  after.state_since_us = event.at_us;
  switch (event.stage) {
    case Stage::established:
      after.state = TcpState::established;
      break;
    case Stage::fin_wait1:
      after.state = TcpState::fin_wait1;
      events_.push({event.at_us + plan.rtt_us, event.cookie, Stage::fin_wait2});
      break;
    case Stage::fin_wait2:
      after.state = TcpState::fin_wait2;
      events_.push({event.at_us + 20 + log_normal(300, 1), event.cookie, Stage::time_wait});
      break;
    case Stage::time_wait:
      after.state = TcpState::time_wait;
      after.timer = SocketTimer::time_wait;
      after.timer_expires_us = event.at_us + kTimeWait_us;
      finish(after, plan);
      events_.push({event.at_us + kTimeWait_us + random_() % 4000, event.cookie, Stage::end});
      break;
    case Stage::close_wait:
      after.state = TcpState::close_wait;
      events_.push({event.at_us + 10 + log_normal(80, 1), event.cookie, Stage::last_ack});
      break;
    case Stage::last_ack:
      after.state = TcpState::last_ack;
      events_.push({event.at_us + plan.rtt_us, event.cookie, Stage::end});
      break;
    case Stage::end:
      if (!plan.closes_first) {
        after.state = TcpState::close;
        finish(after, plan);
        change(delta, *row, event.at_us, after);
      }
      delta.of<Socket>().closed.push_back(
          {.key = event.cookie,
           .at = static_cast<std::uint32_t>(wall_us_ - event.at_us + 1),
           .reason = CloseReason::exact});
      departed.push_back(*row);
      now_.of<Socket>().erase(event.cookie);
      plans_.erase(event.cookie);
      return;
  }
  change(delta, *row, event.at_us, after);
}

Frame BusyHost::tick(std::vector<Socket>& departed) {
  departed.clear();
  wall_us_ += 1'000'000 + random_() % 300;
  Frame frame;
  frame.wall = wall();
  frame.boot = std::chrono::microseconds(wall_us_ - 1'600'000'000'000'000);
  std::exponential_distribution<double> gap(load_.connections_a_second / 1e6);
  while (true) {
    const std::uint64_t event_us = events_.empty() ? UINT64_MAX : events_.top().at_us;
    if (std::min(event_us, next_open_us_) > wall_us_) break;
    if (event_us <= next_open_us_) {
      const Event event = events_.top();
      events_.pop();
      carry_out(event, frame.delta, departed);
    } else {
      open(next_open_us_, heavy_tailed(load_.destinations), frame.delta);
      next_open_us_ += 1 + static_cast<std::uint64_t>(gap(random_));
    }
  }
  if (next_seldom_us_ <= wall_us_) {
    open(wall_us_, load_.destinations, frame.delta);
    plan_seldom();
  }
  sort(frame.delta);
  return frame;
}

}  // namespace netrec
