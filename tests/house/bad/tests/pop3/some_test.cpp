TEST(Suite, Runs) {}
TEST_F(Suite, DISABLED_IsOff) {}
