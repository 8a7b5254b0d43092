#include "pop3/transact.hpp"

#include "pop3/listing.hpp"

#include <string>

namespace pop3 {
namespace {

using maildrop::Maildrop;

Reply no_such_message() { return err("No such message"); }

Reply listing_of_one(void (*append_row)(const Maildrop&, MessageNumber, std::string&), const Maildrop& drop,
                     MessageNumber number) {
  if (!drop.exists(number)) return no_such_message();
  Line line{"+OK "};
  append_row(drop, number, line.text);
  return line;
}

/// RFC 1939 s5, s7. One overload per command.
struct Transaction {
  Maildrop& drop;
  Deletion deletion;

  Reply operator()(const Stat&) const {
    return ok(std::to_string(drop.remaining()) + ' ' + std::to_string(value(drop.remaining_octets())));
  }

  Reply operator()(const List& list) const {
    if (!list.number) return Listing{Listing::Kind::scan};
    return listing_of_one(append_scan_listing, drop, *list.number);
  }

  Reply operator()(const Uidl& uidl) const {
    if (!uidl.number) return Listing{Listing::Kind::unique_id};
    return listing_of_one(append_unique_id_listing, drop, *uidl.number);
  }

  Reply operator()(const Retr& retr) const {
    if (!drop.exists(retr.number)) return no_such_message();
    return Body{retr.number, std::nullopt};
  }

  Reply operator()(const Dele& dele) const {
    if (deletion == Deletion::denied) return err("[SYS/PERM] Permission denied");
    if (deletion == Deletion::read_only) {
      return err("[SYS/PERM] This connection is configured for read-only access");
    }
    if (!drop.exists(dele.number)) return no_such_message();
    drop.mark_deleted(dele.number);
    return ok("message deleted");
  }

  Reply operator()(const Noop&) const { return ok(); }

  Reply operator()(const Rset&) const {
    drop.reset();
    return ok();
  }

  Reply operator()(const Top& top) const {
    if (!drop.exists(top.number)) return no_such_message();
    return Body{top.number, top.lines};
  }

  template <class C>
  Reply operator()(const C&) const {
    return err(kUnrecognized);
  }
};

}  // namespace

Reply transact(const Command& command, Maildrop& drop, Deletion deletion) {
  return std::visit(Transaction{drop, deletion}, command);
}

}  // namespace pop3
