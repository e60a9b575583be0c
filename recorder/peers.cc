#include "recorder/peers.h"

#include <sys/socket.h>

#include "recorder/event_ends.h"

namespace netrec {

namespace {

using std::chrono::microseconds;

microseconds boot_of_ns(std::uint64_t ns) { return microseconds(ns / 1000); }

Transport transport_of(const peer_key& key) {
  return key.socket_type == SOCK_PACKET ? Transport::packet
                                        : datagram_transport(key.socket_type, key.protocol);
}

std::string bytes_of(const peer_key& key) {
  return {reinterpret_cast<const char*>(&key), sizeof(key)};
}

}  // namespace

void Peers::note_gone(std::uint64_t cookie, const Socket& last, microseconds boot) {
  gone_[cookie] = {.row = last, .at = boot};
}

const Socket* Peers::socket_of(std::uint64_t cookie) const {
  if (const Socket* row = observer_.sockets().find(cookie)) return row;
  const auto found = gone_.find(cookie);
  return found == gone_.end() ? nullptr : &found->second.row;
}

Peer Peers::new_peer(const peer_key& key, const peer_counts& counts) {
  Peer peer;
  peer.socket = key.cookie;
  peer.family = static_cast<Family>(key.family);
  peer.local = address_in_event(counts.local, peer.family);
  peer.remote = address_in_event(key.remote, peer.family);
  peer.local_port = counts.local_port;
  peer.remote_port = key.remote_port;
  peer.transport = transport_of(key);
  peer.protocol = key.protocol;
  peer.interface = counts.interface;
  peer.first_us = observer_.wall_us(boot_of_ns(counts.first_ns));
  peer.remote_name = names_.name_of(peer.remote, peer.family);
  if (const Socket* socket = socket_of(key.cookie)) {
    peer.network_namespace = socket->network_namespace;
    peer.process = socket->process;
  }
  return peer;
}

// A socket that was made and never looked at does not know its own address.
void Peers::complete_socket(const peer_key& key, const peer_counts& counts) {
  const Socket* row = observer_.sockets().find(key.cookie);
  if (row == nullptr || row->local_port != 0 || counts.local_port == 0) return;
  Socket now = *row;
  now.local_port = counts.local_port;
  observer_.sockets().tell(now);
}

void Peers::counted(const peer_key& key, const peer_counts& counts) {
  complete_socket(key, counts);
  const auto [place, is_new] = by_key_.try_emplace(bytes_of(key));
  Known& known = place->second;
  if (is_new) {
    known.socket = key.cookie;
    by_socket_.emplace(key.cookie, place->first);
  }
  const Peer* old = known.id == 0 ? nullptr : observer_.peer(known.id);
  Peer peer = old != nullptr ? *old : new_peer(key, counts);
  known.last = boot_of_ns(counts.last_ns);
  peer.last_us = observer_.wall_us(known.last);
  peer.packets_sent += counts.packets_sent;
  peer.packets_received += counts.packets_received;
  peer.bytes_sent += counts.bytes_sent;
  peer.bytes_received += counts.bytes_received;
  if (peer.process == 0)
    if (const Socket* socket = socket_of(key.cookie)) peer.process = socket->process;
  if (old != nullptr)
    observer_.change(peer);
  else
    known.id = observer_.open(peer);
}

// What has to be closed is found by its socket; only now and then are all looked at.
void Peers::end_reading(microseconds boot) {
  for (auto gone = gone_.begin(); gone != gone_.end();) {
    if (!std::exchange(gone->second.read, true)) {
      ++gone;
      continue;
    }
    const auto [first, last] = by_socket_.equal_range(gone->first);
    for (auto key = first; key != last; ++key) {
      const auto known = by_key_.find(key->second);
      if (known == by_key_.end()) continue;
      observer_.close_peer(known->second.id, gone->second.at);
      by_key_.erase(known);
    }
    by_socket_.erase(first, last);
    gone = gone_.erase(gone);
  }
  const bool crowded = by_key_.size() > limits_.peers;
  if (crowded || boot - swept_ > limits_.idle / 4) sweep(boot, crowded);
}

void Peers::sweep(microseconds boot, bool crowded) {
  swept_ = boot;
  by_socket_.clear();
  for (auto known = by_key_.begin(); known != by_key_.end();) {
    if (crowded || boot - known->second.last > limits_.idle) {
      observer_.close_peer(known->second.id, boot);
      known = by_key_.erase(known);
      continue;
    }
    by_socket_.emplace(known->second.socket, known->first);
    ++known;
  }
}

}  // namespace netrec
