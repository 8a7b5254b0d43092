#include "master/exit_report.hpp"

#include <gtest/gtest.h>

#include <signal.h>

namespace master {
namespace {

const Ended kEnded{"SERVICE", "pop3", "/usr/lib/cyrus/bin/pop3d", std::chrono::milliseconds(72), 28543};
const std::string kBeginning = "process type:SERVICE name:pop3 path:/usr/lib/cyrus/bin/pop3d age:0.072s pid:28543";

TEST(ExitLine, ANormalEndIsADebugLine) {
  const Remark line = exit_line(kEnded, 0);
  EXPECT_EQ(line.severity, base::Severity::debug);
  EXPECT_EQ(line.text, kBeginning + " exited normally");
}

TEST(ExitLine, SeventyFiveMeansKilled) {
  const Remark line = exit_line(kEnded, 75 << 8);
  EXPECT_EQ(line.severity, base::Severity::debug);
  EXPECT_EQ(line.text, kBeginning + " was killed");
}

TEST(ExitLine, AnotherStatusIsAnError) {
  const Remark line = exit_line(kEnded, 78 << 8);
  EXPECT_EQ(line.severity, base::Severity::error);
  EXPECT_EQ(line.text, kBeginning + " exited, status 78");
}

TEST(ExitLine, ASignalIsNamed) {
  EXPECT_EQ(exit_line(kEnded, SIGSEGV).text, kBeginning + " signaled to death by signal 11 (Segmentation fault)");
  EXPECT_EQ(exit_line(kEnded, SIGSEGV | 0x80).text,
            kBeginning + " signaled to death by signal 11 (Segmentation fault), core dumped");
}

}  // namespace
}  // namespace master
