#include "tools/pillarbox/command_line.hpp"

#include <algorithm>
#include <optional>

namespace tools {
namespace {

using base::Errc;

tl::unexpected<base::Error> refuse(std::string text) { return base::fail(Errc::invalid, std::move(text)); }

/// One word of the line that is an option, cut at its '='.
struct OptionWord {
  std::string name;  // with its dashes
  std::optional<std::string> value;
};

bool is_option(const std::string& word) { return word.size() > 1 && word.front() == '-'; }

OptionWord split_option(const std::string& word) {
  if (!word.starts_with("--")) {
    if (word.size() == 2) return {word, std::nullopt};
    return {word.substr(0, 2), word.substr(2)};
  }
  const auto equals = word.find('=');
  if (equals == std::string::npos) return {word, std::nullopt};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

bool matches(const OptionSpec& option, const std::string& name) {
  if (name.starts_with("--")) return !option.name.empty() && name.substr(2) == option.name;
  return option.letter != '\0' && name.size() == 2 && name[1] == option.letter;
}

const OptionSpec* find(const std::vector<OptionSpec>& options, const std::string& name) {
  const auto found = std::ranges::find_if(options, [&](const OptionSpec& option) { return matches(option, name); });
  return found == options.end() ? nullptr : &*found;
}

/// The key under which Arguments keeps an option.
std::string key_of(const OptionSpec& option) {
  return option.name.empty() ? std::string(1, option.letter) : std::string(option.name);
}

bool is_group(const std::vector<Command>& commands, const std::string& word) {
  return std::ranges::any_of(commands, [&](const Command& command) { return command.path.starts_with(word + ' '); });
}

const Command* find_command(const std::vector<Command>& commands, std::string_view path) {
  const auto found = std::ranges::find(commands, path, &Command::path);
  return found == commands.end() ? nullptr : &*found;
}

class Parser {
 public:
  Parser(const std::vector<std::string>& words, const std::vector<Command>& commands)
      : words_(words), commands_(commands) {}

  base::Result<Request> parse() {
    for (at_ = 0; at_ < words_.size(); ++at_) {
      const std::string& word = words_[at_];
      auto taken = !only_operands_ && word == "--"      ? end_options()
                   : !only_operands_ && is_option(word) ? take_option(word)
                                                        : take_word(word);
      if (!taken) return tl::unexpected(std::move(taken.error()));
    }
    return finish();
  }

 private:
  base::Result<void> end_options() {
    only_operands_ = true;
    return {};
  }

  base::Result<void> take_option(const std::string& word) {
    const OptionWord option = split_option(word);
    const OptionSpec* spec = find(common_options(), option.name);
    if (spec == nullptr && request_.command != nullptr) spec = find(request_.command->options, option.name);
    if (spec == nullptr) {
      return refuse(option.name + ": unknown option" +
                    (request_.command != nullptr ? " of 'pillarbox " + std::string(request_.command->path) + "'" : ""));
    }
    std::string value;
    if (spec->value.empty()) {
      if (option.value) return refuse(option.name + " takes no value");
    } else if (option.value) {
      value = *option.value;
    } else {
      if (++at_ == words_.size()) return refuse(option.name + " needs a value: " + std::string(spec->value));
      value = words_[at_];
    }
    const std::string key = key_of(*spec);
    if (!spec->value.empty() && value.empty()) return refuse(option.name + ": empty value");
    if (!request_.arguments.options.emplace(key, value).second) return refuse(option.name + " is there twice");
    return {};
  }

  base::Result<void> take_word(const std::string& word) {
    if (request_.command != nullptr) {
      request_.arguments.operands.push_back(word);
      return {};
    }
    if (request_.group.empty() && word == "help") {
      request_.arguments.options.emplace("help", "");
      return {};
    }
    if (!request_.group.empty()) {
      request_.command = find_command(commands_, request_.group + ' ' + word);
      if (request_.command != nullptr) return {};
      return refuse("'" + request_.group + ' ' + word + "': no such command; see 'pillarbox " + request_.group +
                    " --help'");
    }
    request_.command = find_command(commands_, word);
    if (request_.command != nullptr) return {};
    if (!is_group(commands_, word)) return refuse("'" + word + "': no such command; see 'pillarbox --help'");
    request_.group = word;
    return {};
  }

  base::Result<Request> finish() {
    Arguments& arguments = request_.arguments;
    if (const auto file = arguments.value("C"); !file.empty()) arguments.conf_file = file;
    if (arguments.has("help")) {
      request_.kind = Request::Kind::help;
      return std::move(request_);
    }
    if (arguments.has("version")) {
      request_.kind = Request::Kind::version;
      return std::move(request_);
    }
    if (request_.command == nullptr) {
      if (request_.group.empty()) return refuse("which command? See 'pillarbox --help'");
      return refuse("which one? See 'pillarbox " + request_.group + " --help'");
    }
    const OperandSpec& operands = request_.command->operands;
    const std::string name = "'pillarbox " + std::string(request_.command->path) + "'";
    if (arguments.operands.size() < operands.least) return refuse(name + " needs " + std::string(operands.text));
    if (arguments.operands.size() > operands.most) {
      // It may be a password that does not belong there: not repeated.
      if (operands.most > 0) return refuse(name + " takes " + std::string(operands.text) + " only");
      const OptionSpec* user = find(request_.command->options, "--user");
      return refuse(name + " takes no operand" + (user != nullptr ? "; for one user: --user USER" : ""));
    }
    return std::move(request_);
  }

  const std::vector<std::string>& words_;
  const std::vector<Command>& commands_;
  std::size_t at_ = 0;
  bool only_operands_ = false;
  Request request_;
};

}  // namespace

std::string_view Arguments::value(std::string_view name, std::string_view otherwise) const {
  const auto found = options.find(name);
  return found == options.end() ? otherwise : std::string_view(found->second);
}

const std::vector<OptionSpec>& common_options() {
  static const std::vector<OptionSpec> options{
      {"", "FILE", "imapd.conf(5) to go by (default /etc/imapd.conf)", 'C'},
      {"help", "", "print help for this level and do nothing"},
      {"version", "", "print the version and do nothing"},
  };
  return options;
}

base::Result<Request> parse_command_line(const std::vector<std::string>& words, const std::vector<Command>& commands) {
  return Parser(words, commands).parse();
}

}  // namespace tools
