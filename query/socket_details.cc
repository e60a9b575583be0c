#include <fmt/format.h>

#include "query/error_text.h"
#include "query/escape.h"
#include "query/human.h"
#include "query/socket_columns.h"
#include "query/socket_selection.h"

namespace netrec {

namespace {

/// Facts joined by " · ".
class Facts {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    if (!line_.empty()) line_ += " · ";
    line_ += fmt::format(format, std::forward<Args>(args)...);
  }
  void close(std::vector<std::string>& lines) {
    if (!line_.empty()) lines.push_back(std::move(line_));
    line_.clear();
  }

 private:
  std::string line_;
};

/// Without the date where it is that of `at_us`.
std::string time_near(std::uint64_t when_us, std::uint64_t at_us) {
  const bool one_day = same_local_day(from_us(when_us), from_us(at_us));
  return human_time(when_us, one_day ? TimeStyle::time_of_day : TimeStyle::full);
}

std::string since_text(std::uint64_t when_us, std::uint64_t at_us) {
  if (when_us == 0) return "unknown";
  const std::uint64_t age = at_us > when_us ? at_us - when_us : 0;
  return fmt::format("{} ({})", time_near(when_us, at_us), human_duration(age));
}

void add_age(Facts& facts, const Socket& socket, std::uint64_t at_us) {
  if (socket.opened_us == 0) return;
  if (socket.opened_after_us == 0)
    facts.add("open since before {}", time_near(socket.opened_us, at_us));
  else
    facts.add("opened {}{}", socket.opened_after_us == socket.opened_us ? "" : "by ",
              since_text(socket.opened_us, at_us));
  const bool moved = socket.state_since_us > socket.opened_us;
  if (moved && !state_text(socket).empty())
    facts.add("{} since {}", state_text(socket), since_text(socket.state_since_us, at_us));
}

void add_timer(Facts& facts, const Socket& socket, std::uint64_t at_us) {
  if (socket.timer == SocketTimer::none) return;
  const std::uint64_t rest = socket.timer_expires_us > at_us ? socket.timer_expires_us - at_us : 0;
  facts.add("timer {} in {}, {} retransmits", name(socket.timer), human_duration(rest),
            socket.timer_retransmits);
}

void add_identity(Facts& facts, const Socket& socket, const Snapshot& names) {
  facts.add("user {}", escape(user_text(socket.uid, names)));
  if (const auto holders = holders_of(socket, names); holders.size() > 1)
    facts.add("{} holders", holders.size());
  if (has(socket, SocketFlag::orphan)) facts.add("orphan");
  if (socket.inode != 0) facts.add("inode {}", socket.inode);
  const std::string name(names.text(socket.remote_name));
  if (!name.empty() && socket.family != Family::unix)  // There it is the foreign address.
    facts.add("to {}", escape(name));
  if (const std::string device = interface_text(socket, names); !device.empty())
    facts.add("dev {}", escape(device));
  if (socket.mark != 0) facts.add("mark {:#x}", socket.mark);
  if (socket.error != 0) facts.add("{}", error_text(socket.error));
}

void add_tcp(Facts& facts, const Socket& socket, const Snapshot& names, std::uint64_t at_us) {
  if (const std::string_view congestion = names.text(socket.congestion); !congestion.empty())
    facts.add("{}", escape(congestion));
  if (socket.congestion_window != 0) facts.add("cwnd {}", socket.congestion_window);
  if (socket.rtt_us != 0)
    facts.add("rtt {} ± {}", human_duration(socket.rtt_us), human_duration(socket.rtt_variance_us));
  if (socket.bytes_sent != 0 || socket.bytes_received != 0)
    facts.add("sent {}, received {}", human_bytes(socket.bytes_sent),
              human_bytes(socket.bytes_received));
  if (socket.segments_out != 0 || socket.segments_in != 0)
    facts.add("{} segments out, {} in", human_count(socket.segments_out),
              human_count(socket.segments_in));
  if (socket.total_retransmits != 0) facts.add("{} retransmitted", socket.total_retransmits);
  if (socket.send_mss != 0) facts.add("mss {}", socket.send_mss);
  if (socket.delivery_rate != 0) facts.add("{}/s delivered", human_bytes(socket.delivery_rate));
  const auto last = [&](const char* what, std::uint64_t when_ms) {
    const std::uint64_t now_ms = at_us / 1000;
    if (when_ms != 0 && when_ms <= now_ms)
      facts.add("last {} {} ago", what, human_duration((now_ms - when_ms) * 1000));
  };
  last("sent", socket.last_data_sent_ms);
  last("received", socket.last_data_received_ms);
}

void add_memory(Facts& facts, const Socket& socket) {
  if (socket.receive_buffer == 0 && socket.send_buffer == 0) return;
  facts.add("memory: receive {} of {}, send {} of {}", human_bytes(socket.receive_memory),
            human_bytes(socket.receive_buffer), human_bytes(socket.send_memory),
            human_bytes(socket.send_buffer));
  if (socket.drops != 0) facts.add("{} dropped", human_count(socket.drops));
}

}  // namespace

std::vector<std::string> socket_details(const Socket& socket, const Snapshot& names,
                                        std::uint64_t at_us) {
  std::vector<std::string> lines;
  Facts facts;
  add_identity(facts, socket, names);
  add_age(facts, socket, at_us);
  facts.close(lines);
  add_timer(facts, socket, at_us);
  if (socket.state != TcpState::listen) add_tcp(facts, socket, names, at_us);
  facts.close(lines);
  add_memory(facts, socket);
  facts.close(lines);
  return lines;
}

}  // namespace netrec
