#include "recorder/quick_look.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "recorder/event_ends.h"

namespace netrec {

namespace {

constexpr std::array kFamilies = {Family::inet, Family::inet6};

// Asking for one costs some 4 us, a dump some 2 to 3 us for each there is. A few more are asked for
// whatever there is.
constexpr std::size_t kAlwaysAsked = 1000;
constexpr std::size_t kMostAskedPart = 4;

SocketKind tcp_over(Family family) { return {.transport = Transport::tcp, .family = family}; }

// A connection being asked for is told of by sock_diag as SYN_RECV.
TcpState state_of(const tcp_glance& seen) {
  const auto state = static_cast<TcpState>(seen.state);
  return state == TcpState::new_syn_recv ? TcpState::syn_recv : state;
}

SocketQuestion question_of(const tcp_glance& seen) {
  const auto family = static_cast<Family>(seen.ends.family);
  return {.family = family,
          .local = address_in_event(seen.ends.local, family),
          .remote = address_in_event(seen.ends.remote, family),
          .local_port = seen.ends.local_port,
          .remote_port = seen.ends.remote_port,
          .interface = seen.interface};
}

}  // namespace

bool QuickLook::look() {
  begin();
  if (!glance_at_all()) return false;
  for (Place& place : places_)
    for (const Family family : kFamilies)
      if (!show_listeners(place, family) || !ask(place, family)) return false;
  for (const Place& place : places_) {
    for (const Family family : kFamilies) {
      observer_.sockets().resume_part(place.id, tcp_over(family));
      observer_.sockets().end_part(true);
    }
  }
  return true;
}

bool QuickLook::showed(const NamespaceFacts& place) const {
  return place.own || (is_shared_ && !place.has_own_table);
}

void QuickLook::begin() {
  places_.clear();
  last_place_ = asked_ = 0;
  most_asked_ = std::max(kAlwaysAsked, observer_.state().of<Socket>().size() / kMostAskedPart);
  for (const NamespaceFacts& facts : source_.namespaces()) {
    const std::uint32_t id = observer_.surroundings().namespace_id(facts.inode);
    if (!facts.readable() || id == 0) continue;
    places_.push_back({.inode = facts.inode, .id = id, .questions = {}});
    for (const Family family : kFamilies) observer_.sockets().begin_part(id, tcp_over(family));
  }
}

bool QuickLook::glance_at_all() {
  const auto report = scan_([this](const tcp_glance& seen) { note(seen); });
  if (!report) return false;
  is_shared_ = report->is_shared;
  for (const NamespaceFacts& facts : source_.namespaces())
    if (!showed(facts))
      std::erase_if(places_, [&](const Place& place) { return place.inode == facts.inode; });
  return !is_too_much(0);
}

QuickLook::Place* QuickLook::place_of(std::uint32_t inode) {
  if (last_place_ < places_.size() && places_[last_place_].inode == inode)
    return &places_[last_place_];
  for (last_place_ = 0; last_place_ < places_.size(); ++last_place_)
    if (places_[last_place_].inode == inode) return &places_[last_place_];
  return nullptr;
}

void QuickLook::note(const tcp_glance& seen) {
  Place* const place = place_of(seen.network_namespace);
  if (place == nullptr) return;
  const bool is_known = observer_.sockets().glance({.cookie = seen.cookie,
                                                    .state = state_of(seen),
                                                    .is_stand_in = seen.is_stand_in != 0,
                                                    .segments_in = seen.segments_in,
                                                    .segments_out = seen.segments_out,
                                                    .receive_queue = seen.receive_queue,
                                                    .send_queue = seen.send_queue});
  if (is_known) return;
  // What is too much is counted, not kept.
  if (!is_too_much(1)) place->questions.push_back(question_of(seen));
  ++asked_;
}

bool QuickLook::show_listeners(const Place& place, Family family) {
  observer_.sockets().resume_part(place.id, tcp_over(family));
  const auto report = source_.listeners(place.inode, place.id, family, observer_.sockets());
  return report && report->whole();
}

// The kernel knows best: what it has under those ends now is shown.
bool QuickLook::ask(Place& place, Family family) {
  std::vector<SocketQuestion> questions;
  std::copy_if(place.questions.begin(), place.questions.end(), std::back_inserter(questions),
               [family](const SocketQuestion& question) { return question.family == family; });
  const std::size_t changed = questions.size();
  observer_.sockets().resume_part(place.id, tcp_over(family));
  observer_.sockets().not_shown(questions);
  if (is_too_much(questions.size() - changed)) return false;
  asked_ += questions.size() - changed;
  const auto report = source_.ask(place.inode, place.id, questions, observer_.sockets());
  return report && report->whole();
}

}  // namespace netrec
