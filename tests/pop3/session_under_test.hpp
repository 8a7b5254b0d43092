#pragma once

#include "pop3/conversation.hpp"
#include "support/memory_mailbox.hpp"
#include "support/session_model.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pop3 {

/// A session without a socket beside support::SessionModel: the same few lines that pop3d/session.cpp and login.cpp
/// are, over the same maildrop.
class SessionUnderTest {
 public:
  SessionUnderTest() {
    rules_.allow_plaintext = true;
    const support::SessionModel same = model();  // named: the loop would outlive a temporary
    for (const auto& message : same.messages()) {
      store_.messages.emplace(maildrop::Uid{static_cast<std::uint32_t>(11 + store_.messages.size())}, message.text);
    }
    drop_ = std::make_unique<maildrop::Maildrop>(support::open_maildrop(store_));
  }

  /// A model of the same maildrop.
  static support::SessionModel model() {
    std::vector<support::SessionModel::Message> messages;
    for (const std::string_view text : {"Subject: one\r\n\r\n.dot\r\ntwo\r\n", "Subject: two\r\n\r\n", "no header\r\n",
                                        "A: 1\r\nB: 2\r\n\r\n\r\n..\r\nlast\r\n"}) {
      messages.push_back({std::string(text), "1795381165." + std::to_string(11 + messages.size()), false, false});
    }
    return support::SessionModel(std::move(messages));
  }

  std::string reply(std::string_view line) {
    if (logged_in_) return say(line, *drop_);
    const std::string said = say(line, authorization_, rules_);
    if (said.starts_with("<check ")) {
      logged_in_ = said.ends_with(":right>");
      return logged_in_ ? ok("Mailbox locked and ready").text : login_failed().text;
    }
    return said.starts_with("<sasl ") ? "<sasl>" : said;
  }

  /// Empty when the marks are those of the model; else which one is not. Carries them out.
  std::string differences(const support::SessionModel& model) {
    if (!drop_->update()) return "update failed";
    const maildrop::Update& done = store_.updates.back();
    std::string out;
    for (std::size_t i = 0; i < model.messages().size(); ++i) {
      const auto uid = maildrop::Uid{static_cast<std::uint32_t>(11 + i)};
      const auto& message = model.messages()[i];
      const auto has = [uid](const std::vector<maildrop::Uid>& list) {
        return std::find(list.begin(), list.end(), uid) != list.end();
      };
      if (has(done.deleted) != message.deleted) out += "deleted " + std::to_string(i + 1) + "; ";
      if (has(done.retrieved) != (message.retrieved && !message.deleted)) out += "seen " + std::to_string(i + 1) + "; ";
    }
    return out;
  }

 private:
  LoginRules rules_;
  Authorization authorization_;
  support::MemoryStore store_;
  std::unique_ptr<maildrop::Maildrop> drop_;
  bool logged_in_ = false;
};

}  // namespace pop3
