#include "master/plan.hpp"

#include <gtest/gtest.h>

namespace master {
namespace {

base::Result<Plan> plan_of(const std::string& text) {
  const auto conf = config::CyrusConf::parse("cyrus.conf", text);
  EXPECT_TRUE(conf.has_value()) << conf.error().text;
  return make_plan(*conf, {"/bin"});
}

std::string service(const std::string& rest) { return "SERVICES {\n  pop3 cmd=\"sh\" " + rest + "\n}\n"; }

TEST(MakePlan, AServiceHasItsProgramItsPlaceAndItsLimits) {
  const auto plan =
      plan_of(service("listen=\"127.0.0.1:1110\" proto=tcp4 prefork=2 maxchild=9 maxforkrate=5 maxfds=256"));
  ASSERT_TRUE(plan.has_value()) << plan.error().text;
  ASSERT_EQ(plan->services.size(), 1U);
  const PlannedService& planned = plan->services.front();
  EXPECT_EQ(planned.command.path, "/bin/sh");
  EXPECT_EQ(planned.endpoint.host, "127.0.0.1");
  EXPECT_EQ(planned.endpoint.port, "1110");
  EXPECT_EQ(planned.endpoint.proto, "tcp4");
  EXPECT_EQ(planned.limits.prefork, 2);
  EXPECT_EQ(planned.limits.maxchild, 9);
  EXPECT_EQ(planned.limits.maxforkrate, 5);
  EXPECT_EQ(planned.max_fds, 256);
}

TEST(MakePlan, AUnixSocketHasAPathAndNoPort) {
  const auto plan = plan_of(service("listen=\"/run/lmtp\""));
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->services.front().endpoint.path, "/run/lmtp");
}

TEST(MakePlan, BabysitMeansOneReadyAndACarefulForkRate) {
  const auto plan = plan_of(service("listen=\"1110\" babysit=yes"));
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->services.front().limits.prefork, 1);
  EXPECT_EQ(plan->services.front().limits.maxforkrate, 10);
}

TEST(MakePlan, DatagramsHaveOneWorker) {
  const auto plan = plan_of(service("listen=\"1110\" proto=udp prefork=5 maxchild=7"));
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->services.front().limits.prefork, 1);
  EXPECT_EQ(plan->services.front().limits.maxchild, 1);
}

TEST(MakePlan, AMissingProgramNamesTheService) {
  const auto plan = plan_of("SERVICES {\n  pop3 cmd=\"/no/such/pop3d -s\" listen=\"1110\"\n}\n");
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().text, "cannot find executable for service 'pop3': no executable /no/such/pop3d");
}

TEST(MakePlan, AServiceIsTheSameWhenNameListenAndProtoAre) {
  const auto one = plan_of(service("listen=\"1110\" prefork=1"))->services.front();
  EXPECT_TRUE(one.same_place(plan_of(service("listen=\"1110\" prefork=4"))->services.front()));
  EXPECT_FALSE(one.same_place(plan_of(service("listen=\"1111\""))->services.front()));
  EXPECT_FALSE(one.same_place(plan_of(service("listen=\"1110\" proto=tcp6"))->services.front()));
}

}  // namespace
}  // namespace master
