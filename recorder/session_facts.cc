#include "recorder/session_facts.h"

#include <fmt/ranges.h>
#include <linux/capability.h>
#include <unistd.h>

#include "recorder/host.h"

namespace netrec {

namespace {

bool is_set(std::uint64_t capabilities, int capability) {
  return (capabilities >> capability & 1) != 0;
}

// What polling does not show of sockets that open and close between two looks.
constexpr std::string_view kWithoutEnds = "sockets that open and close between two looks";
constexpr std::string_view kWithEnds =
    "of TCP and UDP sockets that open and close between two looks: the owner, and when exactly; of "
    "others: all";

void note_privileges(std::uint64_t capabilities, const RecordOptions& options,
                     std::vector<Limit>& limits) {
  const auto lacks = [&](int capability, const char* what) {
    if (!is_set(capabilities, capability))
      limits.push_back({.cause = GapCause::not_privileged, .what = what});
  };
  const bool wants_others = options.namespaces != std::vector<std::string>{"own"};
  if (wants_others) lacks(CAP_SYS_ADMIN, "other network namespaces (CAP_SYS_ADMIN)");
  lacks(CAP_SYS_PTRACE, "which program owns the sockets of other users (CAP_SYS_PTRACE)");
  lacks(CAP_NET_ADMIN, "marks and some details of sockets (CAP_NET_ADMIN)");
}

void note_capture(const RecordOptions& options, const Capture& capture, const SocketSource& source,
                  std::vector<Limit>& limits) {
  if (!capture.events) {
    const bool chosen = options.capture == CaptureChoice::poll;
    const std::string why = chosen ? "--capture poll" : "no event capture: " + capture.failure;
    limits.push_back(
        {.cause = chosen ? GapCause::left_out : GapCause::unsupported,
         .what = fmt::format("{} ({})", source.tells_ends() ? kWithEnds : kWithoutEnds, why)});
    return;
  }
  for (const Probe& probe : capture.events->probes())
    if (!probe.works())
      limits.push_back({.cause = GapCause::unsupported,
                        .what = fmt::format("{} ({})", probe.about, probe.failure)});
}

}  // namespace

std::vector<Limit> limits_of(const RecordOptions& options, std::uint64_t capabilities,
                             const Capture& capture, const SocketSource& source) {
  std::vector<Limit> limits;
  note_privileges(capabilities, options, limits);
  const auto leaves_out = [&](bool does, std::string what) {
    if (does) limits.push_back({.cause = GapCause::left_out, .what = std::move(what)});
  };
  leaves_out(!options.unix_sockets, "UNIX sockets (--no-unix)");
  leaves_out(!options.interfaces, "network interfaces (--no-interfaces)");
  leaves_out(!options.counters, "protocol counters (--no-counters)");
  leaves_out(!options.namespaces.empty(),
             fmt::format("network namespaces other than {} (--namespace)",
                         fmt::join(options.namespaces, ", ")));
  note_capture(options, capture, source, limits);
  return limits;
}

Session session_row(const RecordOptions& options, const std::vector<Limit>& limits,
                    CaptureMode mode, const Instant& now, Observer& observer) {
  const HostIdentity host = read_host_identity();
  std::vector<std::string> limit_texts;
  limit_texts.reserve(limits.size());
  for (const Limit& limit : limits) limit_texts.push_back(limit.what);
  return {.started_us = microseconds_of(now.wall),
          .started_boot_us = static_cast<std::uint64_t>(now.boot.count()),
          .interval_us = static_cast<std::uint64_t>(options.interval.count()),
          .capabilities = effective_capabilities(),
          .host = observer.text(host.host),
          .boot_id = observer.text(host.boot_id),
          .machine_id = observer.text(host.machine_id),
          .kernel = observer.text(host.kernel),
          .version = observer.text(NETREC_VERSION),
          .arguments = observer.text(options.command_line),
          .time_zone = observer.text(host.time_zone),
          .limits = observer.text(fmt::format("{}", fmt::join(limit_texts, "; "))),
          .pid = static_cast<std::uint32_t>(getpid()),
          .uid = getuid(),
          .mode = mode};
}

void tell_limits(const std::vector<Limit>& limits, const Instant& now, Observer& observer) {
  for (const Limit& limit : limits)
    observer.gap({.cause = limit.cause, .from = now.wall, .detail = limit.what});
}

}  // namespace netrec
