#include "maildrop/maildrop.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <utility>

namespace maildrop {

Maildrop::Maildrop(std::unique_ptr<Mailbox> mailbox, std::vector<Entry> entries)
    : mailbox_(std::move(mailbox)), entries_(std::move(entries)) {
  reset();
}

const Entry& Maildrop::entry(MessageNumber number) const {
  CHECK(value(number) >= 1 && value(number) <= entries_.size());
  return entries_[value(number) - 1];
}

Entry& Maildrop::entry(MessageNumber number) { return const_cast<Entry&>(std::as_const(*this).entry(number)); }

bool Maildrop::exists(MessageNumber number) const {
  return value(number) >= 1 && value(number) <= entries_.size() && entry(number).deleted == 0;
}

Octets Maildrop::octets(MessageNumber number) const { return Octets{entry(number).octets}; }

Uid Maildrop::uid(MessageNumber number) const { return entry(number).uid; }

Octets Maildrop::octets(Uid uid) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), uid,
                                      [](const Entry& message, Uid wanted) { return message.uid < wanted; });
  return Octets{found != entries_.end() && found->uid == uid ? found->octets : 0};
}

void Maildrop::append_unique_id(MessageNumber number, std::string& to) const {
  mailbox_->append_unique_id(entry(number).uid, to);
}

void Maildrop::mark_deleted(MessageNumber number) {
  Entry& message = entry(number);
  CHECK(message.deleted == 0);
  message.deleted = 1;
  remaining_ -= 1;
  remaining_octets_ -= message.octets;
}

void Maildrop::mark_retrieved(MessageNumber number) { entry(number).retrieved = 1; }

void Maildrop::reset() {
  remaining_ = count();
  remaining_octets_ = 0;
  for (Entry& message : entries_) {
    message.deleted = 0;
    message.retrieved = 0;
    remaining_octets_ += message.octets;
  }
}

base::Result<std::unique_ptr<Message>> Maildrop::open(MessageNumber number, Access access) {
  const Entry& message = entry(number);
  return mailbox_->open(message.uid, message.octets, access);
}

base::Result<UpdateReport> Maildrop::update(std::string session_id) {
  Update changes;
  changes.session_id = std::move(session_id);
  for (const Entry& message : entries_) {
    if (message.deleted != 0) {
      changes.deleted.push_back(message.uid);
      changes.deleted_octets.push_back(message.octets);
    } else if (message.retrieved != 0) {
      changes.retrieved.push_back(message.uid);
    }
  }
  return mailbox_->update(changes);
}

}  // namespace maildrop
