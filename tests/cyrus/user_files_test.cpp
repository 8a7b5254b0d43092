#include "cyrus/user_files.hpp"

#include "cyrus/admin_support.hpp"

#include <fstream>

namespace cyrus {
namespace {

using base::Errc;

class UserFilesTest : public AdminTest {
 protected:
  MailboxRecord inbox(const std::string& intname, bool legacy) {
    MailboxRecord record(name(intname));
    record.uniqueid = "8qvjtw4rq07udq6pxbvydo85";
    record.legacy_layout = legacy;
    return record;
  }
};

TEST_F(UserFilesTest, AreFoundByIdOrByName) {
  const auto path = [&](const std::string& intname, bool legacy) {
    return user_file_path(inbox(intname, legacy), "sub", config).lexically_relative(config.config_directory);
  };
  EXPECT_EQ(path("user.carl", false), "user/uuid/8/q/8qvjtw4rq07udq6pxbvydo85/sub.db");
  EXPECT_EQ(path("user.al^dot", true), "user/a/al.dot.sub");
  EXPECT_EQ(path("example.com!user.dom", true), "domain/e/example.com/user/d/dom.sub");
}

TEST_F(UserFilesTest, SubscriptionsAreThoseOfCyrus) {
  const auto added = [&](std::string_view text, const std::vector<MailboxName>& names) {
    const auto after = add_subscriptions(text, name("user.carl"), names, "sub");
    return after ? *after : after.error().text;
  };
  const std::string one = "\x1fVER\x1f\t2\nNINBOX\t\n";
  EXPECT_EQ(added("", {name("user.carl")}), one);
  EXPECT_EQ(added(one, {name("user.carl")}), one);
  EXPECT_EQ(added(one, {name("user.carl.Spam"), name("user.carla")}),
            "\x1fVER\x1f\t2\nNINBOX\t\nNINBOX\x1fSpam\t\nNuser\x1f"
            "carla\t\n");
  EXPECT_EQ(add_subscriptions("\x1fVER\x1f\t3\n", name("user.carl"), {}, "sub").error().code, Errc::unsupported);
  EXPECT_EQ(add_subscriptions("INBOX\t\n", name("user.carl"), {}, "sub").error().code, Errc::unsupported);
}

TEST_F(UserFilesTest, SubscribingNeverWaits) {
  const auto carl = inbox("user.carl", false);
  ASSERT_TRUE(subscribe(carl, {carl.name}, config));
  const auto file = user_file_path(carl, "sub", config);
  EXPECT_EQ(read(file), "\x1fVER\x1f\t2\nNINBOX\t\n");
  {
    const auto held = TwoskipFile::open(file, base::LockMode::shared);  // any file will do
    ASSERT_TRUE(held);
    EXPECT_EQ(subscribe(carl, {name("user.carl.a")}, config).error().code, Errc::busy);
  }
  ASSERT_TRUE(remove_user_files(carl, config));
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_TRUE(remove_user_files(carl, config)) << "nothing there is fine";
}

}  // namespace
}  // namespace cyrus
