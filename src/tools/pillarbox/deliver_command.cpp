// pillarbox deliver: hands a message to a mailbox without LMTP, by the same code.

#include "base/file_io.hpp"
#include "base/log.hpp"
#include "cyrus/delivery.hpp"
#include "cyrus/message_intake.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/mailbox_argument.hpp"
#include "tools/pillarbox/patience.hpp"
#include "tools/pillarbox/site.hpp"

#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

namespace tools {
namespace {

using base::Errc;
using config::Option;

constexpr std::size_t kChunk = std::size_t{64} << 10;

std::string date_text(std::time_t now) {
  struct tm parts = {};
  std::array<char, 64> text{};
  ::gmtime_r(&now, &parts);
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S +0000", &parts);
  return {text.data(), size};
}

/// An address that may stand in a Return-Path as it is.
bool is_address(std::string_view text) {
  if (text.size() > 500) return false;
  for (const char c : text) {
    if (c <= ' ' || c > '~' || c == '<' || c == '>') return false;
  }
  return true;
}

cyrus::IntakeOptions intake_options(const config::ImapdConf& conf, const cyrus::StoreConfig& store,
                                    std::string_view sender, bool has_sender, std::string partition,
                                    std::size_t number) {
  cyrus::IntakeOptions options;
  const std::time_t now = std::time(nullptr);
  if (has_sender) options.trace_headers = "Return-Path: <" + std::string(sender) + ">\r\n";
  options.date = date_text(now);
  options.message_id = "<pillarbox-" + std::to_string(now) + '-' + std::to_string(::getpid()) + '-' +
                       std::to_string(number) + '@' + store.server_name + '>';
  options.reject_8bit = conf.is_on(Option::reject8bit);
  options.munge_8bit = conf.is_on(Option::munge8bit);
  options.max_octets = static_cast<std::uint64_t>(std::max<std::int64_t>(conf.byte_size(Option::maxmessagesize), 0));
  options.partition = std::move(partition);
  return options;
}

/// Reads a descriptor to its end into `intake`. A line "From " on top, as mbox and old delivery programs have it, is
/// left out.
base::Result<cyrus::StagedMessage> take_in(int fd, const std::string& what, cyrus::MessageIntake intake) {
  std::array<char, kChunk> chunk{};
  std::string top;  // until it is known whether the first line is one to leave out
  bool at_top = true;
  bool is_empty = true;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(with_status(EX_NOINPUT, base::system_error(what, errno)));
    std::string_view octets(chunk.data(), static_cast<std::size_t>(got));
    if (at_top) {
      top += octets;
      const auto line_end = top.find('\n');
      if (got > 0 && line_end == std::string::npos && top.size() < kChunk) continue;
      octets = top;
      if (octets.starts_with("From ") && line_end != std::string::npos) octets.remove_prefix(line_end + 1);
      at_top = false;
    }
    if (octets.empty() && got == 0) break;
    is_empty = is_empty && octets.empty();
    if (const auto written = intake.write(octets); !written) {
      return tl::unexpected(base::Error{written.error().code, what + ": " + written.error().text});
    }
    top.clear();
    if (got == 0) break;
  }
  if (is_empty) return fail_with(EX_DATAERR, what + ": is empty");
  auto staged = intake.finish();
  if (!staged) return tl::unexpected(base::Error{staged.error().code, what + ": " + staged.error().text});
  return staged;
}

class Deliver {
 public:
  Deliver(const config::ImapdConf& conf, cyrus::StoreConfig store, const Arguments& arguments, Console& console)
      : conf_(conf),
        store_(std::move(store)),
        arguments_(arguments),
        console_(console),
        log_([this](base::Severity severity, std::string_view line) {
          if (severity <= base::Severity::warning) console_.note(line);
        }),
        delivery_(store_, log_) {}

  base::Result<int> run() {
    const auto to = parse_user_folder(arguments_.operands.front());
    if (!to) return tl::unexpected(to.error());
    request_.user = to->user;
    request_.folder = to->folder;
    // The administrator posts where the owner could.
    request_.sender = to->user;
    request_.ignore_quota = arguments_.has("ignore-quota");
    // A typing error must not make a mailbox where the mail is never seen.
    request_.may_create = arguments_.has("create");
    if (!is_address(arguments_.value("from"))) return fail_with(EX_USAGE, "--from: not an address");
    cyrus::remove_stale_stage_files(store_);

    if (arguments_.operands.size() == 1) return deliver(STDIN_FILENO, "standard input");
    for (std::size_t i = 1; i < arguments_.operands.size(); ++i) {
      const std::string& name = arguments_.operands[i];
      base::UniqueFd file;
      if (name != "-") {
        auto opened = base::open_file(name, O_RDONLY | O_NOCTTY);
        if (!opened) return tl::unexpected(with_status(EX_NOINPUT, std::move(opened.error())));
        file = std::move(*opened);
      }
      auto done = deliver(name == "-" ? STDIN_FILENO : file.value(), name == "-" ? "standard input" : name);
      if (!done) return done;
    }
    return kAllWell;
  }

 private:
  base::Result<int> deliver(int fd, const std::string& what) {
    const auto recipient = patiently(store_.lock_timeout, [&] { return delivery_.check_recipient(request_, 0); });
    if (!recipient) return tl::unexpected(recipient.error());
    auto intake =
        cyrus::MessageIntake::begin(store_, intake_options(conf_, store_, arguments_.value("from"),
                                                           arguments_.has("from"), recipient->partition, ++number_));
    if (!intake) return tl::unexpected(intake.error());
    const auto message = take_in(fd, what, std::move(*intake));
    if (!message) return tl::unexpected(message.error());
    const auto delivered = patiently(store_.lock_timeout, [&] { return delivery_.deliver(*message, request_); });
    if (!delivered) return tl::unexpected(delivered.error());
    std::string line = "mailbox " + delivered->name.intname();
    if (delivered->duplicate) {
      line += ": had this message already";
    } else {
      line += ": UID " + std::to_string(delivered->uid) + ", " + std::to_string(message->size()) + " octets";
    }
    if (delivered->into_inbox) line += " (instead of the folder)";
    console_.line(line);
    return kAllWell;
  }

  const config::ImapdConf& conf_;
  const cyrus::StoreConfig store_;
  const Arguments& arguments_;
  Console& console_;
  const base::Log log_;
  const cyrus::Delivery delivery_;
  cyrus::DeliveryRequest request_;
  std::size_t number_ = 0;
};

base::Result<int> run_deliver(const Arguments& arguments, Console& console) {
  const auto conf = enter_site(arguments.conf_file);
  if (!conf) return tl::unexpected(conf.error());
  auto store = cyrus::store_config(*conf);
  if (!store) return tl::unexpected(with_status(EX_CONFIG, std::move(store.error())));
  return Deliver(*conf, *std::move(store), arguments, console).run();
}

}  // namespace

std::vector<Command> deliver_commands() {
  return {
      {"deliver",
       {"USER[+FOLDER] [FILE...]", 1, 100'000},
       "deliver a message from a file or standard input",
       "Delivers messages as lmtpd does: with CRLF line ends, duplicate suppression and quota, durable before it says "
       "so. Without FILE, or with '-', the message comes from standard input. A missing Message-ID and Date are added, "
       "a line 'From ' on top is left out. If there is no such folder the message goes to INBOX; a user without an "
       "INBOX "
       "is refused (exit status 67).",
       {{"from", "ADDRESS", "who sent it: becomes the Return-Path"},
        {"create", "", "make the user's INBOX when it is missing, where the autocreate options would at a delivery"},
        {"ignore-quota", "", "deliver into a mailbox that is over its quota too"}},
       {{"deliver alice < message.eml", "into alice's INBOX"},
        {"deliver --from bob@example.com alice+Work a.eml b.eml", "two messages into a folder"}},
       &run_deliver}};
}

}  // namespace tools
