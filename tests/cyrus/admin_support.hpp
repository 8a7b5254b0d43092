#pragma once

#include "base/file_io.hpp"
#include "cyrus/mailbox_admin.hpp"
#include "cyrus/twoskip_file.hpp"
#include "cyrus/twoskip_reader.hpp"
#include "support/temp_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cyrus {

/// A store without any mailbox, in a directory of its own, and what was logged.
class AdminTest : public ::testing::Test {
 protected:
  AdminTest() {
    config.config_directory = root / "conf";
    config.partitions["default"] = root / "spool";
    config.lock_path = root / "lock";
    config.proc_path = root / "proc";
    config.mailboxes_db = root / "conf" / "mailboxes.db";
    config.annotation_db = root / "conf" / "annotations.db";
    config.quota_db = root / "conf" / "quota";
    config.statuscache_db = root / "conf" / "statuscache.db";
    config.idle_socket = root / "conf" / "idle";
    config.server_name = "test.example";
    config.autocreate.quota_kib = 0;
  }

  MailboxAdmin admin() { return MailboxAdmin(config, log); }

  /// With a mailboxes.db.
  MailboxAdmin ready() {
    auto made = admin().make_store();
    EXPECT_TRUE(made) << made.error().text;
    return admin();
  }

  static MailboxName name(const std::string& intname) { return MailboxName::from_intname(intname).value(); }

  /// mailboxes.db as it is.
  std::map<std::string, std::string> database() const {
    std::map<std::string, std::string> content;
    const auto file = TwoskipFile::open(config.mailboxes_db, base::LockMode::shared);
    if (!file) return content;
    const auto reader = TwoskipReader::open(file->reader(), file->size(), "db");
    EXPECT_TRUE(reader && reader->clean());
    if (!reader) return content;
    EXPECT_TRUE(reader->walk([&](TwoskipItem&& item) {
      content[item.key] = item.value;
      return true;
    }));
    return content;
  }

  static std::string read(const std::filesystem::path& file) {
    const auto text = base::read_file(file, 1 << 20);
    return text ? *text : std::string();
  }

  support::TempDirectory directory;
  std::filesystem::path root = directory.path();
  StoreConfig config;
  std::vector<std::string> logged;
  base::Log log{[this](base::Severity, std::string_view line) { logged.emplace_back(line); }};
};

}  // namespace cyrus
