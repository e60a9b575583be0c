// The rows of a table of frames in another order than that of the log: of time, or from the end.
// What is read backwards is read forwards in pieces, short ones first: LIMIT 10 wants the last.
//
// Refused: a cursor that steps back (each step goes from the keyframe before), and holding the rows
// of a whole chunk.
#pragma once

#include <memory>
#include <optional>

#include "store/frame_order.h"
#include "store/row_batches.h"
#include "store/virtual_table.h"

namespace netrec {

/// The rows of `table` for the frames of `range` in the order that `request` asks for: of the
/// frames' times, or `by_sequence`. The table must give those of Request::frames, first to last.
Result<std::unique_ptr<RowSource>> rows_in_order(TableContext& context, const VirtualTable& table,
                                                 const Request& request, const FrameRange& range,
                                                 bool by_sequence);

}  // namespace netrec
