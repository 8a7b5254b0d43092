#include "master/worker_state.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace master {
namespace {

using enum WorkerState;

struct Cell {
  WorkerState from;
  std::int32_t message;
  Transition expected;
};

// doc/format/service-protocol.md, "What master makes of it", line by line.
const std::vector<Cell> kTable{
    {ready, 1, {ready, false, Oddity::already_ready}},
    {busy, 1, {ready, false, Oddity::none}},
    {unknown, 1, {ready, false, Oddity::none}},
    {dead, 1, {dead, false, Oddity::none}},

    {ready, 2, {busy, false, Oddity::none}},
    {busy, 2, {busy, false, Oddity::already_busy}},
    {unknown, 2, {busy, false, Oddity::none}},
    {dead, 2, {dead, false, Oddity::none}},

    {ready, 3, {busy, true, Oddity::serving_while_ready}},
    {busy, 3, {busy, true, Oddity::none}},
    {unknown, 3, {busy, true, Oddity::none}},
    {dead, 3, {dead, true, Oddity::none}},

    {ready, 4, {ready, true, Oddity::none}},
    {busy, 4, {ready, true, Oddity::multi_while_busy}},
    {unknown, 4, {ready, true, Oddity::none}},
    {dead, 4, {dead, true, Oddity::none}},
};

class WorkerStateTable : public ::testing::TestWithParam<Cell> {};

TEST_P(WorkerStateTable, EachCellIsAsDocumented) {
  const Cell& cell = GetParam();
  EXPECT_EQ(transition(cell.from, cell.message), cell.expected) << name(cell.from) << " hears " << cell.message;
}

INSTANTIATE_TEST_SUITE_P(AllCells, WorkerStateTable, ::testing::ValuesIn(kTable));

TEST(WorkerState, AnUnknownMessageChangesNothingAndIsCalledOut) {
  for (const WorkerState state : {ready, busy, unknown, dead}) {
    for (const std::int32_t message : {0, 5, -1, std::numeric_limits<std::int32_t>::min()}) {
      EXPECT_EQ(transition(state, message), (Transition{state, false, Oddity::unknown_message}));
    }
  }
}

}  // namespace
}  // namespace master
