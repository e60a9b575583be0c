// What sockets live among: network namespaces, interfaces, protocol counters and user names, folded
// into the Ledger the way sockets are.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "recorder/ledger.h"
#include "recorder/procfs.h"
#include "recorder/source.h"
#include "schema/key_hash.h"

namespace netrec {

/// A namespace that cannot be read, met for the first time.
struct UnreadableNamespace {
  std::uint32_t id = 0;
  std::string why;
};

/// What the last look at the namespaces brought.
struct NamespaceNews {
  std::vector<std::uint32_t> gone;  ///< ids; closed already
  std::vector<UnreadableNamespace> unreadable;
};

class Surroundings final : public InterfaceSink {
 public:
  explicit Surroundings(Ledger& ledger);

  /// Takes over the rows the Ledger was given by carry_over().
  void carry_over();

  /// All the namespaces there are.
  NamespaceNews namespaces(std::span<const NamespaceFacts> found);
  /// Id of the namespace with `inode`; 0: it is not known.
  std::uint32_t namespace_id(std::uint32_t inode) const;
  /// Takes in one an event came from; what it is called is told by the next namespaces(). Its id.
  std::uint32_t meet_namespace(std::uint32_t inode);

  void begin_interfaces(std::uint32_t network_namespace);
  std::uint32_t text(std::string_view bytes) override { return ledger_.text(bytes); }
  void see(const Interface& observed) override;
  /// `whole`: all were shown, so others are gone.
  void end_interfaces(bool whole);

  void counters(std::uint32_t network_namespace, std::span<const CounterValue> values);

  void users(std::span<const UserName> users);

 private:
  struct KnownNamespace {
    std::uint32_t id = 0;
    std::uint64_t cookie = 0;
    std::string error;
  };

  std::uint32_t adopt(const NamespaceFacts& facts);
  void close_contents(std::uint32_t network_namespace);
  void add_counters(std::uint32_t network_namespace, std::span<const CounterValue> values);
  bool fits(const std::vector<std::uint32_t>& ids, std::span<const CounterValue> values) const;

  Ledger& ledger_;
  tsl::robin_map<std::uint32_t, KnownNamespace, KeyHash> by_inode_;
  std::vector<std::uint64_t> shown_;  ///< keys of the interfaces of this look
  std::uint32_t shown_in_ = 0;
  /// By namespace: ids of its counters, in the order they come in.
  tsl::robin_map<std::uint32_t, std::vector<std::uint32_t>, KeyHash> counter_ids_;
};

}  // namespace netrec
