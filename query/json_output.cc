// JSON, as one document or a line a record. Written as it comes: an answer of a million rows is
// never held.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "query/escape.h"
#include "query/output_formats.h"

namespace netrec {

namespace {

using Json = nlohmann::ordered_json;

struct JsonOf {
  Unit unit;

  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(bool truth) const { return truth; }
  Json operator()(std::uint64_t number) const {
    if (unit != Unit::instant_us) return number;
    return number == 0 ? Json(nullptr) : Json(rfc3339(number));
  }
  Json operator()(std::int64_t number) const { return number; }
  Json operator()(double number) const { return number; }
  Json operator()(const std::string& text) const { return escape(text); }
  Json operator()(const Value::List& list) const {
    Json array = Json::array();
    for (const Value& value : list) array.push_back(std::visit(*this, value.of));
    return array;
  }
  Json operator()(const Value::Members& members) const {
    Json object = Json::object();
    for (const auto& [key, value] : members) object[key] = std::visit(*this, value.of);
    return object;
  }
};

Json json_of(const Value& value, Unit unit) { return std::visit(JsonOf{unit}, value.of); }

class JsonOutput final : public Output {
 public:
  JsonOutput(const OutputOptions& options, std::string_view command, JsonLayout layout)
      : options_(options), lines_(layout == JsonLayout::lines) {
    if (!lines_) put(options_.out, fmt::format("{{\"command\": {}", Json(command).dump()));
  }

  void fact(std::string_view key, const Value& value, Unit unit) override {
    const Json json = json_of(value, unit);
    if (lines_) {
      print_line(Json{{"record", "fact"}, {"name", key}, {"value", json}});
    } else {
      put(options_.out, fmt::format(",\n {}: {}", Json(key).dump(), json.dump()));
    }
  }

  void text(std::string_view, Style) override {}

  void begin(const Section& section) override {
    section_ = section;
    first_row_ = true;
    if (!lines_) put(options_.out, fmt::format(",\n {}: [", Json(section.many).dump()));
  }

  void row(Row row) override {
    Json object = Json::object();
    if (lines_) object["record"] = section_.one;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Column& column = section_.columns[i];
      if (column.place != Place::table) object[column.key] = json_of(row[i].value, column.unit);
    }
    if (lines_) return print_line(object);
    put(options_.out, fmt::format("{}\n  {}", first_row_ ? "" : ",", object.dump()));
    first_row_ = false;
  }

  void detail(std::string_view) override {}
  void end() override {
    if (!lines_) put(options_.out, fmt::format("{}]", first_row_ ? "" : "\n "));
  }

  void notice(const Notice& notice) override { notices_.push_back(notice); }

  Status finish() override {
    if (finished_) return {};
    finished_ = true;
    Json all = Json::array();
    for (const Notice& notice : notices_) {
      const JsonOf instant{Unit::instant_us};
      Json object = {{"cause", notice.cause},
                     {"from", instant(notice.from_us)},
                     {"to", instant(notice.to_us)},
                     {"text", notice.text}};
      if (lines_) {
        Json line = {{"record", "notice"}};
        line.update(object);
        print_line(line);
      }
      all.push_back(std::move(object));
    }
    if (!lines_) put(options_.out, fmt::format(",\n \"notices\": {}}}\n", all.dump()));
    return written(options_.out);
  }

 private:
  OutputOptions options_;
  bool lines_;
  Section section_;
  bool first_row_ = true;
  bool finished_ = false;
  std::vector<Notice> notices_;

  void print_line(const Json& object) { put(options_.out, fmt::format("{}\n", object.dump())); }
};

}  // namespace

std::unique_ptr<Output> make_json_output(const OutputOptions& options, std::string_view command,
                                         JsonLayout layout) {
  return std::make_unique<JsonOutput>(options, command, layout);
}

}  // namespace netrec
