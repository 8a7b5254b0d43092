#include "mime/message.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace mime {
namespace {

/// `TYPE/SUBTYPE` of the whole tree, parts in brackets.
std::string shape(const Message& message, std::uint32_t index = 0) {
  const Part& part = message.parts[index];
  std::string text = part.type + '/' + part.subtype;
  if (part.children.empty()) return text;
  text += '(';
  for (const std::uint32_t child : part.children) {
    text += shape(message, child);
    text += ' ';
  }
  text.back() = ')';
  return text;
}

std::string shape(std::string_view text, const ParseOptions& options = {}) {
  return shape(*parse_message(text, options));
}

std::string_view content(const Message& message, std::uint32_t index) {
  const Part& part = message.parts[index];
  return message.text.substr(part.content_offset, part.content_size);
}

constexpr std::string_view kTwoParts =
    "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n--b\r\n\r\none\r\n\r\n--b\r\n"
    "Content-Type: text/html\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n";

TEST(Message, WithoutAnyHeaderIsText) {  // RFC 2045 s5.2
  const auto message = parse_message("\r\nbody\r\n");
  EXPECT_EQ(shape(*message), "TEXT/PLAIN");
  EXPECT_EQ(message->root().header_size, 2U);
  EXPECT_EQ(message->root().parameters, (std::vector<Parameter>{{"CHARSET", "us-ascii"}}));
}

TEST(Message, EvenAnEmptyOneHasARoot) { EXPECT_EQ(shape(""), "TEXT/PLAIN"); }

TEST(Message, AHeaderMayBeAll) {
  const auto message = parse_message("Subject: x\r\nFrom: a@b");
  EXPECT_EQ(message->root().header_size, message->text.size());
  EXPECT_EQ(message->root().envelope->subject, "x");
  EXPECT_EQ(content(*message, 0), "");
}

TEST(Message, ThePartsOfAMultipartLieBetweenItsBoundaries) {  // RFC 2046 s5.1
  const auto message = parse_message(kTwoParts);
  EXPECT_EQ(shape(*message), "MULTIPART/MIXED(TEXT/PLAIN TEXT/HTML)");
  EXPECT_EQ(content(*message, 1), "one\r\n");  // the line end before the boundary is the boundary's
  EXPECT_EQ(content(*message, 2), "two");
  EXPECT_EQ(message->parts[1].content_lines, 1U);
  EXPECT_EQ(message->parts[2].content_lines, 0U);
  EXPECT_EQ(message->root().header_size + message->root().content_size, message->text.size());
}

TEST(Message, TheEndOfAnOuterMultipartEndsTheInnerOnes) {
  EXPECT_EQ(shape("Content-Type: multipart/a; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/b; boundary=i\r\n\r\n"
                  "--i\r\n\r\nx\r\n--o--\r\nepilogue\r\n"),
            "MULTIPART/A(MULTIPART/B(TEXT/PLAIN))");
}

TEST(Message, AMultipartWithoutABoundaryHasNoParts) {
  EXPECT_EQ(shape("Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"), "MULTIPART/MIXED");
  EXPECT_EQ(shape("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n"), "MULTIPART/MIXED");
}

TEST(Message, PartsOfADigestAreMessages) {  // RFC 2046 s5.1.5
  EXPECT_EQ(shape("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b\r\n"
                  "Content-Type: text/plain\r\n\r\nz\r\n--b--\r\n"),
            "MULTIPART/DIGEST(MESSAGE/RFC822(TEXT/PLAIN) TEXT/PLAIN)");
}

TEST(Message, EnclosesMessages) {
  const auto message = parse_message("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n");
  EXPECT_EQ(shape(*message), "MESSAGE/RFC822(TEXT/PLAIN)");
  EXPECT_EQ(message->parts[1].envelope->subject, "in");
  EXPECT_EQ(message->root().content_size, message->parts[1].header_size + message->parts[1].content_size);
  EXPECT_EQ(message->root().digest, base::sha1("Subject: in\r\n\r\nbody\r\n"));
}

TEST(Message, AnEnclosedMessageThatIsCutShortIsEmpty) {
  EXPECT_EQ(shape("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n--b--\r\n"),
            "MULTIPART/MIXED(MESSAGE/RFC822(TEXT/PLAIN))");
}

TEST(Message, OnlyPartsThatAreMessagesHaveAnEnvelope) {
  const auto message = parse_message(kTwoParts);
  EXPECT_NE(message->parts[0].envelope, nullptr);
  EXPECT_EQ(message->parts[1].envelope, nullptr);
}

TEST(Message, DigestsAreOfTheDecodedBody) {
  const auto digest = [](std::string encoding, std::string_view body) {
    const std::string text = "Content-Transfer-Encoding: " + encoding + "\r\n\r\n" + std::string(body);
    return parse_message(text)->root().digest;
  };
  EXPECT_EQ(digest("base64", "YWJj\r\n"), base::sha1("abc"));
  EXPECT_EQ(digest("Quoted-Printable", "a=62=\r\nc"), base::sha1("abc"));
  EXPECT_EQ(digest("8bit", "abc"), base::sha1("abc"));
  EXPECT_EQ(digest("x-uuencode", "abc"), base::Sha1Digest{});
}

TEST(Message, FieldsBeyondTheLineLimitAreNotSeen) {
  ParseOptions options;
  options.max_header_lines = 1;
  const auto message = parse_message("A: b\r\nSubject: seen\r\nFrom: not@seen\r\n\r\n", options);
  EXPECT_EQ(message->root().envelope->subject, "seen");
  EXPECT_TRUE(message->root().envelope->from.empty());
}

TEST(Message, ALongerLineIsNoBoundaryUnlessTheRuleIsStrict) {
  const std::string_view text =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b--\r\n";
  EXPECT_EQ(shape(text), "MULTIPART/MIXED(TEXT/PLAIN)");
  ParseOptions options;
  options.strict_boundaries = true;
  EXPECT_EQ(shape(text, options), "MULTIPART/MIXED(TEXT/PLAIN TEXT/PLAIN)");
}

TEST(Message, PartsHaveABound) {
  std::string text = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (std::size_t i = 0; i < kMaxParts + 10; ++i) text += "--b\r\n\r\n";
  const auto message = parse_message(text);
  EXPECT_EQ(message->parts.size(), kMaxParts);
  const Part& last = message->parts.back();
  EXPECT_EQ(last.content_offset + last.content_size, text.size());
}

TEST(Message, NestingHasABound) {
  std::string text;
  for (std::size_t i = 0; i < 3 * kMaxNesting; ++i) text += "Content-Type: message/rfc822\r\n\r\n";
  const auto message = parse_message(text);
  EXPECT_EQ(message->parts.size(), kMaxNesting + 2);
  EXPECT_EQ(message->root().header_size + message->root().content_size, text.size());
}

/// Pieces that mean something to a parser, in any order.
rc::Gen<std::string> rough_message() {
  const std::vector<std::string> pieces = {"Content-Type: multipart/mixed; boundary=b\r\n",
                                           "Content-Type: multipart/digest; boundary=c\r\n",
                                           "\r\n",
                                           "\r\n",
                                           "Content-Type: message/rfc822\r\n",
                                           "--b\r\n",
                                           "--b--\r\n",
                                           "--c\r\n",
                                           "--c--\r\n",
                                           "text\r\n",
                                           "text",
                                           "a: b\r\n",
                                           "Content-Transfer-Encoding: base64\r\n",
                                           "Subject: =?utf-8?q?x?=\r\n",
                                           " fold\r\n",
                                           "--",
                                           "-"};
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces)), [](const auto& chosen) {
    std::string text;
    for (const std::string& piece : chosen) text += piece;
    return text;
  });
}

RC_GTEST_PROP(Message, PartsLieWithinTheirParent, ()) {
  const std::string text = *rough_message();
  const auto message = parse_message(text);
  RC_ASSERT(message->root().header_size + message->root().content_size == text.size());
  for (const Part& part : message->parts) {
    const std::size_t end = std::size_t{part.content_offset} + part.content_size;
    RC_ASSERT(end <= text.size());
    for (const std::uint32_t index : part.children) {
      const Part& child = message->parts[index];
      RC_ASSERT(&child > &part);
      if (child.content_offset == 0) continue;  // stands for a message that is missing
      RC_ASSERT(child.header_offset >= part.content_offset);
      RC_ASSERT(std::size_t{child.header_offset} + child.header_size <= end);
      // The content of a part that a boundary ended in its header is nothing, behind that boundary.
      RC_ASSERT(child.content_size == 0 || std::size_t{child.content_offset} + child.content_size <= end);
    }
  }
}

}  // namespace
}  // namespace mime
