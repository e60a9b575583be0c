// The two ends of a connection: what a TIME_WAIT and the connection it is left from have in common
// where the kernel gave each a cookie of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "schema/socket.h"

namespace netrec {

struct FourTuple {
  IpAddress local;
  IpAddress remote;
  std::uint32_t ports = 0;
  std::uint32_t network_namespace = 0;

  explicit FourTuple(const Socket& socket)
      : local(socket.local),
        remote(socket.remote),
        ports(std::uint32_t{socket.local_port} << 16 | socket.remote_port),
        network_namespace(socket.network_namespace) {}
  bool operator==(const FourTuple&) const = default;
};

struct FourTupleHash {
  std::size_t operator()(const FourTuple& tuple) const {
    std::size_t hash = std::size_t{tuple.ports} << 32 | tuple.network_namespace;
    for (const std::uint64_t word :
         {tuple.local.high, tuple.local.low, tuple.remote.high, tuple.remote.low})
      hash = (hash ^ word) * 0x9E3779B97F4A7C15u;  // Fibonacci hashing, 2^64 / golden ratio
    return hash ^ hash >> 32;
  }
};

}  // namespace netrec
