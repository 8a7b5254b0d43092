#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace support {

/// What a POP3 session must answer, written down a second time, in another way than the server: an oracle for lines
/// that nobody has thought of. Knows one user's maildrop, and the password `right`, which opens it for any name.
///
/// Replies are those of pop3/conversation.hpp: "<quit>", "<capa>", "<mechanisms>", "<sasl>" stand for what the session
/// would do.
class SessionModel {
 public:
  struct Message {
    std::string text;
    std::string unique_id;
    bool deleted = false;
    bool retrieved = false;
  };

  explicit SessionModel(std::vector<Message> messages) : messages_(std::move(messages)) {}

  /// The whole reply to a line, which is without its line end.
  std::string reply(std::string_view line) {
    if (line.size() > 8191) return "-ERR Line too long\r\n";
    if (line.find('\0') != std::string_view::npos) return "-ERR Syntax error\r\n";
    const auto space = line.find_first_of(kSpace);
    keyword_ = upper(line.substr(0, space));
    argument_.reset();
    if (space != std::string_view::npos) {
      std::string_view rest = line.substr(space + 1);
      const auto first = rest.find_first_not_of(kSpace);
      if (keyword_ != "PASS") rest = first == std::string_view::npos ? std::string_view() : rest.substr(first);
      if (rest.empty() && keyword_ != "AUTH") return "-ERR Syntax error\r\n";
      if (!rest.empty()) argument_ = rest;
    }
    if (keyword_ == "QUIT") return argument_ ? kExtra : "<quit>";
    if (keyword_ == "CAPA") return argument_ ? kExtra : "<capa>";
    return logged_in_ ? transaction() : authorization();
  }

  bool is_logged_in() const { return logged_in_; }
  const std::vector<Message>& messages() const { return messages_; }

 private:
  static constexpr std::string_view kSpace = " \t\n\v\f\r";
  static constexpr const char* kExtra = "-ERR Unexpected extra argument\r\n";
  static constexpr const char* kUnknown = "-ERR Unrecognized command\r\n";
  static constexpr const char* kMissing = "-ERR Missing argument\r\n";

  static std::string upper(std::string_view word) {
    std::string out(word);
    for (char& c : out) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    }
    return out;
  }

  std::string authorization() {
    if (keyword_ == "USER") {
      if (!argument_) return kMissing;
      if (waiting_) return "-ERR [AUTH] Must give PASS command\r\n";
      std::string name(*argument_);
      while (name.ends_with(' ')) name.pop_back();
      bool good = !name.empty() && name.size() <= 80;
      for (const char c : name) good = good && c >= ' ' && c <= '~' && std::string_view("%&*/:?").find(c) == npos;
      if (!good) return "-ERR [AUTH] Invalid user\r\n";
      waiting_ = true;
      return "+OK Name is a valid mailbox\r\n";
    }
    if (keyword_ == "PASS") {
      if (!argument_) return kMissing;
      if (!waiting_) return "-ERR [AUTH] Must give USER command\r\n";
      waiting_ = false;
      logged_in_ = *argument_ == "right";
      return logged_in_ ? "+OK Mailbox locked and ready\r\n" : "-ERR [AUTH] Invalid login\r\n";
    }
    if (keyword_ == "AUTH") return argument_ ? "<sasl>" : "<mechanisms>";
    if (keyword_ == "STLS" && argument_) return kExtra;
    return kUnknown;
  }

  std::string transaction() {
    for (const char* alone : {"STAT", "NOOP", "RSET"}) {
      if (keyword_ == alone && argument_) return kExtra;
    }
    if (keyword_ == "NOOP") return "+OK\r\n";
    if (keyword_ == "RSET") {
      for (Message& message : messages_) message.deleted = message.retrieved = false;
      return "+OK\r\n";
    }
    if (keyword_ == "STAT") {
      std::size_t count = 0;
      std::size_t octets = 0;
      for (const Message& message : messages_) {
        if (message.deleted) continue;
        ++count;
        octets += message.text.size();
      }
      return "+OK " + std::to_string(count) + " " + std::to_string(octets) + "\r\n";
    }
    if (keyword_ == "TOP") return top();
    const bool lists = keyword_ == "LIST" || keyword_ == "UIDL";
    if (!lists && keyword_ != "RETR" && keyword_ != "DELE") return kUnknown;
    if (!argument_) return lists ? listing() : kMissing;
    std::string_view rest = *argument_;
    const auto number = take(rest);
    if (!number) return "-ERR Not a number\r\n";
    if (!rest.empty()) return kExtra;
    Message* const message = find(*number);
    if (message == nullptr) return "-ERR No such message\r\n";
    if (lists) return "+OK " + row(*number, *message);
    if (keyword_ == "DELE") {
      message->deleted = true;
      return "+OK message deleted\r\n";
    }
    message->retrieved = true;
    return body(message->text, std::nullopt);
  }

  std::string top() {
    std::string_view rest = argument_ ? *argument_ : std::string_view();
    const auto number = take(rest);
    if (!number || rest.empty()) return kMissing;
    const auto digits = rest.find_first_not_of(kSpace);
    rest = digits == std::string_view::npos ? std::string_view() : rest.substr(digits);
    const auto lines = take(rest);
    if (!lines) return "-ERR Invalid number of lines\r\n";
    if (!rest.empty()) return kExtra;
    const Message* const message = find(*number);
    return message == nullptr ? "-ERR No such message\r\n" : body(message->text, *lines);
  }

  std::string listing() const {
    std::string out = keyword_ == "LIST" ? "+OK scan listing follows\r\n" : "+OK unique-id listing follows\r\n";
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      if (!messages_[i].deleted) out += row(i + 1, messages_[i]);
    }
    return out + ".\r\n";
  }

  std::string row(std::uint64_t number, const Message& message) const {
    return std::to_string(number) + " " +
           (keyword_ == "LIST" ? std::to_string(message.text.size()) : message.unique_id) + "\r\n";
  }

  /// Of a message whose lines all end in CRLF.
  static std::string body(std::string_view text, std::optional<std::uint64_t> lines) {
    std::string out = "+OK Message follows\r\n";
    bool in_body = false;
    while (!text.empty() && !(in_body && lines && *lines == 0)) {
      const std::string_view line = text.substr(0, text.find("\r\n") + 2);
      text.remove_prefix(line.size());
      if (line.front() == '.') out += '.';
      out += line;
      if (in_body && lines) --*lines;
      if (line == "\r\n") in_body = true;
    }
    return out + ".\r\n";
  }

  /// Decimal digits of at most 32 bits.
  static std::optional<std::uint64_t> take(std::string_view& text) {
    std::uint64_t number = 0;
    std::size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      number = number * 10 + static_cast<std::uint64_t>(text[digits] - '0');
      if (number > 0xffffffff) return std::nullopt;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    return number;
  }

  Message* find(std::uint64_t number) {
    if (number < 1 || number > messages_.size() || messages_[number - 1].deleted) return nullptr;
    return &messages_[number - 1];
  }

  static constexpr auto npos = std::string_view::npos;

  std::vector<Message> messages_;
  std::string keyword_;
  std::optional<std::string_view> argument_;
  bool waiting_ = false;
  bool logged_in_ = false;
};

}  // namespace support
