#include "query/lives.h"

#include <fmt/format.h>

#include "query/escape.h"
#include "store/rotation.h"

namespace netrec {

namespace {

std::bitset<128> fields_named(const std::vector<std::string_view>& wanted) {
  std::bitset<128> fields;
  const auto all = fields_of<Socket>();
  for (const std::string_view name : wanted) {
    std::size_t id = 0;
    while (id < all.size() && all[id].name != name) ++id;
    NETREC_CHECK(id < all.size(), "a field of that name");
    fields.set(id);
  }
  return fields;
}

}  // namespace

Status scan_files(Context& context, Wanted wanted, const bool& wants_more, const FileScan& scan) {
  NETREC_TRY(set, context.files());
  if (set == nullptr) {
    NETREC_TRY(timeline, context.timeline());
    NETREC_TRY(damage, scan(*timeline, wanted));
    context.note_damage(damage);
    return {};
  }
  FileWalk walk(*set, wanted.from, wanted.to);
  while (wants_more) {
    const auto file = walk.next();
    if (!file) break;
    context.go_to_file(*file);
    wanted.neighbours = &walk.neighbours();
    const TimelineFile& about = set->files()[*file];
    const auto timeline = Timeline::open(about.path);
    const auto damage = timeline
                            ? scan(*timeline, wanted)
                            : Result<std::vector<Damage>>(tl::unexpected<Error>(timeline.error()));
    if (damage)
      context.note_damage(*damage);
    else
      context.note({"unreadable", to_us(about.first), to_us(about.last),
                    fmt::format("not read: {}", escape(damage.error().message))});
  }
  return {};
}

Status for_each_life(Context& context, std::string_view title, const LifeQuery& query,
                     const LifeSink& sink) {
  Wanted wanted;
  wanted.from = query.range.from;
  wanted.to = query.range.to;
  query.filter.narrow(wanted);
  if (wanted.transports.empty()) wanted.transports = query.transports;
  wanted.transitions = query.transitions || !query.filter.matches_everything();
  if (!query.fields.empty()) wanted.fields = fields_named(query.fields) | query.filter.fields();
  Progress progress = context.progress(title);
  std::uint64_t seen = 0;
  bool wants_more = true;
  const auto each = [&](const Connection& life, const Snapshot& names) {
    wants_more =
        progress.update(++seen, 0) && (!query.filter.matches(life, names) || sink(life, names));
    return wants_more;
  };
  NETREC_CHECKED(scan_files(context, wanted, wants_more,
                            [&](const Timeline& timeline, const Wanted& narrowed) {
                              return scan_connections(timeline, narrowed, each);
                            }));
  if (interrupted()) return tl::unexpected(interruption());
  return {};
}

}  // namespace netrec
