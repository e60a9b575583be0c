// `netrec verify`: proves a timeline, or names the first frame that is not as it was written.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "query/commands.h"
#include "query/escape.h"
#include "store/verify.h"

namespace netrec {

namespace {

class VerifyCommand final : public Command {
 public:
  CommandInfo info() const override {
    return {"verify", Group::file, "Prove that no frame was altered, dropped or reordered",
            "netrec verify | the default recording\n"
            "netrec verify case17.netrec | exit code 0: sound, 4: damaged\n"};
  }

  void declare(CLI::App& app) override { app.add_option("FILE", file_, "The timeline"); }

  Result<Exit> run(Context& context) override {
    std::string path = file_;
    if (path.empty()) {
      NETREC_TRY(several, context.files());
      if (several != nullptr)
        return failure(ErrorKind::invalid_argument,
                       "a chain is of one timeline, and -f names several: verify them one by one");
      path = context.path();
    }
    Progress progress = context.progress("verifying");
    auto verified = verify(path, [&](std::uint64_t done, std::uint64_t total) {
      return progress.update(done, total);
    });
    if (!verified) return tl::unexpected(std::move(verified).error());
    progress.clear();
    print(context.out(), path, *verified);
    return verified->sound() ? Exit::answered : Exit::incomplete;
  }

 private:
  std::string file_;

  static void print(Output& out, const std::string& path, const Verification& result) {
    out.fact("file", path);
    out.fact("sound", result.sound());
    out.fact("frames", result.frames);
    out.fact("chunks", result.chunks);
    out.fact("chain", result.chain);
    out.fact("pruned_up_to", result.pruned_up_to == 0 ? Value() : Value(result.pruned_up_to));
    if (!result.damage.empty()) out.fact("first_bad_frame", result.damage.front().first_sequence);
    print_verdict(out, path, result);
    print_damage(out, result);
    print_index(out, result);
  }

  static void print_verdict(Output& out, const std::string& path, const Verification& result) {
    const std::string checked =
        fmt::format("{} in {} checked", counted(result.frames, "frame", "frames"),
                    counted(result.chunks, "chunk", "chunks"));
    if (result.sound()) {
      out.text(fmt::format("{} is sound: {}", escape(path), checked), Style::good);
    } else if (result.damage.empty()) {
      out.text(fmt::format("{}: the log is sound ({}), but tables derived from it are not",
                           escape(path), checked),
               Style::bad);
    } else {
      out.text(fmt::format("{} is damaged: the first bad frame is #{} ({} and found sound)",
                           escape(path), result.damage.front().first_sequence, checked),
               Style::bad);
    }
    if (result.pruned_up_to != 0)
      out.text(fmt::format("retention dropped the frames up to #{}", result.pruned_up_to));
    out.text(fmt::format("chain {}", result.chain), Style::dim);
  }

  static void print_damage(Output& out, const Verification& result) {
    out.begin({"damage",
               "damage",
               {{"first_frame", "First frame", Unit::number},
                {"last_frame", "Last frame", Unit::number},
                {"from", "Costs from", Unit::instant_us},
                {"to", "to", Unit::instant_us},
                {"what", "What", Unit::text}}});
    for (const Damage& damage : result.damage)
      out.row({damage.first_sequence, damage.last_sequence, to_us(damage.from), to_us(damage.to),
               damage.what});
    out.end();
  }

  static void print_index(Output& out, const Verification& result) {
    out.begin({"index_finding", "index_findings", {{"what", "Derived tables", Unit::text}}});
    for (const std::string& finding : result.index_findings) out.row({finding});
    out.end();
  }
};

}  // namespace

std::unique_ptr<Command> verify_command() { return std::make_unique<VerifyCommand>(); }

}  // namespace netrec
