#pragma once

namespace cyrus {
std::string name_without_its_include();
}  // namespace cyrus
