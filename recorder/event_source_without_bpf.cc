// What stands for the eBPF programs in a build without clang, bpftool or libbpf.
#include "recorder/event_source.h"

namespace netrec {

struct EventSource::State {};

EventSource::EventSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventSource::~EventSource() = default;

Result<std::unique_ptr<EventSource>> EventSource::start(const EventSourceOptions&) {
  return failure(ErrorKind::unsupported, "this netrec was built without its eBPF programs");
}

void EventSource::read_on() {}
int EventSource::bell() const { return -1; }
std::chrono::microseconds EventSource::drain(EventSink&) { return {}; }
Status EventSource::read_peers(const PeerVisitor&) { return {}; }
Status EventSource::read_descriptors(const SocketDescriptorVisitor&) {
  return failure(ErrorKind::unsupported, "this netrec was built without its eBPF programs");
}
Result<GlanceReport> EventSource::glance(const GlanceVisitor&) {
  return failure(ErrorKind::unsupported, "this netrec was built without its eBPF programs");
}
EventLosses EventSource::take_losses() { return {}; }
const std::vector<Probe>& EventSource::probes() const {
  static const std::vector<Probe> kNone;
  return kNone;
}
bool EventSource::works(std::string_view) const { return false; }

bool events_are_built() { return false; }

}  // namespace netrec
