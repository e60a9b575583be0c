#include "store/row_batches.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>

#include "store/column.h"

namespace netrec {
namespace {

/// What a cell shows, as text.
class Shown final : public CellSink {
 public:
  void null() override { text_ = "NULL"; }
  void number(std::uint64_t value) override { text_ = std::to_string(sql_number(value)); }
  void identifier(std::uint64_t bits) override {
    text_ = std::to_string(static_cast<std::int64_t>(bits));
  }
  void real(double value) override { text_ = std::to_string(value); }
  void text(std::string_view bytes) override { text_ = bytes; }

  const std::string& text() const { return text_; }
  static std::string of(const CellColumn& column, std::size_t index) {
    Shown shown;
    column.write(index, shown);
    return shown.text_;
  }

 private:
  std::string text_;
};

std::vector<std::string> all_of(const CellColumn& column, std::size_t size) {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < size; ++i) cells.push_back(Shown::of(column, i));
  return cells;
}

using Cells = std::vector<std::string>;

TEST(CellColumn, OfBareNumbersTellsThemWhereTheyLie) {
  const auto values = std::make_shared<const Column>(Column{7, 0, 9, UINT64_MAX});
  const std::vector<std::uint32_t> rows = {3, 1, 0};
  CellColumn column;
  column.show_numbers(values, *values, rows, true);
  const NumberCells numbers = column.numbers();
  ASSERT_EQ(numbers.values, values->data());
  EXPECT_EQ(numbers[0], INT64_MAX);
  EXPECT_EQ(numbers[2], 7);
  EXPECT_TRUE(numbers.zero_is_null);
  EXPECT_EQ(all_of(column, 3), (Cells{"9223372036854775807", "NULL", "7"}));
}

TEST(CellColumn, TellsTheSameHoweverItWasFilled) {
  const auto values = std::make_shared<const Column>(Column{5, 0, 6});
  const std::vector<std::uint32_t> rows = {0, 1, 2};
  using Fill = void (*)(CellColumn&, const std::shared_ptr<const Column>&,
                        const std::vector<std::uint32_t>&);
  const Fill add = [](CellColumn& to, const auto& from, const auto& at) {
    to.add_numbers(*from, at, false);
  };
  const Fill show = [](CellColumn& to, const auto& from, const auto& at) {
    to.show_numbers(from, *from, at, false);
  };
  const Fill nulls = [](CellColumn& to, const auto& from, const auto& at) {
    to.add_numbers(*from, at, true);
  };
  const Fill texts = [](CellColumn& to, const auto&, const auto& at) {
    for (std::size_t i = 0; i < at.size(); ++i) to.text("a text");
  };
  const std::vector<std::pair<Fill, Cells>> fills = {{add, {"5", "0", "6"}},
                                                     {show, {"5", "0", "6"}},
                                                     {nulls, {"5", "NULL", "6"}},
                                                     {texts, {"a text", "a text", "a text"}}};
  for (const auto& [first, of_first] : fills)
    for (const auto& [second, of_second] : fills)
      for (const auto& [third, of_third] : fills) {
        CellColumn column;
        first(column, values, rows);
        second(column, values, rows);
        third(column, values, rows);
        Cells wanted = of_first;
        wanted.insert(wanted.end(), of_second.begin(), of_second.end());
        wanted.insert(wanted.end(), of_third.begin(), of_third.end());
        EXPECT_EQ(all_of(column, 9), wanted);
      }
}

// Whoever wants three rows gets them when they are found, though the scan goes on for long: what
// one chunk gave does not wait for the next that has any.
TEST(RowBatches, GivesWhatAChunkGaveBeforeTheScanGoesOn) {
  TableContext context("no file is read", nullptr);
  std::promise<void> has_three;
  std::atomic<bool> is_over = false;
  const auto scan = [&](const RowBatches::Offer& offer) -> Result<std::vector<Damage>> {
    for (std::uint64_t chunk = 0; chunk < 3; ++chunk)
      offer(1,
            [&](std::size_t, std::size_t, std::span<CellColumn> out) { out[0].number(chunk); }) &&
          offer.give_now();
    has_three.get_future().wait_for(std::chrono::seconds(20));
    is_over = true;
    return std::vector<Damage>();
  };
  RowBatches rows(context, {}, 1, scan, {});
  for (std::uint64_t chunk = 0; chunk < 3; ++chunk) {
    const auto more = rows.next();
    ASSERT_TRUE(more && *more);
    Shown shown;
    rows.cell(0, shown);
    EXPECT_EQ(shown.text(), std::to_string(chunk));
  }
  EXPECT_FALSE(is_over) << "the last of them came with the end of the scan";
  has_three.set_value();
  const auto end = rows.next();
  EXPECT_TRUE(end && !*end);
}

}  // namespace
}  // namespace netrec
