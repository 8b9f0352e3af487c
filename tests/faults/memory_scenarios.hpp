#pragma once

#include "scenario.hpp"

/// Programs without requests, for what is done to pages beside them.
namespace mayfly::test::faults {

void epochs_end(ledger& book);
void budget_moves(ledger& book);
void budget_in_common(ledger& book);

}  // namespace mayfly::test::faults
