#include "store/transition_book.h"

#include "store/chunk_layout.h"

namespace netrec {

std::uint64_t wall_us(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count());
}

Moment moment_of(std::uint32_t at, std::uint64_t wall_us, std::uint64_t previous_us) {
  if (at == 0) return {.at_us = wall_us, .after_us = previous_us};
  return {.at_us = wall_us - (at - 1), .after_us = wall_us - (at - 1)};
}

void TransitionBook::set(std::uint64_t socket, std::vector<Transition> transitions) {
  transitions_[socket] = std::move(transitions);
}

void TransitionBook::add(std::uint64_t socket, std::span<const Transition> transitions) {
  auto& known = transitions_[socket];
  known.insert(known.end(), transitions.begin(), transitions.end());
}

void TransitionBook::begin(const Socket& socket) {
  transitions_[socket.cookie] = {{.at_us = socket.state_since_us, .state = socket.state}};
}

void TransitionBook::follow(const Changes<Socket>& changes, std::uint64_t wall_us,
                            std::uint64_t previous_us) {
  static const std::uint16_t kState = field_id<Socket>("state");
  for (const Socket& socket : changes.opened)
    transitions_[socket.cookie] = {
        {.at_us = socket.opened_us, .after_us = socket.opened_after_us, .state = socket.state}};
  for (const Change& change : changes.changed) {
    if (change.field != kState) continue;
    const auto place = transitions_.find(change.key);
    if (place == transitions_.end()) continue;
    const Moment moment = moment_of(change.at, wall_us, previous_us);
    place.value().push_back({.at_us = moment.at_us,
                             .after_us = moment.after_us,
                             .state = static_cast<TcpState>(change.value)});
  }
}

void TransitionBook::forget(const std::vector<Closed>& closed) {
  for (const Closed& one : closed) transitions_.erase(one.key);
}

std::vector<Transition> TransitionBook::of(std::uint64_t socket) const {
  const auto place = transitions_.find(socket);
  return place == transitions_.end() ? std::vector<Transition>{} : place->second;
}

}  // namespace netrec
