// Delivers messages as it is told on standard input: the hand of system tests that let Cyrus at the same mailboxes.
//
// usage: deliver_tool IMAPD.CONF
// One command a line, arguments separated by TAB: deliver USER FILE [FOLDER [SENDER]], and once at the start, if at
// all, trace TEXT with "\r\n" for line ends. Answers each deliver with a line: UID, `duplicate`, or the error.

#include "base/file_io.hpp"
#include "config/imapd_conf.hpp"
#include "cyrus/delivery.hpp"
#include "cyrus/message_intake.hpp"
#include "cyrus/store_config.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t tab = line.find('\t', begin);
    words.push_back(line.substr(begin, tab - begin));
    if (tab == std::string::npos) return words;
    begin = tab + 1;
  }
}

std::string with_line_ends(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("\\r\\n")) {
      out += "\r\n";
      at += 4;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string deliver(const cyrus::StoreConfig& config, const cyrus::Delivery& delivery, const std::string& trace,
                    const std::vector<std::string>& words) {
  constexpr std::size_t kMaxMessage = std::size_t{256} * 1024 * 1024;
  const auto text = base::read_file(words[2], kMaxMessage);
  if (!text) return text.error().text;
  cyrus::DeliveryRequest request;
  request.user = words[1];
  if (words.size() > 3) request.folder = words[3];
  if (words.size() > 4) request.sender = words[4];
  request.session_id = "deliver_tool";
  cyrus::IntakeOptions options;
  options.trace_headers = trace;
  auto intake = cyrus::MessageIntake::begin(config, options);
  if (!intake) return intake.error().text;
  if (const auto written = intake->write(*text); !written) return written.error().text;
  const auto message = intake->finish();
  if (!message) return message.error().text;
  for (int attempt = 0;; ++attempt) {
    const auto delivered = delivery.deliver(*message, request);
    if (delivered) return delivered->duplicate ? "duplicate" : std::to_string(delivered->uid);
    if (delivered.error().code != base::Errc::busy || attempt == 5000) return delivered.error().text;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: deliver_tool IMAPD.CONF\n";
    return 64;
  }
  const auto conf = config::ImapdConf::load(argv[1], "lmtp");
  const auto config = conf ? cyrus::store_config(*conf) : tl::unexpected(conf.error());
  if (!config) {
    std::cerr << config.error().text << '\n';
    return 78;
  }
  const base::Log log([](base::Severity, std::string_view line) { std::cerr << line << '\n'; });
  const cyrus::Delivery delivery(*config, log);
  std::string trace;
  for (std::string line; std::getline(std::cin, line);) {
    const auto words = split(line);
    if (words[0] == "trace" && words.size() == 2) {
      trace = with_line_ends(words[1]);
    } else if (words[0] == "deliver" && words.size() >= 3) {
      std::cout << deliver(*config, delivery, trace, words) << std::endl;
    } else {
      std::cerr << "not a command: " << line << '\n';
      return 64;
    }
  }
  return 0;
}
