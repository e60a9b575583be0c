// Small answers of scans, kept as long as the file is what it was: somebody who looks into an
// address asks about it more than once, and joins ask the same for each row.
//
// Refused: keeping columns unpacked (tens of megabytes for what a month's chunks hold of one
// address, and selecting from them again costs more than the answer).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace netrec {

struct CellBatch;
struct Request;

using CellBatches = std::vector<std::shared_ptr<const CellBatch>>;

/// What `table` is asked, as one string; "" if that may have another answer next time.
std::string question_of(std::string_view table, const Request& request);

class RowAnswers {
 public:
  /// The answer to `question` when the file was at `version`, or nullptr.
  std::shared_ptr<const CellBatches> find(const std::string& question, std::uint64_t version) const;
  void keep(const std::string& question, std::uint64_t version, CellBatches batches,
            std::size_t cells);

  /// Cells of an answer that is worth keeping: some hundred kilobytes.
  static constexpr std::size_t kMostCells = 1 << 15;

 private:
  struct Answer {
    std::uint64_t version = 0;
    std::shared_ptr<const CellBatches> batches;
  };
  std::map<std::string, Answer> answers_;
  std::size_t cells_ = 0;
};

}  // namespace netrec
