#include "query/services.h"

#include <algorithm>

#include "query/names.h"
#include "query/socket_selection.h"

namespace netrec {

namespace {

constexpr std::uint64_t kForever = ~std::uint64_t{0};

std::uint64_t end_of(const ServiceRun& run) {
  return run.stopped_us == 0 ? kForever : run.stopped_us;
}

/// Puts sockets whose times touch into one run. REQUIRES: in order of their start.
std::vector<ServiceRun> joined(const std::vector<ServiceRun>& sockets) {
  std::vector<ServiceRun> runs;
  for (const ServiceRun& socket : sockets) {
    const bool goes_on = !runs.empty() && socket.started_us < end_of(runs.back());
    if (!goes_on) {
      runs.push_back(socket);
      continue;
    }
    ServiceRun& run = runs.back();
    run.sockets += socket.sockets;
    if (end_of(socket) > end_of(run)) {
      run.stopped_us = socket.stopped_us;
      run.stopped_after_us = socket.stopped_after_us;
    }
  }
  return runs;
}

}  // namespace

bool is_service(const Connection& life) {
  if (life.socket.remote_port != 0) return false;
  if (is_listening(life.socket)) return life.socket.local_port != 0 || life.socket.path != 0;
  return std::any_of(life.transitions.begin(), life.transitions.end(),
                     [](const Transition& t) { return t.state == TcpState::listen; });
}

void Services::add(const Connection& life, const Snapshot& names) {
  if (!is_service(life)) return;
  const Socket& socket = life.socket;
  const Process* owner = owner_of(socket, names);
  ServiceKey key{.network_namespace = socket.network_namespace,
                 .transport = socket.transport,
                 .family = socket.family,
                 .port = socket.local_port,
                 .address = socket.local,
                 .path = std::string(names.text(socket.path)),
                 .program = owner == nullptr ? "" : std::string(program_name(*owner, names))};
  Found& found = found_[std::move(key)];
  found.network_namespace = namespace_text(socket.network_namespace, names);
  ServiceRun run;
  run.started_us = socket.opened_us;
  run.started_after_us = socket.opened_after_us;
  run.stopped_us = life.closed_us;
  run.stopped_after_us = life.closed_after_us;
  run.sockets = 1;
  run.uid = socket.uid;
  run.user = user_text(socket.uid, names);
  if (owner != nullptr) {
    run.pid = owner->pid;
    run.exe = names.text(owner->exe);
    run.exe_deleted = owner->exe_deleted != 0;
  }
  found.sockets.push_back(std::move(run));
}

std::vector<Service> Services::result() const {
  std::vector<Service> services;
  for (const auto& [key, found] : found_) {
    std::vector<ServiceRun> sockets = found.sockets;
    std::stable_sort(sockets.begin(), sockets.end(), [](const ServiceRun& a, const ServiceRun& b) {
      return a.started_us < b.started_us;
    });
    services.push_back({key, found.network_namespace, joined(sockets)});
  }
  return services;
}

}  // namespace netrec
