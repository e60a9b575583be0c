#include "recorder/kernel_source.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "recorder/namespace_reader.h"
#include "recorder/namespaces.h"

namespace netrec {

struct KernelSource::State {
  KernelSourceOptions options;
  std::map<std::uint32_t, NamespaceReader> readers;  ///< by inode
  std::vector<NamespaceFacts> facts;
  std::vector<std::byte> buffer;
  int awaiting = -1;  ///< an epoll of what tells of ends

  ~State() {
    if (awaiting >= 0) ::close(awaiting);
  }
  void await(const NamespaceReader& opened);
  bool wants(const NamespaceFacts& candidate) const;
  NamespaceFacts look_at(std::uint32_t inode, const NamespacePlace& place, bool own);
  Result<NamespaceReader*> reader(std::uint32_t inode);
};

namespace {

// A namespace costs a dozen descriptors, and the usual soft limit is 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Other users' processes may live in namespaces we will never hear of.
NamespaceFacts hidden_namespaces() {
  NamespaceFacts facts;
  facts.name = "of other users' processes";
  facts.error = "/proc/PID/ns/net of some processes may not be read";
  return facts;
}

}  // namespace

bool KernelSource::State::wants(const NamespaceFacts& candidate) const {
  if (options.only.empty()) return true;
  return std::any_of(options.only.begin(), options.only.end(), [&](const std::string& wanted) {
    return wanted == candidate.name || wanted == fmt::format("{}", candidate.inode) ||
           (wanted == "own" && candidate.own);
  });
}

NamespaceFacts KernelSource::State::look_at(std::uint32_t inode, const NamespacePlace& place,
                                            bool own) {
  NamespaceFacts seen;
  seen.inode = inode;
  seen.name = place.name;
  seen.own = own;
  if (!wants(seen)) return seen;
  auto known = readers.find(inode);
  if (known == readers.end()) {
    auto opened = NamespaceReader::open(own ? "" : place.path, inode,
                                        options.watch_ends ? Ends::watched : Ends::left);
    if (!opened) {
      seen.error = opened.error().message;
      return seen;
    }
    known = readers.emplace(inode, *std::move(opened)).first;
    await(known->second);
  }
  seen.cookie = known->second.cookie();
  known->second.read_limits(seen);
  known->second.ask_again();
  return seen;
}

// A reader that is closed leaves the epoll by itself.
void KernelSource::State::await(const NamespaceReader& opened) {
  if (opened.ends_descriptor() < 0) return;
  if (awaiting < 0) awaiting = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event readable{.events = EPOLLIN, .data = {.fd = opened.ends_descriptor()}};
  ::epoll_ctl(awaiting, EPOLL_CTL_ADD, opened.ends_descriptor(), &readable);
}

Result<NamespaceReader*> KernelSource::State::reader(std::uint32_t inode) {
  const auto found = readers.find(inode);
  if (found == readers.end())
    return failure(ErrorKind::not_found, "network namespace {} is not open", inode);
  return &found->second;
}

KernelSource::KernelSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
KernelSource::~KernelSource() = default;

Result<std::unique_ptr<KernelSource>> KernelSource::open(KernelSourceOptions options) {
  raise_descriptor_limit();
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  std::unique_ptr<KernelSource> source(new KernelSource(std::move(state)));
  NETREC_CHECKED(source->find_namespaces());
  return source;
}

Status KernelSource::find_namespaces() {
  NETREC_TRY(found, look_for_namespaces());
  std::erase_if(state_->readers,
                [&](const auto& reader) { return !found.places.contains(reader.first); });
  state_->facts.clear();
  for (const auto& [inode, place] : found.places) {
    NamespaceFacts seen = state_->look_at(inode, place, inode == found.own);
    if (state_->wants(seen)) state_->facts.push_back(std::move(seen));
  }
  if (found.unreadable_processes != 0 && state_->options.only.empty())
    state_->facts.push_back(hidden_namespaces());
  return {};
}

std::span<const NamespaceFacts> KernelSource::namespaces() const { return state_->facts; }

Result<DumpReport> KernelSource::dump(std::uint32_t inode, std::uint32_t id, SocketKind kind,
                                      SocketSink& sink) {
  NETREC_TRY(reader, state_->reader(inode));
  return reader->dump(id, kind, state_->buffer, sink);
}

Result<DumpReport> KernelSource::listeners(std::uint32_t inode, std::uint32_t id, Family family,
                                           SocketSink& sink) {
  NETREC_TRY(reader, state_->reader(inode));
  return reader->listeners(id, family, state_->buffer, sink);
}

Result<DumpReport> KernelSource::ask(std::uint32_t inode, std::uint32_t id,
                                     std::span<const SocketQuestion> questions, SocketSink& sink) {
  NETREC_TRY(reader, state_->reader(inode));
  return reader->ask(id, questions, state_->buffer, sink);
}

Result<DumpReport> KernelSource::ended(std::uint32_t inode, std::uint32_t id, SocketSink& sink) {
  NETREC_TRY(reader, state_->reader(inode));
  return reader->ended(id, state_->buffer, sink);
}

bool KernelSource::tells_ends() const { return state_->awaiting >= 0; }
int KernelSource::bell() const { return state_->awaiting; }

Result<DumpReport> KernelSource::interfaces(std::uint32_t inode, std::uint32_t id,
                                            InterfaceSink& sink) {
  NETREC_TRY(reader, state_->reader(inode));
  return reader->interfaces(id, state_->buffer, sink);
}

Result<std::span<const CounterValue>> KernelSource::counters(std::uint32_t inode) {
  NETREC_TRY(reader, state_->reader(inode));
  return reader->counters();
}

}  // namespace netrec
