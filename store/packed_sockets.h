// Rows of sockets put by until they are needed once more: in blocks, packed as a frame's are. A
// busy host closes tens of thousands of older sockets before a chunk is sealed, and a row is 400
// bytes in memory where it takes 60 here.
#pragma once

#include <string>
#include <vector>

#include "schema/result.h"
#include "schema/socket.h"

namespace netrec {

class PackedSockets {
 public:
  /// REQUIRES: no row with its key was added before.
  void add(const Socket& row);
  /// All of them, in no promised order; none are left. An error cannot come but from a fault in
  /// memory.
  Result<std::vector<Socket>> take();

 private:
  void pack();

  std::vector<Socket> loose_;  ///< fewer than a block
  std::vector<std::string> blocks_;
  std::size_t packed_ = 0;  ///< rows in blocks_
};

}  // namespace netrec
