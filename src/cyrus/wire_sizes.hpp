#pragma once

#include "base/result.hpp"
#include "maildrop/maildrop.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

// LIST must say what RETR sends (RFC 1939 s11). For mail that Cyrus delivered that is the length of the file; a message
// that came by another way (a copied spool, an APPEND without final line end) is repaired on the wire and grows. Only
// its bytes tell, and reading all mail at each login is out of the question. So each message is read once in its life,
// when it is new and about to be fetched anyway, and a small file remembers how far that went and which messages grow.

namespace cyrus {

/// A message that goes out with more octets than its file has.
struct Surplus {
  maildrop::Uid uid;
  std::uint64_t octets;  ///< how many more

  friend bool operator==(const Surplus&, const Surplus&) = default;
};

/// What is known about the messages of one mailbox.
struct WireSizes {
  std::uint32_t uidvalidity = 0;
  std::uint32_t first = 1;       ///< messages of first <= uid <= last have been read
  std::uint32_t last = 0;        ///< 0: none
  std::vector<Surplus> surplus;  ///< ascending by uid

  friend bool operator==(const WireSizes&, const WireSizes&) = default;
};

/// The largest number of Surplus entries that a file may hold; a mailbox with more is listed by its file sizes beyond.
inline constexpr std::size_t kMaxSurplus = 65536;

/// The file below configdirectory that remembers the sizes of a mailbox. Made on demand; removing it only costs time.
std::filesystem::path wire_sizes_path(const std::filesystem::path& config_directory, std::string_view uniqueid);

/// Reads the file. Whatever is wrong with it (missing, damaged, of another uidvalidity), the answer is "nothing is
/// known": it is a memory, not a truth. Blocks on disk.
WireSizes load_wire_sizes(const std::filesystem::path& file, std::uint32_t uidvalidity);

/// Replaces the file in one step. Not synced: after a power cut the old one, or none, is as good.
/// Blocks on disk. Errors: io, permission, not_found.
base::Result<void> save_wire_sizes(const std::filesystem::path& file, const WireSizes& sizes);

/// Reads the octets that one message has on the wire. Errc::io ends the measuring for this time; a message with another
/// error is passed over.
using MeasureMessage = std::function<base::Result<std::uint64_t>(const maildrop::Entry&)>;

/// How much may be measured at one login.
struct MeasureBudget {
  std::size_t messages = 64;
  std::uint64_t octets = std::uint64_t{8} * 1024 * 1024;
};

/// Goes on where `sizes` ends, in the order of `entries` (ascending by uid): with the newest messages when nothing is
/// known yet, else with those that have come since. Stops at the budget.
/// True when `sizes` has changed.
bool measure_new_messages(const std::vector<maildrop::Entry>& entries, WireSizes& sizes, const MeasureBudget& budget,
                          const MeasureMessage& measure);

/// Adds each surplus to the octets of its entry, and returns those that are listed.
std::vector<Surplus> add_surplus(std::vector<maildrop::Entry>& entries, const WireSizes& sizes);

}  // namespace cyrus
