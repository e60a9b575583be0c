// The texts and programs alive in the log, by id, for whoever writes the derived tables: they say
// names, not ids.
//
// What a frame closes is kept until the next one: the sockets it closes still refer to it.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/delta.h"
#include "schema/key_hash.h"

namespace netrec {

class Names {
 public:
  /// Begins anew with what `snapshot` holds.
  void begin(const Snapshot& snapshot);
  void follow(const Delta& delta);

  /// "" for 0 and for what is not there. Valid until the next follow().
  std::string_view text(std::uint32_t id) const;
  /// The executable of a Process, "[comm]" where it is not known, "" for no process.
  std::string program(std::uint32_t process) const;

 private:
  struct Program {
    std::uint32_t exe = 0;
    std::uint32_t comm = 0;
  };
  void drop_closed();

  tsl::robin_map<std::uint32_t, std::string, KeyHash> texts_;
  tsl::robin_map<std::uint32_t, Program, KeyHash> programs_;
  std::vector<Closed> closed_texts_;
  std::vector<Closed> closed_programs_;
};

/// The next free id of each kind whose ids are never reused in a file.
struct NextIds {
  std::uint64_t text = 1;
  std::uint64_t process = 1;
  std::uint64_t network_namespace = 1;
  std::uint64_t counter = 1;
  std::uint64_t peer = 1;
  std::uint64_t resolution = 1;

  void follow(const Delta& delta);
  void follow(const Snapshot& snapshot);
  void skip(std::uint64_t count);
  std::string encode() const;
  /// Errors: corrupt.
  static Result<NextIds> decode(std::string_view bytes);
};

}  // namespace netrec
