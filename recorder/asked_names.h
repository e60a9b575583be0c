// The names programs asked for, and which address each led to: so that a connection carries the
// name it was made for, and "no name was ever asked for" is a fact.
//
// The last answer counts where an address stands for several names: it is what was asked for most
// recently before the connection.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

#include "recorder/dns_answer.h"
#include "recorder/observer.h"

namespace netrec {

class AskedNames {
 public:
  explicit AskedNames(Observer& observer, std::size_t limit = 65536)
      : observer_(observer), limit_(limit) {}

  /// `answer` was received at `wall_us` by `process` (ids; 0: not known).
  void answered(const DnsAnswer& answer, std::uint64_t wall_us, std::uint32_t network_namespace,
                std::uint32_t process);

  /// Text id of the name that led to `address`; 0: none was asked for.
  std::uint32_t name_of(const IpAddress& address, Family family);

 private:
  struct Entry {
    std::string key;
    std::string name;
    std::uint64_t told_until_us = 0;  ///< the same answer again is not told before
  };
  using Entries = std::list<Entry>;

  Entry& touch(const std::string& key);
  void tell(Resolution row, const std::string& name);

  Observer& observer_;
  std::size_t limit_;
  Entries entries_;  ///< most recently asked for first
  std::unordered_map<std::string, Entries::iterator> by_key_;
};

}  // namespace netrec
