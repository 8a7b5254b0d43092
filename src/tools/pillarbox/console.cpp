#include "tools/pillarbox/console.hpp"

#include "base/log.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace tools {
namespace {

void put(std::FILE* to, const std::string& text) {
  // What went wrong is told by flush() in the end; for standard error nobody is left to tell.
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), to));
}

}  // namespace

void Console::line(std::string_view text) { put(stdout, base::printable(text) + '\n'); }

void Console::json(const nlohmann::json& document) {
  put(stdout, document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
}

void Console::note(std::string_view text) { put(stderr, "pillarbox: " + base::printable(text) + '\n'); }

bool Console::flush() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

}  // namespace tools
