#include "faults/fault_site.hpp"

#include "config/imapd_conf.hpp"
#include "support/store_checker.hpp"
#include "support/store_maker.hpp"
#include "support/tree_contents.hpp"
#include "support/twoskip_writer.hpp"

#include <fstream>
#include <stdexcept>

namespace faults {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargeMessages = 620;  // of 112 bytes each in the index: above 64 KiB

void write_file(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  if (!(std::ofstream(file, std::ios::binary) << bytes)) throw std::runtime_error("cannot write " + file.string());
}

cyrus::StoreConfig config_of(const fs::path& imapd_conf) {
  const auto conf = config::ImapdConf::load(imapd_conf, "pop3");
  if (!conf) throw std::runtime_error(conf.error().text);
  auto config = cyrus::store_config(*conf);
  if (!config) throw std::runtime_error(config.error().text);
  return std::move(*config);
}

void no_change(const fs::path&, cyrus::StoreConfig&) {}

/// Everything that UPDATE writes beside the index.
void all_logs_and_caches(const fs::path& root, cyrus::StoreConfig& config) {
  config.sync_log = true;
  config.sync_log_channels = "\"\" second";
  config.audit_log = true;
  config.statuscache = true;
  // An entry for each user of the samples, older than what will be true: UPDATE has to forget it.
  std::map<std::string, std::string> entries;
  for (const std::string user : {"alice", "bob", "eve", "ann"}) {
    entries["user." + user + "%"] = "I 8 (2 3 1795382168 1 926 1 4)";
    entries["user." + user + "%%" + user] = "S 8 (0 2 4)";
  }
  support::Random random(7);
  config.statuscache_db = root / "conf" / "statuscache.db";
  write_file(config.statuscache_db, support::twoskip_bytes(entries, random));
  write_file(root / "conf" / "sync" / "log", "");
}

}  // namespace

std::map<std::string, std::string> contents(const fs::path& root) {
  auto all = support::tree_contents(root);
  // Taking locks makes the directories above them, too. conf/pillarbox is our own memory, and no part of the store.
  const std::string ours = (root / "conf" / "pillarbox").native() + '/';
  std::erase_if(all, [&](const auto& entry) { return entry.second == "directory" || entry.first.starts_with(ours); });
  return all;
}

void Site::keep(const std::string& name, const std::string& options, const Adjust& adjust) {
  name_ = name + (options.empty() ? "" : ": " + options);
  adjust(root_, config_);
  pristine_ = contents(root_);
  copy_ = std::make_unique<support::TempDirectory>();
  fs::copy(root_, copy_->path(), fs::copy_options::recursive);
}

Site Site::sample(const std::string& sample, const std::string& user, const std::string& options,
                  const Adjust& adjust) {
  Site site;
  site.sample_ = std::make_unique<support::SampleStore>(sample);
  site.root_ = site.sample_->root();
  site.config_ = config_of(site.sample_->imapd_conf());
  site.maildrop_.user = user;
  site.keep(sample + " " + user, options, adjust);
  return site;
}

Site Site::made(std::uint64_t seed, const std::string& options, const Adjust& adjust) {
  Site site;
  site.made_ = std::make_unique<support::TempDirectory>();
  site.root_ = site.made_->path() / "store";
  support::Random random(seed);
  support::StoreMaker maker(site.root_, support::random_shape(random), seed);
  maker.add("ann", "", 6);
  maker.add("bob", "", 2);
  maker.finish();
  site.config_ = config_of(site.root_ / "imapd.conf");
  for (const auto& mailbox : maker.mailboxes()) {
    support::make_consistent(support::mailbox_files(site.config_, mailbox.intname));
  }
  support::write_quota_files(site.config_);
  site.maildrop_.user = "ann";
  site.keep("made " + std::to_string(seed), options, adjust);
  return site;
}

Site Site::large(const std::string& options, const Adjust& adjust) {
  Site site;
  site.made_ = std::make_unique<support::TempDirectory>();
  site.root_ = site.made_->path() / "store";
  support::StoreMaker maker(site.root_, support::StoreShape{}, 1);
  maker.add_plain("ann", kLargeMessages);
  maker.finish();
  site.config_ = config_of(site.root_ / "imapd.conf");
  for (const auto& mailbox : maker.mailboxes()) {
    support::make_consistent(support::mailbox_files(site.config_, mailbox.intname));
  }
  site.is_large_ = true;
  site.maildrop_.user = "ann";
  site.keep("large", options, adjust);
  return site;
}

void Site::restore() const {
  fs::remove_all(root_);
  fs::copy(copy_->path(), root_, fs::copy_options::recursive);
}

std::vector<Site> all_sites(bool full) {
  using cyrus::ExpungeMode;
  std::vector<Site> sites;
  sites.push_back(Site::sample("cyrus361-uuid", "bob", "immediate, popuseimapflags, quota, all logs and caches",
                               [](const fs::path& root, cyrus::StoreConfig& config) {
                                 all_logs_and_caches(root, config);
                                 config.expunge_mode = ExpungeMode::immediate;
                                 config.pop_use_imap_flags = true;
                               }));
  sites.push_back(Site::sample("cyrus-v20-uuid", "alice", "delayed", no_change));
  if (!full) return sites;
  sites.push_back(Site::sample("cyrus361-one", "eve", "delayed", no_change));
  sites.push_back(Site::sample("cyrus361-uuid", "alice", "semidelayed, popuseimapflags",
                               [](const fs::path&, cyrus::StoreConfig& config) {
                                 config.expunge_mode = ExpungeMode::semidelayed;
                                 config.pop_use_imap_flags = true;
                               }));
  sites.push_back(Site::sample("cyrus3121-uuid", "bob", "delayed, quota, all logs and caches", all_logs_and_caches));
  sites.push_back(Site::sample("cyrus361-legacy-conv", "ann.lee", "conversations", no_change));
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    sites.push_back(Site::made(seed, seed % 2 == 0 ? "immediate" : "delayed, all logs and caches",
                               [seed](const fs::path& root, cyrus::StoreConfig& config) {
                                 if (seed % 2 == 0) {
                                   config.expunge_mode = ExpungeMode::immediate;
                                 } else {
                                   all_logs_and_caches(root, config);
                                 }
                               }));
  }
  sites.push_back(Site::large("delayed", no_change));
  return sites;
}

}  // namespace faults
