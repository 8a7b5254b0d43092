#include "auth/sasl_result.hpp"

#include <gtest/gtest.h>
#include <sasl/sasl.h>

namespace {

using auth::refusal_kind;
using auth::SaslCall;
using Kind = auth::Refusal::Kind;

TEST(SaslResult, EveryFaultOfTheClientsCredentialsLooksAlike) {
  for (const int code : {SASL_BADAUTH, SASL_NOUSER, SASL_NOAUTHZ, SASL_NOVERIFY, SASL_EXPIRED, SASL_DISABLED,
                         SASL_PWLOCK, SASL_TRANS, SASL_NOUSERPASS, SASL_BADBINDING, SASL_WEAKPASS}) {
    EXPECT_EQ(refusal_kind(code, SaslCall::password), Kind::credentials) << code;
    EXPECT_EQ(refusal_kind(code, SaslCall::offered), Kind::credentials) << code;
  }
}

TEST(SaslResult, BackEndTroubleIsNeverAWrongPassword) {
  for (const int code :
       {SASL_FAIL, SASL_NOMEM, SASL_TRYAGAIN, SASL_UNAVAIL, SASL_NOTINIT, SASL_CONFIGERR, SASL_BADVERS, SASL_BUFOVER}) {
    EXPECT_EQ(refusal_kind(code, SaslCall::password), Kind::temporary) << code;
    EXPECT_EQ(refusal_kind(code, SaslCall::offered), Kind::temporary) << code;
  }
}

TEST(SaslResult, MissingMechanismIsTheClientsFaultOnlyWhereItWasNotOffered) {
  EXPECT_EQ(refusal_kind(SASL_NOMECH, SaslCall::start), Kind::no_mechanism);
  EXPECT_EQ(refusal_kind(SASL_NOMECH, SaslCall::offered), Kind::temporary);
  EXPECT_EQ(refusal_kind(SASL_NOMECH, SaslCall::password), Kind::temporary);
}

TEST(SaslResult, WeakChannelsAndBadLinesHaveTheirOwnKinds) {
  EXPECT_EQ(refusal_kind(SASL_ENCRYPT, SaslCall::start), Kind::too_weak);
  EXPECT_EQ(refusal_kind(SASL_TOOWEAK, SaslCall::start), Kind::too_weak);
  EXPECT_EQ(refusal_kind(SASL_BADPROT, SaslCall::offered), Kind::bad_protocol);
  EXPECT_EQ(refusal_kind(SASL_BADMAC, SaslCall::offered), Kind::bad_protocol);
}

TEST(SaslResult, NumbersOfLaterVersionsAreRefusals) {
  EXPECT_EQ(refusal_kind(-99, SaslCall::password), Kind::credentials);
}

}  // namespace
