#include "query/output.h"

#include <gtest/gtest.h>

namespace netrec {
namespace {

/// What an Output writes, to stdout and to stderr.
class Written {
 public:
  explicit Written(OutputOptions options) {
    options.out = open_memstream(&out_, &out_size_);
    options.err = open_memstream(&err_, &err_size_);
    files_ = {options.out, options.err};
    output = make_output(options, "test");
  }
  ~Written() {
    for (std::FILE* file : files_) std::fclose(file);
    std::free(out_);
    std::free(err_);
  }
  std::string out() {
    EXPECT_TRUE(output->finish().has_value());
    std::fflush(files_[0]);
    return {out_, out_size_};
  }
  std::string err() {
    std::fflush(files_[1]);
    return {err_, err_size_};
  }

  std::unique_ptr<Output> output;

 private:
  char* out_ = nullptr;
  char* err_ = nullptr;
  std::size_t out_size_ = 0;
  std::size_t err_size_ = 0;
  std::vector<std::FILE*> files_;
};

Section section() {
  return {"row",
          "rows",
          {{"name", "Name", Unit::text, Place::everywhere, Fit::cut_end},
           {"sent_bytes", "Sent", Unit::bytes},
           {"when", "When", Unit::instant_us},
           {"pair", "Pair", Unit::text, Place::table},
           {"part", "", Unit::number, Place::machine}}};
}

void fill(Output& output) {
  output.fact("total", 2u);
  output.text("two of them");
  output.begin(section());
  output.row({"plain", 2048u, std::uint64_t{1'795'521'600'250'000}, "a:1", 1});
  output.row({"\x1b[31mred\xff\\", 0u, 0u, "b:2", {}});
  output.end();
  output.notice({"suspend", 0, 1'000'000, "the host slept"});
}

class OutputTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }
};

TEST_F(OutputTest, DrawsATable) {
  Written written({});
  fill(*written.output);
  EXPECT_EQ(written.out(),
            "two of them\n"
            "Name                  Sent  When                     Pair\n"
            "plain              2.0 KiB  2026-11-24 12:00:00.250  a:1\n"
            "\\x1b[31mred\\xff\\\\      0 B                           b:2\n");
  EXPECT_EQ(written.err(), "netrec: note: the host slept\n");
}

TEST_F(OutputTest, WritesOneJsonDocument) {
  Written written({.format = Format::json});
  fill(*written.output);
  EXPECT_EQ(written.out(),
            "{\"command\": \"test\",\n"
            " \"total\": 2,\n"
            " \"rows\": [\n"
            "  {\"name\":\"plain\",\"sent_bytes\":2048,\"when\":\"2026-11-24T12:00:00.250000Z\","
            "\"part\":1},\n"
            "  {\"name\":\"\\\\x1b[31mred\\\\xff\\\\\\\\\",\"sent_bytes\":0,\"when\":null,"
            "\"part\":null}\n"
            " ],\n"
            " \"notices\": [{\"cause\":\"suspend\",\"from\":null,"
            "\"to\":\"1970-01-01T00:00:01.000000Z\",\"text\":\"the host slept\"}]}\n");
  EXPECT_EQ(written.err(), "");
}

TEST_F(OutputTest, WritesAJsonObjectALine) {
  Written written({.format = Format::ndjson});
  fill(*written.output);
  EXPECT_EQ(written.out(),
            "{\"record\":\"fact\",\"name\":\"total\",\"value\":2}\n"
            "{\"record\":\"row\",\"name\":\"plain\",\"sent_bytes\":2048,"
            "\"when\":\"2026-11-24T12:00:00.250000Z\",\"part\":1}\n"
            "{\"record\":\"row\",\"name\":\"\\\\x1b[31mred\\\\xff\\\\\\\\\",\"sent_bytes\":0,"
            "\"when\":null,\"part\":null}\n"
            "{\"record\":\"notice\",\"cause\":\"suspend\",\"from\":null,"
            "\"to\":\"1970-01-01T00:00:01.000000Z\",\"text\":\"the host slept\"}\n");
}

TEST_F(OutputTest, WritesCsvAsTheRfcHasIt) {
  Written written({.format = Format::csv});
  fill(*written.output);
  EXPECT_EQ(written.out(),
            "name,sent_bytes,when,part\r\n"
            "plain,2048,2026-11-24T12:00:00.250000Z,1\r\n"
            "\\x1b[31mred\\xff\\\\,0,,\r\n");
  EXPECT_EQ(written.err(), "netrec: note: the host slept\n");
}

TEST_F(OutputTest, QuotesCsvAndDisarmsFormulas) {
  Written written({.format = Format::csv});
  written.output->begin({"row", "rows", {{"a", ""}, {"b", "", Unit::number}}});
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(A1)", "a,b", "say \"x\"", "=\"x\""})
    written.output->row({text, -5});
  written.output->end();
  EXPECT_EQ(written.out(),
            "a,b\r\n'=1+1,-5\r\n'+1,-5\r\n'-1,-5\r\n'@SUM(A1),-5\r\n\"a,b\",-5\r\n"
            "\"say \"\"x\"\"\",-5\r\n\"'=\"\"x\"\"\",-5\r\n");
}

TEST_F(OutputTest, WritesNestedValues) {
  Written written({.format = Format::ndjson});
  written.output->begin({"row", "rows", {{"list", ""}}});
  written.output->row({Value::List{1u, "two", Value::Members{{"three", true}}}});
  written.output->end();
  EXPECT_EQ(written.out(), "{\"record\":\"row\",\"list\":[1,\"two\",{\"three\":true}]}\n");
}

TEST_F(OutputTest, CutsOnlyOnATerminalAndOnlyWhatMayBeCut) {
  Written written({.width = 40});
  written.output->begin(
      {"row", "rows", {{"a", "A", Unit::text, Place::everywhere, Fit::cut_end}, {"b", "B"}}});
  written.output->row({std::string(60, 'x'), std::string(20, 'y')});
  written.output->end();
  EXPECT_EQ(written.out(), "A                   B\nxxxxxxxxxxxxxxxxx…  yyyyyyyyyyyyyyyyyyyy\n");
}

TEST_F(OutputTest, ColoursOnlyWhenAsked) {
  Written written({.color = true});
  written.output->text("heading", Style::bad);
  EXPECT_EQ(written.out(), "\x1b[31mheading\x1b[0m\n");
}

TEST_F(OutputTest, PrintsNothingForAnEmptyTable) {
  Written written({});
  written.output->begin(section());
  written.output->end();
  EXPECT_EQ(written.out(), "");
}

TEST_F(OutputTest, StreamsWhatIsLong) {
  Written written({});
  written.output->begin({"row", "rows", {{"n", "N", Unit::number}}});
  for (unsigned i = 0; i < 12'000; ++i) written.output->row({i});
  written.output->end();
  const std::string text = written.out();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 12'001);
  EXPECT_EQ(text.substr(text.size() - 6), "11999\n");
}

TEST_F(OutputTest, ShowsAFewOfManyNotices) {
  Written written({});
  for (int i = 0; i < 8; ++i) written.output->notice({"suspend", 0, 0, "gap"});
  EXPECT_EQ(written.out(), "");
  EXPECT_NE(written.err().find("… and 3 more"), std::string::npos);
}

TEST_F(OutputTest, SaysThatTheDiskIsFull) {
  std::FILE* full = std::fopen("/dev/full", "w");
  if (full == nullptr) GTEST_SKIP() << "there is no /dev/full";
  const auto output = make_output({.format = Format::json, .out = full}, "test");
  const auto status = output->finish();
  ASSERT_FALSE(status.has_value());
  EXPECT_NE(status.error().message.find("No space left"), std::string::npos);
  std::fclose(full);
}

}  // namespace
}  // namespace netrec
