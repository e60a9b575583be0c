#include "schema/gap.h"

#include <array>

namespace netrec {

std::string_view name(GapCause cause) {
  constexpr std::array<std::string_view, 18> kNames = {"unknown",
                                                       "recorder_stopped",
                                                       "recorder_killed",
                                                       "late_tick",
                                                       "missed_tick",
                                                       "suspend",
                                                       "clock_step",
                                                       "buffer_overrun",
                                                       "dump_interrupted",
                                                       "namespace_unreadable",
                                                       "process_unreadable",
                                                       "not_privileged",
                                                       "disk_full",
                                                       "pruned",
                                                       "damaged",
                                                       "unsupported",
                                                       "left_out",
                                                       "event_loss"};
  const auto index = static_cast<std::size_t>(cause);
  return index < kNames.size() ? kNames[index] : "unknown";
}

bool hides_time(GapCause cause) {
  switch (cause) {
    case GapCause::recorder_stopped:
    case GapCause::recorder_killed:
    case GapCause::missed_tick:
    case GapCause::suspend:
    case GapCause::buffer_overrun:
    case GapCause::dump_interrupted:
    case GapCause::disk_full:
    case GapCause::pruned:
    case GapCause::damaged:
    case GapCause::event_loss:
      return true;
    default:
      return false;
  }
}

std::span<const Field<Gap>> EntityTraits<Gap>::fields() {
#define F(member, name, kind, about) NETREC_FIELD(Gap, member, name, kind, about)
  static constexpr Field<Gap> kFields[] = {
      F(id, "id", identity, "Counts up in a file"),
      F(cause, "cause", code, "Why: see docs/file_format.md"),
      F(from_us, "from_us", instant_us, "From when"),
      F(to_us, "to_us", instant_us, "Until when; 0: until the session's end"),
      F(network_namespace, "network_namespace", reference, "Where; 0: everywhere"),
      F(count, "count", number, "How many were lost, where it can be counted"),
      F(detail, "detail", text, "What was not seen, for people"),
  };
#undef F
  return kFields;
}

}  // namespace netrec
