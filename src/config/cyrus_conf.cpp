#include "config/cyrus_conf.hpp"

#include "base/ascii.hpp"
#include "config/conf_file.hpp"
#include "config/cyrus_conf_entry.hpp"
#include "config/value.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace config {
namespace {

namespace ascii = base::ascii;
using base::Errc;
using base::Result;

enum class Section { none, start, services, events, daemon, unknown };

constexpr std::array<std::pair<std::string_view, Section>, 4> kSections{{
    {"START", Section::start},
    {"SERVICES", Section::services},
    {"EVENTS", Section::events},
    {"DAEMON", Section::daemon},
}};

/// A line outside of entries, up to its comment.
std::string_view without_comment(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (text[i] == '#' && !quoted) return text.substr(0, i);
  }
  return text;
}

class Parser {
 public:
  explicit Parser(const std::string& file) : file_(file) {}

  Result<CyrusConf> parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      ++line_;
      const auto done = line(text.substr(0, end));
      if (!done) {
        const base::Error& error = done.error();
        return tl::unexpected(base::Error{error.code, place(file_, line_) + ": " + error.text});
      }
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return finish();
  }

 private:
  /// Errors of the functions below have no file and line yet.
  Result<void> line(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return base::fail(Errc::invalid, "a NUL byte");
    if (section_ == Section::none) return outside(ascii::trim(without_comment(text)));
    if (section_ == Section::unknown) return skip(without_comment(text));
    if (ascii::trim(text).starts_with('}')) return close(ascii::trim(without_comment(text)));
    return entry(text);
  }

  Result<void> outside(std::string_view text) {
    if (text.empty()) return {};
    const auto name_end =
        std::find_if(text.begin(), text.end(), [](char c) { return ascii::is_space(c) || c == '{' || c == '}'; });
    const std::string_view name = text.substr(0, static_cast<std::size_t>(name_end - text.begin()));
    for (const auto& [known, section] : kSections) {
      if (ascii::equal_ignoring_case(name, known)) return open(known, section, text);
    }
    if (text.find('{') == std::string_view::npos || name.empty()) {
      return base::fail(Errc::invalid, "text outside of a section: " + shown(text));
    }
    warn("unknown section " + shown(name) + " is passed over");
    opened_at_ = line_;
    section_ = Section::unknown;
    return skip(text);
  }

  Result<void> open(std::string_view known, Section section, std::string_view text) {
    // Cyrus compares the first letter as it stands and the others without regard to case.
    if (text.front() != known.front()) {
      return base::fail(Errc::invalid, "section " + shown(text.substr(0, known.size())) + " must be written '" +
                                           std::string(known) + "'");
    }
    const std::string_view brace = ascii::trim(text.substr(known.size()));
    if (!brace.starts_with('{')) {
      return base::fail(Errc::invalid, "'{' must follow " + std::string(known) + " on the same line");
    }
    const std::string_view rest = ascii::trim(brace.substr(1));
    if (rest == "}") return {};
    if (!rest.empty()) {
      return base::fail(Errc::invalid, "text behind '{': entries begin on the line after it");
    }
    section_ = section;
    section_name_ = known;
    opened_at_ = line_;
    return {};
  }

  Result<void> close(std::string_view text) {
    if (text != "}") return base::fail(Errc::invalid, "text behind '}': " + shown(ascii::trim(text.substr(1))));
    section_ = Section::none;
    return {};
  }

  /// Counts the braces of a section that we do not know.
  Result<void> skip(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') quoted = !quoted;
      if (quoted || (text[i] != '{' && text[i] != '}')) continue;
      depth_ += text[i] == '{' ? 1 : -1;
      if (depth_ > 0) continue;
      return close(ascii::trim(text.substr(i)));
    }
    return {};
  }

  Result<void> entry(std::string_view text) {
    auto parsed = EntryLine::parse(text);
    if (!parsed) return tl::unexpected(parsed.error());
    if (!*parsed) return {};
    EntryLine& entry = **parsed;
    if (auto done = add(entry); !done) return done;
    for (const auto& key : entry.repeated()) warn(entry, shown(key) + " is given twice, the first one counts");
    for (const auto& key : entry.unknown()) warn(entry, "unknown argument " + shown(key));
    return {};
  }

  Result<void> add(EntryLine& entry) {
    switch (section_) {
      case Section::start:
        return add_start(entry);
      case Section::services:
        return add_service(entry);
      case Section::events:
        return add_event(entry);
      case Section::daemon:
        return add_daemon(entry);
      case Section::none:
      case Section::unknown:
        break;
    }
    return {};
  }

  Result<void> add_start(EntryLine& entry) {
    StartEntry made{entry.name(), entry.take_words("cmd"), line_};
    if (made.cmd.empty()) return base::fail(Errc::invalid, "unable to find command for " + shown(made.name));
    conf_.start.push_back(std::move(made));
    return {};
  }

  Result<void> add_service(EntryLine& entry) {
    ServiceEntry made;
    made.name = entry.name();
    made.line = line_;
    made.cmd = entry.take_words("cmd");
    made.listen = entry.take("listen").value_or("");
    made.proto = entry.take("proto").value_or(made.proto);
    if (made.cmd.empty() || made.listen.empty()) {
      return base::fail(Errc::invalid, "unable to find command or port for service " + shown(made.name));
    }
    if (auto read = number(entry, "maxchild", made.maxchild); !read) return read;
    if (auto read = count(entry, "prefork", made.prefork); !read) return read;
    if (auto read = count(entry, "maxforkrate", made.maxforkrate); !read) return read;
    if (auto read = count(entry, "maxfds", made.maxfds); !read) return read;
    if (auto read = toggle(entry, "babysit", made.babysit); !read) return read;
    made.maxchild = std::max(made.maxchild, -1);
    if (made.maxchild == 0) warn(entry, "with maxchild=0 it never answers");
    if (auto fits = check_address(entry, made); !fits) return fits;
    if (auto is_new = check_name(made.name); !is_new) return is_new;
    conf_.services.push_back(std::move(made));
    return {};
  }

  Result<void> add_event(EntryLine& entry) {
    EventEntry made;
    made.name = entry.name();
    made.line = line_;
    made.cmd = entry.take_words("cmd");
    made.cron = ascii::trim(entry.take("cron").value_or(""));
    if (made.cmd.empty()) {
      return base::fail(Errc::invalid, "unable to find command for event " + shown(made.name));
    }
    if (auto read = count(entry, "period", made.period); !read) return read;
    if (auto read = number(entry, "at", made.at); !read) return read;
    made.at = std::max(made.at, -1);
    if (made.at / 100 > 23 || made.at % 100 > 59) {
      return refuse(entry, "invalid at=hhmm specification " + std::to_string(made.at));
    }
    if (made.period == 0 && made.at < 0 && made.cron.empty()) {
      warn(entry, "it has neither period nor at nor cron");
    }
    conf_.events.push_back(std::move(made));
    return {};
  }

  Result<void> add_daemon(EntryLine& entry) {
    DaemonEntry made;
    made.name = entry.name();
    made.line = line_;
    made.cmd = entry.take_words("cmd");
    if (made.cmd.empty()) return base::fail(Errc::invalid, "unable to find command for service " + shown(made.name));
    if (auto read = count(entry, "maxfds", made.maxfds); !read) return read;
    if (auto read = count(entry, "maxforkrate", made.maxforkrate); !read) return read;
    if (auto read = toggle(entry, "wait", made.wait); !read) return read;
    if (auto is_new = check_name(made.name); !is_new) return is_new;
    conf_.daemons.push_back(std::move(made));
    return {};
  }

  Result<void> number(EntryLine& entry, std::string_view key, int& into) {
    const auto value = entry.take_number(key, into);
    if (!value) return refuse(entry, value.error().text);
    into = *value;
    return {};
  }

  /// A number below zero counts as zero, as in Cyrus.
  Result<void> count(EntryLine& entry, std::string_view key, int& into) {
    if (auto read = number(entry, key, into); !read) return read;
    if (into >= 0) return {};
    warn(entry, shown(key) + " is below 0, 0 is used");
    into = 0;
    return {};
  }

  Result<void> toggle(EntryLine& entry, std::string_view key, bool& into) {
    const auto value = entry.take_switch(key, into);
    if (!value) return refuse(entry, value.error().text);
    into = *value;
    return {};
  }

  Result<void> check_address(const EntryLine& entry, const ServiceEntry& service) {
    const auto protocols = {"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"};
    if (std::find(protocols.begin(), protocols.end(), service.proto) == protocols.end()) {
      return refuse(entry, "invalid proto " + shown(service.proto));
    }
    const auto address = parse_listen(service.listen);
    if (!address) return refuse(entry, address.error().text);
    // Cyrus makes a datagram socket of this, on which nobody can listen.
    if (address->kind == ListenAddress::unix_socket && (service.proto == "tcp4" || service.proto == "tcp6")) {
      return refuse(entry, "proto '" + service.proto + "' does not go with the path " + shown(service.listen) +
                               ", write proto=tcp");
    }
    return {};
  }

  /// SERVICES and DAEMON share their names.
  Result<void> check_name(const std::string& name) {
    const auto [known, is_new] = names_.emplace(name, line_);
    if (is_new) return {};
    return base::fail(Errc::invalid, "multiple entries for service " + shown(name) + " (first on line " +
                                         std::to_string(known->second) + ")");
  }

  Result<CyrusConf> finish() {
    const std::string opened = " (line " + std::to_string(opened_at_) + ")";
    if (section_ == Section::unknown) {
      // Whatever was meant to follow it has been passed over.
      return fail_at(file_, line_, "the unknown section" + opened + " has no '}'");
    }
    if (section_ != Section::none) warn("section " + std::string(section_name_) + opened + " has no '}'");
    return std::move(conf_);
  }

  static tl::unexpected<base::Error> refuse(const EntryLine& entry, const std::string& what) {
    return base::fail(Errc::invalid, "entry " + shown(entry.name()) + ": " + what);
  }

  void warn(const EntryLine& entry, const std::string& what) { warn("entry " + shown(entry.name()) + ": " + what); }
  void warn(const std::string& what) { conf_.warnings.push_back(place(file_, line_) + ": " + what); }

  const std::string& file_;
  int line_ = 0;
  Section section_ = Section::none;
  std::string_view section_name_;
  int opened_at_ = 0;
  int depth_ = 0;  ///< of braces in an unknown section
  std::map<std::string, int> names_;
  CyrusConf conf_;
};

}  // namespace

Result<CyrusConf> CyrusConf::load(const std::filesystem::path& file) {
  const auto text = read_conf_file(file);
  if (!text) return tl::unexpected(text.error());
  return parse(file.native(), *text);
}

Result<CyrusConf> CyrusConf::parse(const std::string& file, std::string_view text) { return Parser(file).parse(text); }

}  // namespace config
