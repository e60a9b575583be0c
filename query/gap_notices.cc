#include "query/gap_notices.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/escape.h"

namespace netrec {

namespace {

/// "12:03:10 to 12:04:00 (50 s)", without the date a second time.
std::string interval_text(std::uint64_t from_us, std::uint64_t to_us) {
  const std::uint64_t length = to_us > from_us ? to_us - from_us : 0;
  const bool one_day = same_local_day(netrec::from_us(from_us), netrec::from_us(to_us));
  return fmt::format("{} to {} ({})", human_time(from_us, TimeStyle::full),
                     human_time(to_us, one_day ? TimeStyle::time_of_day : TimeStyle::full),
                     human_duration(length));
}

}  // namespace

std::string_view explain(GapCause cause) {
  switch (cause) {
    case GapCause::recorder_stopped:
      return "no recorder ran";
    case GapCause::recorder_killed:
      return "no recorder ran: it had been killed";
    case GapCause::late_tick:
      return "a tick came late";
    case GapCause::missed_tick:
      return "ticks were missed";
    case GapCause::suspend:
      return "the host was suspended";
    case GapCause::clock_step:
      return "the wall clock was set";
    case GapCause::buffer_overrun:
      return "the kernel had more to say than fitted its buffer";
    case GapCause::dump_interrupted:
      return "the kernel's tables changed while they were read";
    case GapCause::namespace_unreadable:
      return "a network namespace could not be read";
    case GapCause::process_unreadable:
      return "processes could not be read";
    case GapCause::not_privileged:
      return "the recorder lacked a privilege";
    case GapCause::disk_full:
      return "the disk was full";
    case GapCause::pruned:
      return "dropped by retention";
    case GapCause::damaged:
      return "the file is damaged";
    case GapCause::unsupported:
      return "the kernel does not offer it";
    case GapCause::left_out:
      return "left out as the recorder was told";
    case GapCause::event_loss:
      return "events were lost";
  }
  return "not recorded, for a reason newer than this version";
}

std::uint64_t gap_end(const Gap& gap, const Timeline& timeline) {
  if (gap.to_us != 0) return gap.to_us;
  const std::uint64_t end = to_us(timeline.summary().last_wall);
  const auto sessions = timeline.sessions();
  if (!sessions) return end;
  for (const Session& session : *sessions)
    if (session.started_us > gap.from_us) return session.started_us;
  return end;
}

Notice gap_notice(const RecordedGap& gap, const Timeline& timeline) {
  Notice notice;
  notice.cause = name(gap.cause);
  notice.from_us = gap.from_us;
  notice.to_us = gap_end(gap, timeline);
  notice.text =
      fmt::format("gap {}: {}", interval_text(notice.from_us, notice.to_us), explain(gap.cause));
  if (gap.count > 0) notice.text += fmt::format(", {} of them", human_count(gap.count));
  if (!gap.text.empty()) notice.text += fmt::format(" ({})", escape(gap.text));
  return notice;
}

Notice damage_notice(const Damage& damage) {
  Notice notice;
  notice.cause = name(GapCause::damaged);
  notice.from_us = to_us(damage.from);
  notice.to_us = to_us(damage.to);
  const std::string when = notice.to_us == 0 ? std::string("at an unknown time")
                                             : interval_text(notice.from_us, notice.to_us);
  notice.text = fmt::format("damage {}: frames #{} to #{}: {}", when, damage.first_sequence,
                            damage.last_sequence, escape(damage.what));
  return notice;
}

std::optional<Notice> beyond_end(const Timeline& timeline, std::uint64_t asked_us) {
  constexpr std::uint64_t kPatienceUs = 2'000'000;
  const auto sessions = timeline.sessions();
  const std::uint64_t interval =
      sessions && !sessions->empty() ? sessions->back().interval_us : std::uint64_t{0};
  const std::uint64_t last = to_us(timeline.summary().last_wall);
  if (asked_us <= last) return std::nullopt;
  const std::uint64_t late = asked_us - last;
  if (late <= kPatienceUs || late / 2 <= interval) return std::nullopt;
  Notice notice;
  notice.cause = "beyond_end";
  notice.from_us = last;
  notice.to_us = asked_us;
  notice.text = fmt::format("the recording ends at {}, {} before the time asked for",
                            human_time(last, TimeStyle::full), human_duration(late));
  return notice;
}

}  // namespace netrec
