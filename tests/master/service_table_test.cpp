#include "master/service_table.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <signal.h>
#include <string>
#include <vector>

namespace master {
namespace {

using service::Status;
using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart = TimePoint{} + std::chrono::hours(1);
const TimePoint kLater = kStart + seconds(5);

// What waitpid reports.
constexpr int exit_status(int code) { return code << 8; }
constexpr int death_by(int signal) { return signal; }

bool mentions(const Remarks& remarks, std::string_view words) {
  for (const Remark& remark : remarks) {
    if (remark.text.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST(ServiceTable, AForkedWorkerCountsAsReadyWithoutAWord) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  EXPECT_EQ(table.to_fork(id, kStart), 1);
  table.forked(id, 10, kStart);
  EXPECT_EQ(table.counters(id).ready, 1);
  EXPECT_EQ(table.counters(id).active, 1);
  EXPECT_EQ(table.to_fork(id, kStart), 0);
}

TEST(ServiceTable, TheOrdinaryCycleOfAWorkerCountsOneConnection) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  table.forked(id, 10, kStart);
  EXPECT_TRUE(table.heard(id, Status{2, 10}, kStart).empty());
  EXPECT_EQ(table.counters(id).ready, 0);
  EXPECT_TRUE(table.heard(id, Status{3, 10}, kStart).empty());
  EXPECT_TRUE(table.heard(id, Status{1, 10}, kStart).empty());
  EXPECT_EQ(table.counters(id).ready, 1);
  EXPECT_EQ(table.counters(id).connections, 1U);
}

TEST(ServiceTable, PreforkIsFilledUpWhenWorkersAreBusy) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 3}, true);
  EXPECT_EQ(table.to_fork(id, kStart), 3);
  for (const pid_t pid : {10, 11, 12}) table.forked(id, pid, kStart);
  table.heard(id, Status{2, 11}, kStart);
  EXPECT_EQ(table.to_fork(id, kStart), 1);
}

TEST(ServiceTable, MaxchildBoundsPreforkWithoutOvershoot) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 5, .maxchild = 6}, true);
  for (const pid_t pid : {10, 11, 12, 13, 14}) {
    table.forked(id, pid, kStart);
    table.heard(id, Status{2, pid}, kStart);
  }
  EXPECT_EQ(table.to_fork(id, kStart), 1);
}

TEST(ServiceTable, ThePortIsWatchedOnlyWhileNobodyIsReady) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  EXPECT_TRUE(table.watch_port(id, kStart));
  table.forked(id, 10, kStart);
  EXPECT_FALSE(table.watch_port(id, kStart));
  table.heard(id, Status{2, 10}, kStart);
  EXPECT_TRUE(table.watch_port(id, kStart));
}

TEST(ServiceTable, AFullServiceDoesNotWatchItsPort) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.maxchild = 1}, true);
  table.forked(id, 10, kStart);
  table.heard(id, Status{2, 10}, kStart);
  EXPECT_FALSE(table.watch_port(id, kStart));
}

TEST(ServiceTable, MaxchildZeroNeverForks) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 2, .maxchild = 0, .babysit = true}, true);
  EXPECT_EQ(table.to_fork(id, kStart), 0);
  EXPECT_FALSE(table.watch_port(id, kStart));
}

TEST(ServiceTable, MaxforkrateDelaysAndNamesTheMoment) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.maxforkrate = 1}, true);
  table.forked(id, 10, kStart);
  table.heard(id, Status{2, 10}, kStart);
  EXPECT_FALSE(table.watch_port(id, kStart));
  const auto next = table.next_change(kStart);
  ASSERT_TRUE(next.has_value());
  EXPECT_TRUE(table.watch_port(id, *next));
}

TEST(ServiceTable, AnIdleServiceHasNothingToWakeFor) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.forked(id, 10, kStart);
  EXPECT_FALSE(table.next_change(kStart).has_value());
}

TEST(ServiceTable, ADaemonIsKeptAtOneAndStaysUnknown) {
  ServiceTable table;
  const ServiceId id = table.add("idled/daemon", Limits{.maxchild = 1, .babysit = true}, false);
  EXPECT_EQ(table.to_fork(id, kStart), 1);
  EXPECT_FALSE(table.watch_port(id, kStart));
  table.forked(id, 10, kStart);
  EXPECT_EQ(table.to_fork(id, kStart), 0);
  EXPECT_EQ(table.counters(id).ready, 0);
  const auto departure = table.exited(10, exit_status(1), kLater);
  ASSERT_TRUE(departure.has_value());
  EXPECT_EQ(departure->state, WorkerState::unknown);
  EXPECT_TRUE(departure->failed);
}

TEST(ServiceTable, ACrashInReadyBacksOffAndComesBackByItself) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.forked(id, 10, kStart);
  const auto departure = table.exited(10, death_by(SIGSEGV), kStart);
  ASSERT_TRUE(departure.has_value());
  EXPECT_TRUE(departure->failed);
  EXPECT_TRUE(mentions(departure->remarks, "service pop3/ipv4 pid 10 in READY state: terminated abnormally"));
  EXPECT_TRUE(mentions(departure->remarks, "next start in 1 s, the port stays open"));
  EXPECT_EQ(table.to_fork(id, kStart), 0);
  EXPECT_FALSE(table.watch_port(id, kStart));
  EXPECT_EQ(table.next_change(kStart), kStart + seconds(1));
  EXPECT_EQ(table.to_fork(id, kStart + seconds(1)), 1);
}

TEST(ServiceTable, ACrashWhileServingIsNoFailureOfTheService) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.forked(id, 10, kStart);
  table.heard(id, Status{2, 10}, kStart);
  table.heard(id, Status{3, 10}, kStart);
  EXPECT_FALSE(table.exited(10, death_by(SIGSEGV), kStart)->failed);
  EXPECT_EQ(table.to_fork(id, kStart), 1);
}

TEST(ServiceTable, ACrashAfterUnavailableButBeforeAnyConnectionIsAFailure) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.forked(id, 10, kStart);
  table.heard(id, Status{2, 10}, kStart);
  EXPECT_TRUE(table.exited(10, death_by(SIGSEGV), kStart)->failed);
}

TEST(ServiceTable, ExitZeroAndSeventyFiveAreGoodEnds) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  for (const int code : {0, 75}) {
    table.forked(id, 10, kStart);
    const auto departure = table.exited(10, exit_status(code), kLater);
    ASSERT_TRUE(departure.has_value());
    EXPECT_FALSE(departure->failed);
    EXPECT_TRUE(departure->remarks.empty());
  }
  EXPECT_EQ(table.counters(id).active, 0);
  EXPECT_EQ(table.counters(id).ready, 0);
}

TEST(ServiceTable, AProgramThatEndsAtOnceWithoutServingIsAFailureWhateverItSays) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.forked(id, 10, kStart);
  EXPECT_TRUE(table.exited(10, exit_status(0), kStart + milliseconds(5))->failed);
  EXPECT_EQ(table.to_fork(id, kStart + milliseconds(6)), 0);
}

TEST(ServiceTable, AQuickEndAfterServingIsFine) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.forked(id, 10, kStart);
  table.heard(id, Status{2, 10}, kStart);
  table.heard(id, Status{3, 10}, kStart);
  EXPECT_FALSE(table.exited(10, exit_status(0), kStart + milliseconds(5))->failed);
}

TEST(ServiceTable, DeathByOurOwnSignalIsNoFailure) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.forked(id, 10, kStart);
  table.signalled(10, SIGHUP);
  EXPECT_FALSE(table.exited(10, death_by(SIGHUP), kStart)->failed);
  table.forked(id, 11, kStart);
  table.signalled(11, SIGHUP);
  EXPECT_FALSE(table.exited(11, exit_status(0), kStart)->failed);
  table.forked(id, 12, kStart);
  table.signalled(12, SIGHUP);
  EXPECT_TRUE(table.exited(12, death_by(SIGSEGV), kStart)->failed);
}

TEST(ServiceTable, AFailedForkBacksOffToo) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  EXPECT_TRUE(mentions(table.fork_failed(id, kStart), "next start in 1 s"));
  EXPECT_EQ(table.to_fork(id, kStart), 0);
}

TEST(ServiceTable, ChangedLimitsEndABackOff) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 1}, true);
  table.fork_failed(id, kStart);
  table.change(id, Limits{.prefork = 2});
  EXPECT_EQ(table.to_fork(id, kStart), 2);
}

TEST(ServiceTable, LateMessagesOfTheDeadAreCountedButChangeNothing) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  table.forked(id, 10, kStart);
  table.exited(10, exit_status(0), kLater);
  EXPECT_TRUE(table.heard(id, Status{1, 10}, kLater).empty());
  EXPECT_TRUE(table.heard(id, Status{4, 10}, kLater).empty());
  EXPECT_EQ(table.counters(id).ready, 0);
  EXPECT_EQ(table.counters(id).connections, 1U);
}

TEST(ServiceTable, AStrangerIsReportedOnce) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  EXPECT_TRUE(mentions(table.heard(id, Status{1, 4711}, kStart), "receiving messages from long dead children"));
  EXPECT_TRUE(table.heard(id, Status{1, 4711}, kStart).empty());
  EXPECT_EQ(table.counters(id).ready, 0);
  EXPECT_FALSE(table.exited(4711, exit_status(0), kStart).has_value());
}

TEST(ServiceTable, TheDeadAreForgottenAfterTwoSeconds) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  table.forked(id, 10, kStart);
  table.exited(10, exit_status(0), kLater);
  EXPECT_TRUE(table.heard(id, Status{1, 10}, kLater + milliseconds(1900)).empty());
  EXPECT_FALSE(table.heard(id, Status{1, 10}, kLater + milliseconds(4100)).empty());
}

TEST(ServiceTable, AWorkerThatReportsElsewhereIsMoved) {
  ServiceTable table;
  const ServiceId one = table.add("pop3/ipv4", Limits{}, true);
  const ServiceId two = table.add("imap/ipv4", Limits{}, true);
  table.forked(one, 10, kStart);
  EXPECT_TRUE(mentions(table.heard(two, Status{2, 10}, kStart), "reports as service imap/ipv4"));
  EXPECT_EQ(table.counters(one).active, 0);
  EXPECT_EQ(table.counters(one).ready, 0);
  EXPECT_EQ(table.counters(two).active, 1);
  EXPECT_EQ(table.exited(10, exit_status(0), kLater)->service, two);
}

TEST(ServiceTable, OddMessagesHaveTheirLinesInTheLog) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  table.forked(id, 10, kStart);
  EXPECT_TRUE(mentions(table.heard(id, Status{1, 10}, kStart), "in READY state: says it is available"));
  EXPECT_TRUE(mentions(table.heard(id, Status{3, 10}, kStart), "in READY state: serves without"));
  EXPECT_TRUE(mentions(table.heard(id, Status{2, 10}, kStart), "in BUSY state: says it is unavailable"));
  EXPECT_TRUE(mentions(table.heard(id, Status{4, 10}, kStart), "in BUSY state: serves one more"));
  EXPECT_TRUE(mentions(table.heard(id, Status{0x1234, 10}, kStart), "unrecognized message 0x1234"));
  EXPECT_TRUE(mentions(table.heard(id, Status{-1, 10}, kStart), "unrecognized message 0xffffffff"));
}

TEST(ServiceTable, ARetiredServiceForksNothingAndGoesWithItsLastWorker) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{.prefork = 2, .babysit = true}, true);
  table.forked(id, 10, kStart);
  table.retire(id);
  EXPECT_TRUE(table.contains(id));
  EXPECT_EQ(table.to_fork(id, kStart), 0);
  EXPECT_FALSE(table.watch_port(id, kStart));
  EXPECT_FALSE(table.next_change(kStart).has_value());
  table.exited(10, death_by(SIGKILL), kStart);
  EXPECT_FALSE(table.contains(id));
}

TEST(ServiceTable, ARetiredServiceWithoutWorkersGoesAtOnce) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  table.retire(id);
  EXPECT_FALSE(table.contains(id));
}

TEST(ServiceTable, APidThatComesBackIsANewWorker) {
  ServiceTable table;
  const ServiceId id = table.add("pop3/ipv4", Limits{}, true);
  table.forked(id, 10, kStart);
  table.exited(10, exit_status(0), kLater);
  table.forked(id, 10, kLater);
  EXPECT_EQ(table.counters(id).ready, 1);
  EXPECT_EQ(table.workers(id), std::vector<pid_t>{10});
}

// Whatever is heard, in whatever order, and whoever ends: the counters are those of the living, and the limits hold.
RC_GTEST_PROP(ServiceTable, CountersMatchTheLivingWhateverHappens, ()) {
  ServiceTable table;
  const Limits limits{.prefork = 2, .maxchild = 4};
  const std::vector<ServiceId> services{table.add("a/ipv4", limits, true), table.add("b/ipv4", limits, true)};
  std::map<pid_t, bool> alive;
  TimePoint now = kStart;
  pid_t next_pid = 100;
  const int steps = *rc::gen::inRange(1, 200);
  for (int i = 0; i < steps; ++i) {
    now += milliseconds(*rc::gen::inRange(0, 3000));
    const ServiceId id = services[*rc::gen::inRange<std::size_t>(0, 2)];
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        for (int n = table.to_fork(id, now); n > 0; --n) {
          table.forked(id, next_pid, now);
          alive[next_pid++] = true;
        }
        break;
      case 1:
        table.heard(id, Status{*rc::gen::inRange(0, 7), *rc::gen::inRange(98, 120)}, now);
        break;
      default: {
        const pid_t pid = *rc::gen::inRange(98, 120);
        const int status = *rc::gen::element(exit_status(0), exit_status(75), exit_status(1), death_by(SIGSEGV));
        const bool known = table.exited(pid, status, now).has_value();
        RC_ASSERT(known == (alive.contains(pid) && alive[pid]));
        if (known) alive[pid] = false;
      }
    }
    std::size_t living = 0;
    for (const auto& [pid, lives] : alive) living += lives ? 1U : 0U;
    RC_ASSERT(table.workers().size() == living);
    int active = 0;
    for (const ServiceId service : services) {
      const Counters counters = table.counters(service);
      RC_ASSERT(counters.ready >= 0);
      RC_ASSERT(counters.ready <= counters.active);
      RC_ASSERT(counters.active == static_cast<int>(table.workers(service).size()));
      RC_ASSERT(table.to_fork(service, now) <= std::max(0, 4 - counters.active));
      active += counters.active;
    }
    RC_ASSERT(static_cast<std::size_t>(active) == living);
  }
}

}  // namespace
}  // namespace master
