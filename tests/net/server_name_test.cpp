#include "net/server_name.hpp"

#include <gtest/gtest.h>

namespace net {
namespace {

using namespace std::string_literals;

std::string list(const std::string& entries) {
  return std::string{static_cast<char>(entries.size() >> 8), static_cast<char>(entries.size() & 255)} + entries;
}
std::string extension(const std::string& name) { return list("\0"s + list(name)); }

std::string requested(const std::string& octets) {
  return requested_name({reinterpret_cast<const unsigned char*>(octets.data()), octets.size()});
}

TEST(RequestedName, IsTheHostNameInLowerCase) {  // RFC 6066 s3
  EXPECT_EQ(requested(extension("mail.example.org")), "mail.example.org");
  EXPECT_EQ(requested(extension("MAIL.Example.ORG")), "mail.example.org");
  EXPECT_EQ(requested(extension("mail.example.org.")), "mail.example.org");
  EXPECT_EQ(requested(extension("xn--bcher-kva.example")), "xn--bcher-kva.example");
  EXPECT_EQ(requested(extension(std::string(253, 'a'))), std::string(253, 'a'));
}

TEST(RequestedName, IsNothingForWhatCannotBeAHostName) {
  for (const std::string& name :
       {""s, "."s, ".."s, ".example.org"s, "mail\0.example.org"s, "b\xc3\xbc"s + "cher.example"s, "a b"s, "a/b"s,
        "*.example.org"s, "mail.example.org.."s, std::string(254, 'a'), std::string(255, 'a'),
        std::string(60'000, 'a')}) {
    EXPECT_EQ(requested(extension(name)), "") << name.substr(0, 40);
  }
}

TEST(RequestedName, IsNothingForABrokenExtension) {
  const std::string good = extension("mail.example.org");
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_EQ(requested(good.substr(0, size)), "") << size;
  EXPECT_EQ(requested(good + "x"), "");
  EXPECT_EQ(requested(list("\1"s + list("mail.example.org"))), "");
  EXPECT_EQ(requested(list("\0"s + list("a") + "\0"s + list("b"))), "");
  EXPECT_EQ(requested("\xff\xff"s + good), "");
}

std::vector<std::size_t> found(const CertificateNames& names, std::string_view name) {
  const auto out = names.find(name);
  return {out.begin(), out.end()};
}
using Places = std::vector<std::size_t>;

TEST(CertificateNames, FindsAnExactNameBeforeAWildcard) {
  CertificateNames names;
  names.add("*.example.org", 1, 0);
  names.add("Mail.Example.org", 2, 0);
  EXPECT_EQ(found(names, "mail.example.org"), Places{2});
  EXPECT_EQ(found(names, "pop.example.org"), Places{1});
  EXPECT_EQ(found(names, "example.org"), Places{});
  EXPECT_EQ(found(names, "a.b.example.org"), Places{});
  EXPECT_EQ(found(names, ".example.org"), Places{});
  EXPECT_EQ(found(names, "org"), Places{});
  EXPECT_EQ(found(names, ""), Places{});
}

TEST(CertificateNames, KeepsOneOfEachKindForAName) {
  CertificateNames names;
  names.add("mail.example.org", 0, 6);
  names.add("mail.example.org", 1, 408);
  names.add("mail.example.org", 2, 6);
  EXPECT_EQ(found(names, "mail.example.org"), (Places{0, 1}));
}

TEST(CertificateNames, PassesOverNamesThatMatchNoHost) {
  CertificateNames names;
  for (const char* const name : {"", "*", "*.", "m*.example.org", "mail.*.org", "a b", "\xff.org", "*.*.org"}) {
    names.add(name, 0, 0);
  }
  names.add("mail\0.example.org"s, 0, 0);
  EXPECT_EQ(names.size(), 0U);
}

TEST(CertificateNames, DoNotGrowByWhatIsAskedFor) {
  CertificateNames names;
  names.add("mail.example.org", 0, 0);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_TRUE(names.find("host" + std::to_string(i) + ".example.org").empty());
  }
  EXPECT_EQ(names.size(), 1U);
}

}  // namespace
}  // namespace net
