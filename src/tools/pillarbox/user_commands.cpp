// pillarbox user: who may log in. The passwords are those of sasldb; mailboxes are another matter.

#include "auth/sasldb.hpp"
#include "config/imapd_conf.hpp"
#include "tools/pillarbox/commands.hpp"
#include "tools/pillarbox/console.hpp"
#include "tools/pillarbox/exit_status.hpp"
#include "tools/pillarbox/password_prompt.hpp"
#include "tools/pillarbox/site.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sysexits.h>

namespace tools {
namespace {

using auth::Sasldb;
using auth::SasldbUser;
using base::Errc;

/// Users are made here, but is anybody looking here?
void warn_of_other_stores(const config::ImapdConf& conf, Console& console) {
  const std::string method(conf.text(config::Option::sasl_pwcheck_method).value_or(""));
  const std::string plugin(conf.find("sasl_auxprop_plugin").value_or(""));
  if (!method.empty() && method.find("auxprop") == std::string::npos) {
    console.note("warning: logins do not look into sasldb: sasl_pwcheck_method is " + method);
  } else if (!plugin.empty() && plugin.find("sasldb") == std::string::npos) {
    console.note("warning: logins do not look into sasldb: sasl_auxprop_plugin is " + plugin);
  }
}

/// The file takes names of any realm; logins do not.
void warn_of_realm(const std::string& typed, const std::string& login_name, const Sasldb& database, Console& console) {
  if (database.may_log_in(typed)) return;
  const std::string who =
      database.may_log_in(login_name) ? login_name + " can log in, " + typed + " cannot" : typed + " cannot log in";
  console.note("warning: " + who +
               ": the realm is not in loginrealms; under 'virtdomains: userid' without loginrealms all realms may");
}

/// As the user types it at a login.
std::string login_name(const SasldbUser& user, const Sasldb& database) {
  return user.realm == database.default_realm() ? user.name : user.name + '@' + user.realm;
}

/// Site, database and the user of the first operand, handed to `work`.
template <class Work>
base::Result<int> with_user(const Arguments& arguments, Console& console, const Work& work) {
  const auto conf = enter_site(arguments.conf_file, config::Partitions::optional);
  if (!conf) return tl::unexpected(conf.error());
  const auto database = Sasldb::create(*conf);
  if (!database) return tl::unexpected(with_status(EX_OSERR, database.error()));
  const auto user = (*database)->user_of(arguments.operands.front());
  if (!user) return tl::unexpected(with_status(EX_DATAERR, user.error()));
  warn_of_other_stores(*conf, console);
  return work(**database, *user);
}

/// Before anybody types a password for nothing.
base::Result<bool> exists(const Sasldb& database, const SasldbUser& user) {
  const auto known = database.list();
  if (!known) return tl::unexpected(known.error());
  return std::ranges::binary_search(*known, user);
}

base::Result<int> run_add(const Arguments& arguments, Console& console) {
  return with_user(arguments, console, [&](Sasldb& database, const SasldbUser& user) -> base::Result<int> {
    const std::string name = login_name(user, database);
    const auto known = exists(database, user);
    if (!known) return tl::unexpected(known.error());
    if (*known) {
      return fail_with(EX_CANTCREAT, "user " + name + ": is in " + database.file().native() +
                                         " already; 'pillarbox user passwd' changes the password");
    }
    warn_of_realm(arguments.operands.front(), name, database, console);
    const auto password = ask_new_password(name);
    if (!password) return tl::unexpected(password.error());
    if (const auto added = database.add(user, *password); !added) return tl::unexpected(added.error());
    console.line("user " + name + " added");
    return kAllWell;
  });
}

base::Result<int> run_passwd(const Arguments& arguments, Console& console) {
  return with_user(arguments, console, [&](Sasldb& database, const SasldbUser& user) -> base::Result<int> {
    const std::string name = login_name(user, database);
    const auto known = exists(database, user);
    if (!known) return tl::unexpected(known.error());
    if (!*known) return base::fail(Errc::not_found, "user " + name + ": not in " + database.file().native());
    const auto password = ask_new_password(name);
    if (!password) return tl::unexpected(password.error());
    if (const auto changed = database.change(user, *password); !changed) return tl::unexpected(changed.error());
    console.line("user " + name + ": password changed");
    return kAllWell;
  });
}

base::Result<int> run_delete(const Arguments& arguments, Console& console) {
  return with_user(arguments, console, [&](Sasldb& database, const SasldbUser& user) -> base::Result<int> {
    if (const auto removed = database.remove(user); !removed) return tl::unexpected(removed.error());
    console.line("user " + login_name(user, database) + " deleted; mailboxes and mail are as they were");
    return kAllWell;
  });
}

base::Result<int> run_list(const Arguments& arguments, Console& console) {
  const auto conf = enter_site(arguments.conf_file, config::Partitions::optional);
  if (!conf) return tl::unexpected(conf.error());
  const auto database = Sasldb::create(*conf);
  if (!database) return tl::unexpected(with_status(EX_OSERR, database.error()));
  const auto users = (*database)->list();
  if (!users) return tl::unexpected(users.error());
  if (!arguments.has("json")) {
    for (const SasldbUser& user : *users) console.line(login_name(user, **database));
    return kAllWell;
  }
  auto list = nlohmann::json::array();
  for (const SasldbUser& user : *users) {
    list.push_back({{"user", login_name(user, **database)}, {"name", user.name}, {"realm", user.realm}});
  }
  console.json({{"file", (*database)->file().native()}, {"users", std::move(list)}});
  return kAllWell;
}

constexpr OperandSpec kName{"NAME", 1, 1};

}  // namespace

std::vector<Command> user_commands() {
  return {
      {"user add",
       kName,
       "add a user and set the password",
       "Adds a user to sasldb, the password file that imapd.conf names (sasl_sasldb_path). The password is asked for "
       "twice on a terminal; else it is one line of standard input. A NAME without '@' belongs to the realm "
       "servername, "
       "as at a login; with one it can log in only under virtdomains or by loginrealms. Makes no mailbox: see 'mailbox "
       "create'.",
       {},
       {{"user add alice", "asks for a password and adds alice"},
        {"user add bob < password.txt", "takes it from the first line of a file"}},
       &run_add},
      {"user passwd",
       kName,
       "change the password of a user",
       "Changes a password in sasldb. It is asked for as by 'user add'. Sessions that are open go on.",
       {},
       {{"user passwd alice", "asks for the new password"}},
       &run_passwd},
      {"user list",
       {},
       "list the users",
       "Lists everybody who has a password in sasldb, by the names that they log in with.",
       {{"json", "", "print one JSON document: file, users (user, name, realm)"}},
       {{"user list", "one name a line"}},
       &run_list},
      {"user delete",
       kName,
       "delete a user, not the mail",
       "Takes a user out of sasldb: no login from now on. Nothing happens to mailboxes and mail, which still take "
       "deliveries; 'mailbox delete' removes those.",
       {},
       {{"user delete alice", "alice's mail stays"}},
       &run_delete},
  };
}

}  // namespace tools
