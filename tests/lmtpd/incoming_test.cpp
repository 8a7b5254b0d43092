#include "lmtpd/incoming.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace lmtpd {
namespace {

using base::Errc;
using lmtp::Refused;

Refused for_system(int errnum) { return refused_for(base::system_error("the spool", errnum), true); }

TEST(RefusedFor, MailIsReturnedOnlyForWhatIsSoByItself) {
  EXPECT_EQ(refused_for({Errc::not_found, "no such mailbox"}, false), Refused::unknown_user);
  EXPECT_EQ(refused_for({Errc::permission, "no right to post"}, false), Refused::no_permission);
  EXPECT_EQ(refused_for({Errc::limit, "over quota"}, false), Refused::over_quota);
  EXPECT_EQ(refused_for({Errc::limit, "over quota"}, true), Refused::over_quota_always);
}

// A partition that is not mounted, or whose owner is wrong after a restore, must not make all mail bounce.
TEST(RefusedFor, FilesOfOursThatAreMissingOrClosedAreNoReasonToReturnMail) {
  for (const int errnum : {ENOENT, EACCES, EPERM, ENOTDIR, EROFS, EIO, ELOOP}) {
    EXPECT_EQ(for_system(errnum), Refused::io) << errnum;
  }
  for (const int errnum : {ENOSPC, EDQUOT, EFBIG}) EXPECT_EQ(for_system(errnum), Refused::no_space) << errnum;
}

}  // namespace
}  // namespace lmtpd
