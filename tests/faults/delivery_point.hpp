#pragma once

#include "faults/fault_control.hpp"
#include "faults/fault_list.hpp"
#include "faults/fault_point.hpp"
#include "faults/fault_site.hpp"

#include <cstdint>

namespace faults {

/// As run_point(): a message is staged and delivered to the INBOX of the site, with the n-th call of a kind going
/// wrong.
///
/// Delivered: the message is there once, and it, its record and its cache record were synced. Not delivered: an io
/// error, no message is there, and nothing in the store differs but octets that nobody reads. Killed: it is there as a
/// whole or not at all, and it is when the kill came while a child wrote. In each case: the index is valid, it and the
/// quota root count right, all other messages are as they were; no descriptor is left, a stage file only by a kill or
/// where it could not be removed; and the same again without a fault brings the message in, or finds it there.
Outcome run_delivery_point(const Site& site, const Fault& fault, std::uint64_t nth, Control& control);

}  // namespace faults
