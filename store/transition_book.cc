#include "store/transition_book.h"

#include <algorithm>

#include "store/bytes.h"
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

// A transition's first byte: what after_us is in the high bits, the state in the others.
constexpr unsigned kExact = 0x80;      // at_us
constexpr unsigned kSinceEver = 0x40;  // 0
constexpr unsigned kOddState = 0x3f;   // none of the kernel's: in the next byte

// state and flags; at_us - first_us; unless a flag says it, at_us - after_us.
void pack(const Transition& transition, std::uint64_t first_us, std::string& bytes) {
  const bool exact = transition.after_us == transition.at_us;
  const bool since_ever = !exact && transition.after_us == 0;
  const auto state = static_cast<unsigned>(transition.state);
  bytes.push_back(static_cast<char>(std::min(state, kOddState) | (exact ? kExact : 0) |
                                    (since_ever ? kSinceEver : 0)));
  if (state >= kOddState) bytes.push_back(static_cast<char>(state));
  put_varint(bytes, zigzag(transition.at_us - first_us));
  if (!exact && !since_ever) put_varint(bytes, zigzag(transition.at_us - transition.after_us));
}

void unpack(std::string_view bytes, std::uint64_t first_us, std::vector<Transition>& transitions) {
  ByteReader in(bytes);
  while (in.remaining() > 0) {
    const unsigned what = in.byte();
    const unsigned state = what & kOddState;
    Transition transition;
    transition.state = static_cast<TcpState>(state == kOddState ? in.byte() : state);
    transition.at_us = first_us + unzigzag(in.varint());
    if ((what & kExact) != 0)
      transition.after_us = transition.at_us;
    else if ((what & kSinceEver) == 0)
      transition.after_us = transition.at_us - unzigzag(in.varint());
    transitions.push_back(transition);
  }
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
  longer_.clear();
}

void TransitionBook::set(std::uint64_t socket, std::span<const Transition> transitions) {
  if (Begun* const begun = find_begun(socket)) begun->state = kMoved;
  Packed& known = transitions_[socket];
  if (known.size == Packed::kElsewhere) longer_.erase(socket);
  known = {};
  append(socket, known, transitions);
}

void TransitionBook::add(std::uint64_t socket, std::span<const Transition> transitions) {
  Packed* known = find(socket);
  append(socket, known == nullptr ? transitions_[socket] : *known, transitions);
}

void TransitionBook::append(std::uint64_t socket, Packed& known,
                            std::span<const Transition> transitions) {
  if (transitions.empty()) return;
  if (known.size == 0) known.first_us = transitions.front().at_us;
  more_.clear();
  for (const Transition& transition : transitions) pack(transition, known.first_us, more_);
  if (known.size == Packed::kElsewhere) {
    longer_[socket] += more_;
  } else if (known.size + more_.size() <= known.bytes.size()) {
    std::copy(more_.begin(), more_.end(), known.bytes.begin() + known.size);
    known.size = static_cast<std::uint8_t>(known.size + more_.size());
  } else {
    longer_[socket] = std::string(known.bytes.data(), known.size) + more_;
    known.size = Packed::kElsewhere;
  }
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
  // The kernel counts them up: most are younger than all of these.
  if (begun_.empty() || socket > begun_.back().socket) return nullptr;
  const auto place =
      std::lower_bound(begun_.begin(), begun_.end(), socket,
                       [](const Begun& one, std::uint64_t wanted) { return one.socket < wanted; });
  if (place == begun_.end() || place->socket != socket || place->state == kMoved) return nullptr;
  return &*place;
}

// Also takes it out of those that changed nothing.
TransitionBook::Packed* TransitionBook::find(std::uint64_t socket) {
  if (Begun* const begun = find_begun(socket)) {
    const Transition first = unpack(begun->state);
    set(socket, std::span(&first, 1));
  }
  const auto place = transitions_.find(socket);
  return place == transitions_.end() ? nullptr : &place.value();
}

void TransitionBook::follow(const Changes<Socket>& changes, std::uint64_t wall_us,
                            std::uint64_t previous_us) {
  static const std::uint16_t kState = field_id<Socket>("state");
  for (const Socket& socket : changes.opened) {
    const Transition first{
        .at_us = socket.opened_us, .after_us = socket.opened_after_us, .state = socket.state};
    set(socket.cookie, std::span(&first, 1));
  }
  for (const Change& change : changes.changed) {
    if (change.field != kState) continue;
    Packed* known = find(change.key);
    if (known == nullptr) continue;
    const Moment moment = moment_of(change.at, wall_us, previous_us);
    const Transition next{.at_us = moment.at_us,
                          .after_us = moment.after_us,
                          .state = static_cast<TcpState>(change.value)};
    append(change.key, *known, std::span(&next, 1));
  }
}

void TransitionBook::forget(const std::vector<Closed>& closed) {
  for (const Closed& one : closed) forget(one.key);
}

void TransitionBook::forget(std::uint64_t socket) {
  if (Begun* const begun = find_begun(socket)) begun->state = kMoved;
  const auto place = transitions_.find(socket);
  if (place == transitions_.end()) return;
  if (place->second.size == Packed::kElsewhere) longer_.erase(socket);
  transitions_.erase(place);
}

void TransitionBook::take_in(const TransitionNews& news) {
  for (const std::uint64_t socket : news.closed) forget(socket);
  std::span<const Transition> rest = news.transitions;
  for (const TransitionNews::Of& of : news.sockets) {
    const auto its = rest.first(of.transitions);
    rest = rest.subspan(of.transitions);
    if (of.opened)
      set(of.socket, its);
    else if (Packed* const known = find(of.socket))
      append(of.socket, *known, its);
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
  if (place == transitions_.end()) return;
  const Packed& known = place->second;
  const std::string_view bytes = known.size == Packed::kElsewhere
                                     ? std::string_view(longer_.at(socket))
                                     : std::string_view(known.bytes.data(), known.size);
  unpack(bytes, known.first_us, transitions);
}

}  // namespace netrec
