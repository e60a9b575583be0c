// Who holds which socket, found from either side: by the socket's inode and by the process's
// descriptor. Also knows what changed since it was last asked.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <span>
#include <vector>

#include "recorder/owners.h"
#include "schema/dense_map.h"
#include "schema/key_hash.h"

namespace netrec {

class HolderTable {
 public:
  /// The sockets of one process: inode by descriptor.
  using Sockets = DenseMap<std::uint32_t, std::uint32_t>;

  /// States that `holder` refers to the socket `inode`, whatever it referred to before.
  void set(Holder holder, std::uint32_t inode);
  /// States that `holder` refers to no socket.
  void clear(Holder holder);
  /// The process is gone. Sockets nobody holds any more are appended to `orphans`.
  void remove_process(std::uint32_t pid, std::vector<std::uint32_t>& orphans);
  /// The socket is gone. The descriptors that referred to it are appended to `freed`.
  void remove_socket(std::uint32_t inode, std::vector<Holder>& freed);

  std::span<const Holder> holders(std::uint32_t inode) const;
  /// nullptr if it holds none.
  const Sockets* sockets_of(std::uint32_t pid) const;
  std::size_t socket_count() const { return first_.size(); }

  /// Sockets whose holders changed since the last call, each once.
  void take_changed(std::vector<std::uint32_t>& changed);

 private:
  void forget(Holder holder, std::uint32_t inode);

  DenseMap<std::uint32_t, Holder> first_;  ///< by inode: the lowest
  tsl::robin_map<std::uint32_t, std::vector<Holder>, KeyHash>
      several_;  ///< all, where there are more
  tsl::robin_map<std::uint32_t, Sockets, KeyHash> processes_;
  std::vector<std::uint32_t> changed_;
};

}  // namespace netrec
