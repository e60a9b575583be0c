// Sinks that keep what they are shown, for the tests of the sources.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "recorder/source.h"

namespace netrec {

class CollectedTexts {
 public:
  std::uint32_t intern(std::string_view bytes) {
    if (bytes.empty()) return 0;
    const auto found = std::find(texts_.begin(), texts_.end(), bytes);
    if (found == texts_.end()) texts_.emplace_back(bytes);
    return static_cast<std::uint32_t>(std::find(texts_.begin(), texts_.end(), bytes) -
                                      texts_.begin()) +
           1;
  }
  std::string at(std::uint32_t id) const { return id == 0 ? "" : texts_.at(id - 1); }

 private:
  std::vector<std::string> texts_;
};

class CollectedSockets final : public SocketSink {
 public:
  std::uint32_t text(std::string_view bytes) override { return texts.intern(bytes); }
  void see(const Socket& observed) override { rows.push_back(observed); }

  const Socket* with_inode(std::uint32_t inode) const {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const Socket& row) { return row.inode == inode; });
    return found == rows.end() ? nullptr : &*found;
  }
  const Socket* with_cookie(std::uint64_t cookie) const {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const Socket& row) { return row.cookie == cookie; });
    return found == rows.end() ? nullptr : &*found;
  }

  CollectedTexts texts;
  std::vector<Socket> rows;
};

class CollectedInterfaces final : public InterfaceSink {
 public:
  std::uint32_t text(std::string_view bytes) override { return texts.intern(bytes); }
  void see(const Interface& observed) override { rows.push_back(observed); }

  CollectedTexts texts;
  std::vector<Interface> rows;
};

}  // namespace netrec
