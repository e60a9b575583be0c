// Of a Recording: what reaches it between two looks, and what is known to have been lost of that.
#include <algorithm>

#include "recorder/last_words.h"
#include "recorder/recording.h"

namespace netrec {

namespace {

using std::chrono::nanoseconds;

// A look at all sockets follows a loss at once; then what still comes is of sockets that are known.
constexpr int kDoubtfulTicks = 2;

// Of half a kilobyte each. A frame that has so many is written before more is folded, or a host
// faster than the recorder would fill the memory.
constexpr std::size_t kFullFrame = 100'000;
// Looks are made in spite of that, about once a minute.
constexpr int kMostPutOff = 60;

}  // namespace

std::chrono::microseconds Recording::listen() {
  if (!capture_.events && !is_paused()) read_ends();
  return drain_unless_full();
}

std::chrono::microseconds Recording::drain() {
  if (!capture_.events || is_paused()) return clock_.now().boot;
  const std::chrono::microseconds told = capture_.events->drain(folder_);
  folder_.settle(told);
  told_ = told;
  return told;
}

bool Recording::is_frame_full() const {
  return capture_.events && observer_.waiting_rows() >= kFullFrame;
}

// What a full frame has no room for stays where the ring's reader keeps it, which is bounded: the
// kernel counts what is lost beyond that.
std::chrono::microseconds Recording::drain_unless_full() {
  return is_frame_full() ? told_ : drain();
}

// While recording is paused nobody answers, and the ring keeps what it can.
int Recording::bell() const {
  if (is_paused() || is_frame_full()) return -1;
  return capture_.events ? capture_.events->bell() : source_.bell();
}

// An unprivileged socket has room for some 170 ends.
std::chrono::milliseconds Recording::gathering() const {
  return std::chrono::milliseconds(capture_.events ? 0 : 10);
}

// While polling: what ended between two looks, as far as the kernel tells of it by itself.
void Recording::read_ends() {
  if (!source_.tells_ends() || observer_.restating()) return;
  LastWords words(observer_.sockets(), observer_.state());
  for (const NamespaceFacts& place : source_.namespaces()) {
    const std::uint32_t id = observer_.surroundings().namespace_id(place.inode);
    if (!place.readable() || id == 0) continue;
    const auto report = source_.ended(place.inode, id, words);
    if (report && report->whole()) continue;
    const Instant now = clock_.now();
    observer_.gap({.cause = GapCause::buffer_overrun,
                   .from = last_frame_,
                   .to = now.wall,
                   .count = report ? report->broken : 0,
                   .network_namespace = id,
                   .detail = report ? "ends of sockets that lived between two looks"
                                    : report.error().message});
  }
}

void Recording::observe_events() {
  drain_unless_full();
  tell_losses();
  read_peers();
  // Events told what lives in it from its beginning: a look at a hundred thousand other sockets for
  // each container that starts would find nothing.
  if (folder_.take_met_namespace()) {
    look_.hurry();
    look_.surroundings();
  }
  // A look ends with what events told meanwhile.
  if (is_frame_full() && ++put_off_ < kMostPutOff) return;
  put_off_ = 0;
  if (!pace_.is_due(clock_.now().monotonic)) return look_at_unix_sockets();
  const nanoseconds before = thread_time();
  folder_.take_unix_doubt();
  // After a loss nothing is taken for what it was.
  const bool wants_all = closes_ != CloseReason::gone || full_pace_.is_due(clock_.now().monotonic);
  const LookDepth looked = look_at_sockets(wants_all ? LookDepth::full : LookDepth::quick);
  tell_disagreements();
  const nanoseconds now = clock_.now().monotonic;
  pace_.looked(now, thread_time() - before);
  if (looked == LookDepth::full) full_pace_.looked(now, thread_time() - before);
}

// Their ends are not all told by events; where one may have been missed, dumps tell.
void Recording::look_at_unix_sockets() {
  if (!unix_pace_.is_due(clock_.now().monotonic) || !folder_.take_unix_doubt()) return;
  const nanoseconds before = thread_time();
  observer_.sockets().begin_dumps();
  look_.unix_sockets();
  drain();
  folder_.spare_ending();
  observer_.sockets().end_dumps();
  unix_pace_.looked(clock_.now().monotonic, thread_time() - before);
}

// Only once a tick: the kernel has counted what was exchanged since.
void Recording::read_peers() {
  const Status read =
      capture_.events->read_peers([this](const peer_key& key, const peer_counts& counts) {
        folder_.peers().counted(key, counts);
      });
  const Instant now = clock_.now();
  folder_.peers().end_reading(now.boot);
  if (!read)
    observer_.gap({.cause = GapCause::event_loss,
                   .from = last_frame_ == WallTime{} ? now.wall : last_frame_,
                   .to = now.wall,
                   .detail = read.error().message});
}

// What is lost is written down, and looked for at once.
void Recording::tell_losses() {
  EventLosses losses = capture_.events->take_losses();
  // What came of a socket whose beginning is among the lost is lost too.
  const std::uint64_t unplaced = folder_.take_unplaced();
  if (losses.sockets + losses.others != 0) doubtful_ = kDoubtfulTicks;
  if (doubtful_ > 0) losses.sockets += unplaced;
  doubtful_ = std::max(doubtful_ - 1, 0);
  if (losses.total() == 0) return;
  const Instant now = clock_.now();
  observer_.gap({.cause = GapCause::event_loss,
                 .from = last_frame_ == WallTime{} ? now.wall : last_frame_,
                 .to = now.wall,
                 .count = losses.total(),
                 .detail = to_string(losses)});
  closes_ = CloseReason::unseen;
  pace_.look_soon();
  if (losses.processes != 0) observer_.processes().doubt_all();
}

// What a look found that no event had told.
void Recording::tell_disagreements() {
  const Disagreements all = observer_.sockets().disagreements();
  const Disagreements before = std::exchange(disagreements_, all);
  if (all.total() == before.total()) return;
  const Instant now = clock_.now();
  observer_.gap(
      {.cause = GapCause::event_loss,
       .from = last_frame_ == WallTime{} ? now.wall : last_frame_,
       .to = now.wall,
       .count = all.total() - before.total(),
       .detail = fmt::format("a look at every socket found what no event had told: {} opened, {} "
                             "closed, {} in another state",
                             all.missed_opens - before.missed_opens,
                             all.missed_closes - before.missed_closes,
                             all.wrong_states - before.wrong_states)});
}

}  // namespace netrec
