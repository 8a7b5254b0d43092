#include "manual/page.hpp"

#include "manual/option_list.hpp"
#include "manual/switch_list.hpp"

#include <algorithm>
#include <array>

namespace manual {
namespace {

using Made = base::Result<std::string>;

constexpr std::string_view kMark = ".\\\" @";

Made unknown(std::string_view what, std::string_view name) {
  return base::fail(base::Errc::invalid, "no such " + std::string(what) + ": " + std::string(name));
}

Made synopsis_of(std::string_view program) {
  const auto table = find_program(program);
  return table ? Made(synopsis(*table)) : unknown("program", program);
}

Made switches_of(std::string_view program) {
  const auto table = find_program(program);
  return table ? Made(switch_list(*table)) : unknown("program", program);
}

Made options_of(std::string_view name) {
  const auto group = find_group(name);
  return group ? Made(option_list(*group)) : unknown("group of options", name);
}

Made option_of(std::string_view name) {
  const auto option = config::find_option(name);
  return option && config::info(*option).has_effect ? Made(option_item(config::info(*option)))
                                                    : unknown("option with an effect", name);
}

struct Directive {
  std::string_view word;
  Made (*make)(std::string_view argument);
};

constexpr std::array kDirectives{
    Directive{"synopsis", &synopsis_of},
    Directive{"switches", &switches_of},
    Directive{"options", &options_of},
    Directive{"option", &option_of},
    Directive{"without-effect", [](std::string_view) { return Made(list_without_effect()); }},
    Directive{"old-names", [](std::string_view) { return Made(list_of_old_names()); }},
    Directive{"patterns", [](std::string_view) { return Made(pattern_list()); }},
};

Made expand(std::string_view line) {
  if (!line.starts_with(kMark)) return std::string(line) + "\n";
  line.remove_prefix(kMark.size());
  const std::size_t blank = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, blank);
  const std::string_view argument = line.substr(std::min(blank + 1, line.size()));
  const auto* const found = std::find_if(kDirectives.begin(), kDirectives.end(),
                                         [word](const Directive& directive) { return directive.word == word; });
  return found == kDirectives.end() ? unknown("directive", word) : found->make(argument);
}

}  // namespace

base::Result<std::string> make_page(std::string_view source) {
  std::string page;
  for (int number = 1; !source.empty(); ++number) {
    const std::size_t end = std::min(source.find('\n'), source.size());
    auto made = expand(source.substr(0, end));
    if (!made) return base::fail(made.error().code, std::to_string(number) + ": " + made.error().text);
    page += *made;
    source.remove_prefix(std::min(end + 1, source.size()));
  }
  return page;
}

}  // namespace manual
