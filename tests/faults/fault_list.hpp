#pragma once

#include "faults/fault_control.hpp"

#include <string>
#include <vector>

namespace faults {

/// What goes wrong.
struct Fault {
  Kind kind;
  Action action;
  int errnum;
  std::string name;  ///< as the report shows it
};

/// Every way in which each kind of call can go wrong, kind by kind.
std::vector<Fault> all_faults();

}  // namespace faults
