// `netrec export`: a timeline as a plain SQLite file, for tools that can load nothing.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "query/commands.h"
#include "query/escape.h"
#include "query/lives.h"
#include "query/sql_time.h"
#include "store/relational_copy.h"

namespace netrec {

namespace {

class ExportCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"export", Group::file, "Copy a recording into a plain SQLite file, for other tools",
            "netrec export --sqlite case17.db | everything, as tables with indexes\n"
            "netrec export --sqlite c2.db --since yesterday dst 203.0.113.7 | what concerns one "
            "address\n"
            "netrec export --sqlite small.db --table connections --table gap | only these\n"};
  }

  void declare(CLI::App& app) override {
    const std::string group = "What is written";
    app.add_option("--sqlite", out_, "Write an SQLite file that needs no netrec to be read")
        ->type_name("OUT")
        ->group(group);
    app.add_option("--table", tables_,
                   "Only this table (may be repeated): " +
                       fmt::format("{}", fmt::join(copied_tables(), ", ")))
        ->type_name("NAME")
        ->allow_extra_args(false)
        ->group(group);
    app.add_flag("--force", force_, "Replace OUT if it is there")->group(group);
    app.add_option("FILTER", words_,
                   "Only the connections, transitions and samples of sockets that match (see "
                   "netrec help filter)");
  }

  Result<Exit> run(Context& context) override {
    NETREC_TRY(filter, Filter::parse(words_));
    if (out_.empty())
      return failure(ErrorKind::invalid_argument,
                     "say what to write and where: netrec export --sqlite OUT");
    NETREC_TRY(range, context.range());
    NETREC_CHECKED(context.note_gaps(range));
    SqlLimits limits;
    limits.stop = [] { return interrupted(); };
    NETREC_TRY(several, context.files());
    NETREC_TRY(session, several == nullptr ? SqlSession::open(context.path(), read_sql_time, limits)
                                           : SqlSession::open(*several, read_sql_time, limits));
    CopyOptions options;
    options.tables = tables_;
    options.replace = force_;
    if (context.range_given()) options.from = range.from, options.to = range.to;
    if (!filter.matches_everything())
      NETREC_CHECKED(choose_sockets(context, range, filter, options));
    options.about = about(context, several);
    Progress progress = context.progress("copying");
    std::uint64_t before = 0;
    options.go_on = [&, table = std::string_view()](std::string_view now,
                                                    std::uint64_t rows) mutable {
      if (now != table) before += std::exchange(last_rows_, 0), table = now;
      last_rows_ = rows;
      return progress.update(before + rows, 0);
    };
    auto copied = copy_relational(session, out_, options);
    progress.clear();
    if (interrupted()) return tl::unexpected(interruption());
    if (!copied) return tl::unexpected(std::move(copied).error());
    context.note_damage(copied->damage);
    print(context.out(), *copied);
    return Exit::answered;
  }

 private:
  std::vector<std::string> words_;
  std::string out_;
  std::vector<std::string> tables_;
  bool force_ = false;
  std::uint64_t last_rows_ = 0;

  /// Finds the sockets the filter means, whose rows alone are copied.
  static Status choose_sockets(Context& context, const TimeRange& range, const Filter& filter,
                               CopyOptions& options) {
    struct Chosen {
      std::uint64_t cookie, opened_us, last_us;
      auto operator<=>(const Chosen&) const = default;
    };
    LifeQuery query;
    query.range = range;
    query.filter = filter;
    auto chosen = std::make_shared<std::vector<Chosen>>();
    NETREC_CHECKED(for_each_life(context, "looking for sockets", query,
                                 [&](const Connection& life, const Snapshot&) {
                                   chosen->push_back({life.socket.cookie, life.socket.opened_us,
                                                      std::max(life.closed_us, life.last_seen_us)});
                                   return true;
                                 }));
    std::sort(chosen->begin(), chosen->end());
    options.wants_socket = [chosen](std::uint64_t cookie, std::uint64_t opened_us) {
      // Cookies are used again by another boot; another recorder may have seen it open later.
      auto one = std::lower_bound(chosen->begin(), chosen->end(), Chosen{cookie, 0, 0});
      for (; one != chosen->end() && one->cookie == cookie; ++one)
        if (one->opened_us <= opened_us && opened_us <= one->last_us) return true;
      return false;
    };
    return {};
  }

  std::vector<std::pair<std::string, std::string>> about(const Context& context,
                                                         const TimelineSet* several) const {
    const GlobalOptions& options = context.options();
    std::vector<std::pair<std::string, std::string>> about = {
        {"made_by", "netrec " NETREC_VERSION}};
    if (several == nullptr) about.emplace_back("timeline", context.path());
    if (several != nullptr)
      for (const TimelineFile& file : several->files()) about.emplace_back("timeline", file.path);
    const auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) about.emplace_back(key, value);
    };
    add("at", options.at), add("since", options.since), add("until", options.until);
    add("filter", fmt::format("{}", fmt::join(words_, " ")));
    return about;
  }

  void print(Output& out, const Copied& copied) const {
    out.fact("file", out_);
    out.begin({"table", "tables", {{"table", "Table"}, {"rows", "Rows", Unit::count}}});
    for (const CopiedTable& table : copied.tables) out.row({table.name, table.rows});
    out.end();
    out.text("written to " + escape(out_), Style::dim);
  }
};

}  // namespace

std::unique_ptr<Command> export_command() { return std::make_unique<ExportCommand>(); }

}  // namespace netrec
