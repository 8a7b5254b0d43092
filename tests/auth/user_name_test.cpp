#include "auth/user_name.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace {

using auth::NameRules;
using auth::VirtualDomains;

NameRules domains(VirtualDomains kind) {
  NameRules rules;
  rules.virtual_domains = kind;
  rules.default_domain = "internal";
  return rules;
}

/// "user", "user +folder", or "error: CODE".
std::string canonical(std::string_view typed, const NameRules& rules = {}) {
  const auto name = auth::canonical_name(typed, rules);
  if (!name) return "error: " + std::string{base::name(name.error().code)};
  return name->subfolder.empty() ? name->user : name->user + " +" + name->subfolder;
}

TEST(UserName, LettersAreFoldedUnlessTheOptionIsOff) {
  EXPECT_EQ(canonical("ALICE"), "alice");
  NameRules rules;
  rules.fold_case = false;
  EXPECT_EQ(canonical("ALICE", rules), "ALICE");
}

TEST(UserName, WhiteSpaceAtTheEndsGoesAndInsideStays) {
  EXPECT_EQ(canonical(" alice \t"), "alice");
  EXPECT_EQ(canonical("alice b"), "alice b");
}

TEST(UserName, EmptyNamesAreRefused) {
  EXPECT_EQ(canonical(""), "error: invalid");
  EXPECT_EQ(canonical("   "), "error: invalid");
}

TEST(UserName, ExactlyTheBytesThatNoMailboxNameMayHoldAreRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    const bool forbidden = byte < 0x20 || byte >= 0x7f || std::string_view{"%&*/:?"}.find(c) != std::string_view::npos;
    const auto typed = std::string{"a"} + c + "b";
    EXPECT_EQ(canonical(typed) == "error: invalid", forbidden) << "byte " << byte;
  }
}

TEST(UserName, EightyBytesFitAndEightyOneDoNot) {
  for (std::size_t length = 1; length <= 200; ++length) {
    const std::string typed(length, 'a');
    EXPECT_EQ(canonical(typed), length <= 80 ? typed : "error: limit") << length;
  }
}

TEST(UserName, TheDomainCountsForTheLengthAndTheDefaultDomainDoesNot) {
  const auto rules = domains(VirtualDomains::userid);
  for (std::size_t length = 60; length <= 90; ++length) {
    const std::string local(length, 'a');
    EXPECT_EQ(canonical(local + "@example", rules), length + 8 <= 80 ? local + "@example" : "error: limit") << length;
    EXPECT_EQ(canonical(local + "@internal", rules), length <= 80 ? local : "error: limit") << length;
  }
}

TEST(UserName, NoMoreThanTheBoundIsLookedAt) {
  EXPECT_EQ(canonical(std::string(1024, ' ') + "a"), "error: limit");
  EXPECT_EQ(canonical(std::string(1023, ' ') + "a"), "a");
  EXPECT_EQ(canonical(std::string(1 << 20, 'a')), "error: limit");
}

TEST(UserName, AnonymousAndAnyoneAreGlobalInAnyCaseAndDomain) {
  EXPECT_EQ(canonical("Anonymous"), "anonymous");
  EXPECT_EQ(canonical("anybody"), "anyone");
  EXPECT_EQ(canonical("ANYONE"), "anyone");
  EXPECT_EQ(canonical("anonymous@example.test", domains(VirtualDomains::userid)), "anonymous");
  EXPECT_EQ(canonical("anonymous@example.test"), "anonymous@example.test");
  EXPECT_EQ(canonical("anonymous1"), "anonymous1");
}

TEST(UserName, WithoutVirtualDomainsAtAndPercentHaveNoMeaning) {
  EXPECT_EQ(canonical("alice@example.test"), "alice@example.test");
  EXPECT_EQ(canonical("a@b@c"), "a@b@c");
  EXPECT_EQ(canonical("alice%example.test"), "error: invalid");
}

TEST(UserName, DefaultDomainIsCutOff) {
  const auto rules = domains(VirtualDomains::userid);
  EXPECT_EQ(canonical("alice@Internal", rules), "alice");
  EXPECT_EQ(canonical("alice%internal", rules), "alice");
  EXPECT_EQ(canonical("alice@example.test", rules), "alice@example.test");
  EXPECT_EQ(canonical("alice", rules), "alice");
}

TEST(UserName, PercentBeginsTheDomainWhereNoAtDoes) {
  const auto rules = domains(VirtualDomains::userid);
  EXPECT_EQ(canonical("alice%example.test", rules), "alice@example.test");
  EXPECT_EQ(canonical("al%ice@example.test", rules), "error: invalid");
  EXPECT_EQ(canonical("a%b%c", rules), "error: invalid");
}

TEST(UserName, NamesThatProgramsWouldSplitDifferentlyAreRefused) {
  const auto rules = domains(VirtualDomains::userid);
  EXPECT_EQ(canonical("a@b@c", rules), "error: invalid");
  EXPECT_EQ(canonical("a@internal@internal", rules), "error: invalid");
  EXPECT_EQ(canonical("@example.test", rules), "error: invalid");
  EXPECT_EQ(canonical("alice@", rules), "error: invalid");
  EXPECT_EQ(canonical("@", rules), "error: invalid");
  EXPECT_EQ(canonical("%", rules), "error: invalid");
}

TEST(UserName, OnAddsTheDomainOfTheLocalAddressWhereNoneWasTyped) {
  auto rules = domains(VirtualDomains::on);
  rules.local_domain = "Example.Test";
  EXPECT_EQ(canonical("alice", rules), "alice@example.test");
  EXPECT_EQ(canonical("alice@other.test", rules), "alice@other.test");
  EXPECT_EQ(canonical("alice@internal", rules), "alice");
  rules.local_domain = "INTERNAL";
  EXPECT_EQ(canonical("alice", rules), "alice");
  rules.local_domain.clear();
  EXPECT_EQ(canonical("alice", rules), "alice");
  rules.virtual_domains = VirtualDomains::userid;
  rules.local_domain = "example.test";
  EXPECT_EQ(canonical("alice", rules), "alice");
}

TEST(UserName, FolderIsTakenOffFromTheFirstPlus) {
  NameRules rules;
  EXPECT_EQ(canonical("alice+sub", rules), "alice+sub");
  rules.subfolders = true;
  EXPECT_EQ(canonical("Alice+Sub.Folder", rules), "alice +Sub.Folder");
  EXPECT_EQ(canonical("alice+a+b", rules), "alice +a+b");
  EXPECT_EQ(canonical("alice+", rules), "alice");
  EXPECT_EQ(canonical("+sub", rules), "error: invalid");
  EXPECT_EQ(canonical("+", rules), "error: invalid");
  EXPECT_EQ(canonical("alice+sub@example", rules), "alice +sub@example");
}

TEST(UserName, FolderEndsAtTheDomainUnderVirtualDomains) {
  auto rules = domains(VirtualDomains::userid);
  rules.subfolders = true;
  EXPECT_EQ(canonical("alice+sub@example.test", rules), "alice@example.test +sub");
  EXPECT_EQ(canonical("alice+sub@internal", rules), "alice +sub");
  EXPECT_EQ(canonical("alice+sub", rules), "alice +sub");
  EXPECT_EQ(canonical("alice+a@b+c", rules), "error: invalid");
}

TEST(UserName, FolderIsBoundedAndHoldsNoControlBytes) {
  NameRules rules;
  rules.subfolders = true;
  EXPECT_EQ(canonical("alice+" + std::string(490, 'f'), rules), "alice +" + std::string(490, 'f'));
  EXPECT_EQ(canonical("alice+" + std::string(491, 'f'), rules), "error: limit");
  EXPECT_EQ(canonical("alice+a\nb", rules), "error: invalid");
  EXPECT_EQ(canonical(std::string_view{"alice+a\0b", 9}, rules), "error: invalid");
}

TEST(UserName, BareNameMayBeEightyBytesWhateverTheFolder) {  // the length edge of names with folders
  NameRules rules;
  rules.subfolders = true;
  for (std::size_t length = 78; length <= 83; ++length) {
    const std::string local(length, 'a');
    EXPECT_EQ(canonical(local + "+sub", rules), length <= 80 ? local + " +sub" : "error: limit") << length;
  }
}

TEST(UserName, SeparatorDotIsRefusedLeftOfTheDomainOnly) {
  auto rules = domains(VirtualDomains::userid);
  rules.hierarchy_dot = true;
  EXPECT_EQ(canonical("a.b", rules), "error: invalid");
  EXPECT_EQ(canonical("a.b@example.test", rules), "error: invalid");
  EXPECT_EQ(canonical("ab@example.test", rules), "ab@example.test");
  rules.virtual_domains = VirtualDomains::off;
  EXPECT_EQ(canonical("ab@example.test", rules), "error: invalid");
  rules.hierarchy_dot = false;
  EXPECT_EQ(canonical("a.b", rules), "a.b");
}

TEST(UserName, PathsPatternsAndFormatsAreNoNames) {
  EXPECT_EQ(canonical("../alice"), "error: invalid");
  EXPECT_EQ(canonical("%s%n"), "error: invalid");
  EXPECT_EQ(canonical("al*"), "error: invalid");
  EXPECT_EQ(canonical(std::string_view{"alice\0bob", 9}), "error: invalid");
  EXPECT_EQ(canonical("al\xc3\xaf"
                      "ce"),
            "error: invalid");
}

// Letters that mean something, so that the generator meets the rules.
rc::Gen<std::string> typed_names() {
  return rc::gen::container<std::string>(rc::gen::elementOf(std::string{"aAbB.@%+ \t/\0xyz", 15}));
}

NameRules any_rules() {
  NameRules rules;
  rules.virtual_domains = *rc::gen::element(VirtualDomains::off, VirtualDomains::userid, VirtualDomains::on);
  rules.default_domain = *rc::gen::element<std::string>("", "b", "a.b");
  rules.local_domain = *rc::gen::element<std::string>("", "b", "x.y");
  rules.fold_case = *rc::gen::arbitrary<bool>();
  rules.subfolders = *rc::gen::arbitrary<bool>();
  rules.hierarchy_dot = *rc::gen::arbitrary<bool>();
  return rules;
}

TEST(UserName, RefusesWhiteSpaceBesideTheDomain) {
  auth::NameRules rules;
  rules.virtual_domains = VirtualDomains::userid;
  rules.default_domain = "b";
  EXPECT_FALSE(auth::canonical_name("a @B", rules));
  EXPECT_FALSE(auth::canonical_name("a@ b", rules));
  EXPECT_EQ(auth::canonical_name(" a@b ", rules)->user, "a");
}

RC_GTEST_PROP(UserName, CanonicalNamesAreBoundedAndClean, ()) {
  const auto rules = any_rules();
  const auto name = auth::canonical_name(*typed_names(), rules);
  if (!name) return;
  RC_ASSERT(!name->user.empty() && name->user.size() <= auth::kMaxUserName);
  RC_ASSERT(name->user.find_first_of(std::string{"%/\0\t", 4}) == std::string::npos);
  RC_ASSERT(name->user.front() != ' ' && name->user.back() != ' ');
  if (rules.subfolders) RC_ASSERT(name->user.find('+') == std::string::npos);
  if (rules.virtual_domains != VirtualDomains::off) {
    RC_ASSERT(std::count(name->user.begin(), name->user.end(), '@') <= 1);
  }
}

RC_GTEST_PROP(UserName, CanonicalNamesStayAsTheyAre, ()) {
  auto rules = any_rules();
  const auto name = auth::canonical_name(*typed_names(), rules);
  if (!name) return;
  rules.local_domain.clear();  // `on` may add a domain to a name that lost the default one
  const auto again = auth::canonical_name(name->user, rules);
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->user == name->user && again->subfolder.empty());
}

}  // namespace
