#include "store/transition_book.h"

#include <algorithm>

#include "store/chunk_layout.h"

namespace netrec {

namespace {

constexpr int kStateShift = 56;
constexpr std::uint64_t kInstantMask =
    (std::uint64_t{1} << kStateShift) - 1;  // until the year 4253

Transition unpack(std::uint64_t begun) {
  return {.at_us = begun & kInstantMask,
          .after_us = 0,
          .state = static_cast<TcpState>(begun >> kStateShift)};
}

}  // namespace

std::uint64_t wall_us(WallTime wall) {
  return static_cast<std::uint64_t>(wall.time_since_epoch().count());
}

Moment moment_of(std::uint32_t at, std::uint64_t wall_us, std::uint64_t previous_us) {
  if (at == 0) return {.at_us = wall_us, .after_us = previous_us};
  return {.at_us = wall_us - (at - 1), .after_us = wall_us - (at - 1)};
}

Moment ending_of(std::uint32_t at, CloseReason reason, std::uint64_t wall_us,
                 std::uint64_t previous_us) {
  Moment moment = moment_of(at, wall_us, previous_us);
  if (reason == CloseReason::unseen) moment.at_us = wall_us;
  return moment;
}

void TransitionBook::clear() {
  begun_.clear();
  transitions_.clear();
}

void TransitionBook::set(std::uint64_t socket, std::vector<Transition> transitions) {
  if (Begun* const begun = find_begun(socket)) begun->state = kMoved;
  transitions_[socket] = std::move(transitions);
}

void TransitionBook::add(std::uint64_t socket, std::span<const Transition> transitions) {
  std::vector<Transition>* known = find(socket);
  if (known == nullptr) known = &transitions_[socket];
  known->insert(known->end(), transitions.begin(), transitions.end());
}

void TransitionBook::begin(const Socket& socket) {
  begun_.push_back({.socket = socket.cookie,
                    .state = std::uint64_t{static_cast<std::uint8_t>(socket.state)} << kStateShift |
                             (socket.state_since_us & kInstantMask)});
}

void TransitionBook::begun() {
  begun_.shrink_to_fit();
  std::sort(begun_.begin(), begun_.end(),
            [](const Begun& a, const Begun& b) { return a.socket < b.socket; });
}

const TransitionBook::Begun* TransitionBook::find_begun(std::uint64_t socket) const {
  const auto place =
      std::lower_bound(begun_.begin(), begun_.end(), socket,
                       [](const Begun& one, std::uint64_t wanted) { return one.socket < wanted; });
  if (place == begun_.end() || place->socket != socket || place->state == kMoved) return nullptr;
  return &*place;
}

// Also takes it out of those that changed nothing.
std::vector<Transition>* TransitionBook::find(std::uint64_t socket) {
  if (Begun* const begun = find_begun(socket)) {
    transitions_[socket] = {unpack(begun->state)};
    begun->state = kMoved;
  }
  const auto place = transitions_.find(socket);
  return place == transitions_.end() ? nullptr : &place.value();
}

void TransitionBook::follow(const Changes<Socket>& changes, std::uint64_t wall_us,
                            std::uint64_t previous_us) {
  static const std::uint16_t kState = field_id<Socket>("state");
  for (const Socket& socket : changes.opened)
    set(socket.cookie,
        {{.at_us = socket.opened_us, .after_us = socket.opened_after_us, .state = socket.state}});
  for (const Change& change : changes.changed) {
    if (change.field != kState) continue;
    std::vector<Transition>* known = find(change.key);
    if (known == nullptr) continue;
    const Moment moment = moment_of(change.at, wall_us, previous_us);
    known->push_back({.at_us = moment.at_us,
                      .after_us = moment.after_us,
                      .state = static_cast<TcpState>(change.value)});
  }
}

void TransitionBook::forget(const std::vector<Closed>& closed) {
  for (const Closed& one : closed) forget(one.key);
}

void TransitionBook::forget(std::uint64_t socket) {
  if (Begun* const begun = find_begun(socket)) begun->state = kMoved;
  transitions_.erase(socket);
}

void TransitionBook::take_in(const TransitionNews& news) {
  for (const std::uint64_t socket : news.closed) forget(socket);
  std::span<const Transition> rest = news.transitions;
  for (const TransitionNews::Of& of : news.sockets) {
    const auto its = rest.first(of.transitions);
    rest = rest.subspan(of.transitions);
    if (of.opened)
      set(of.socket, {its.begin(), its.end()});
    else if (std::vector<Transition>* const known = find(of.socket))
      known->insert(known->end(), its.begin(), its.end());
  }
}

std::vector<Transition> TransitionBook::of(std::uint64_t socket) const {
  std::vector<Transition> transitions;
  list(socket, transitions);
  return transitions;
}

void TransitionBook::list(std::uint64_t socket, std::vector<Transition>& transitions) const {
  if (const Begun* const begun = find_begun(socket)) {
    transitions.push_back(unpack(begun->state));
    return;
  }
  const auto place = transitions_.find(socket);
  if (place != transitions_.end())
    transitions.insert(transitions.end(), place->second.begin(), place->second.end());
}

}  // namespace netrec
