#pragma once

#include <cstdint>
#include <string_view>

namespace tools {

/// The flags in the name of a Maildir file, behind ":2,": D draft, F flagged, R answered, S seen, T deleted. Others,
/// and names without, give none. As bits of cyrus::flag_bit. Pure.
std::uint32_t maildir_flags(std::string_view name);

}  // namespace tools
