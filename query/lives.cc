#include "query/lives.h"

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

Status for_each_life(Context& context, std::string_view title, const LifeQuery& query,
                     const LifeSink& sink) {
  NETREC_TRY(timeline, context.timeline());
  Wanted wanted;
  wanted.from = query.range.from;
  wanted.to = query.range.to;
  query.filter.narrow(wanted);
  if (wanted.transports.empty()) wanted.transports = query.transports;
  wanted.transitions = query.transitions || !query.filter.matches_everything();
  if (!query.fields.empty()) wanted.fields = fields_named(query.fields) | query.filter.fields();
  Progress progress = context.progress(title);
  std::uint64_t seen = 0;
  const auto each = [&](const Connection& life, const Snapshot& names) {
    if (!progress.update(++seen, 0)) return false;
    return !query.filter.matches(life, names) || sink(life, names);
  };
  NETREC_TRY(damage, scan_connections(*timeline, wanted, each));
  context.note_damage(damage);
  if (interrupted()) return tl::unexpected(interruption());
  return {};
}

}  // namespace netrec
