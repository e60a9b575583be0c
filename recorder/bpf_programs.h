// The skeleton bpftool made of bpf/, loaded and attached group by group: a group is the programs
// that together tell one thing. A group the kernel refuses is left out, with the kernel's reason;
// the others go on. Apart from EventSource, which reads what the programs say.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/event.h"
#include "recorder/event_source.h"
#include "schema/result.h"

struct netrec_bpf;

namespace netrec {

class BpfPrograms {
 public:
  /// Errors: permission, unsupported, io: not even the TCP transitions could be loaded.
  static Result<BpfPrograms> load(const EventSourceOptions& options);
  BpfPrograms(BpfPrograms&& other) noexcept;
  BpfPrograms& operator=(BpfPrograms&& other) noexcept;
  ~BpfPrograms();

  /// The groups, and why each does not work, if so.
  const std::vector<Probe>& probes() const { return probes_; }
  /// Takes the group's programs out of the kernel again, because of `why`.
  void detach(std::string_view group, const std::string& why);

  int ring_fd() const;
  /// Events of that kind that did not fit into the ring, since the beginning.
  std::uint64_t lost(std::uint32_t kind) const;
  /// Packets with a peer there was no room for.
  std::uint64_t lost_packets() const;
  /// Lets packets be counted into the other map from now on; the one they were counted into.
  int turn_peers();
  /// From now on the next program that is executed wakes the ring's reader.
  void await_program();
  /// A new pass of the iterator over descriptors; -1 and errno if there is none.
  int open_descriptor_pass() const;
  /// What one run of the glance shows, valid until the next; the first begins anew.
  enum class GlanceRun { first, next };
  struct Glanced {
    std::span<const tcp_glance> shown;
    bool is_last = false;
    bool is_shared = false;  ///< the table is of all namespaces that have none of their own
  };
  Result<Glanced> glance(GlanceRun run);

 private:
  BpfPrograms() = default;
  Status try_load(const EventSourceOptions& options);
  void find_refused(const EventSourceOptions& options);
  void attach();
  Probe& probe(std::string_view group);

  netrec_bpf* skeleton_ = nullptr;
  std::vector<Probe> probes_;
};

}  // namespace netrec
