// pillarbox store create: the first step of a site that has no Cyrus.

#include "base/log.hpp"
#include "cyrus/mailbox_admin.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/patience.hpp"
#include "tools/pillarbox/site.hpp"

#include <sysexits.h>

namespace tools {
namespace {

base::Result<int> run_create(const Arguments& arguments, Console& console) {
  const auto conf = enter_site(arguments.conf_file);
  if (!conf) return tl::unexpected(conf.error());
  auto config = cyrus::store_config(*conf);
  if (!config) return tl::unexpected(with_status(EX_CONFIG, std::move(config.error())));
  const base::Log log([&](base::Severity severity, std::string_view line) {
    if (severity <= base::Severity::warning) console.note(line);
  });
  cyrus::MailboxAdmin admin(*std::move(config), log);
  const auto made = patiently(admin.config().lock_timeout, [&] { return admin.make_store(); });
  if (!made) return tl::unexpected(made.error());
  console.line("the store is there: " + admin.config().mailboxes_db.native());
  return kAllWell;
}

}  // namespace

std::vector<Command> store_commands() {
  return {
      {"store create",
       {},
       "make an empty store where there is none",
       "Makes the directories and an empty mailboxes.db, for a site that begins without Cyrus: then logins and "
       "deliveries can make the INBOXes of users (autocreate_quota, autocreate_post). Does nothing where there is a "
       "mailboxes.db, and refuses where there is mail without one.",
       {},
       {{"store create", "the first command on a new site"}},
       &run_create}};
}

}  // namespace tools
