#include "mime/structured_field.hpp"

#include "mime/parameter_list.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mime {
namespace {

/// `TYPE/SUBTYPE;ATTRIBUTE=value...`, or `none`.
std::string type_of(std::string_view value) {
  const auto content = parse_content_type(value);
  if (!content) return "none";
  std::string text = content->type + '/' + content->subtype;
  for (const Parameter& parameter : content->parameters) text += ';' + parameter.attribute + '=' + parameter.value;
  return text;
}

/// The parameters of a field that has those.
std::string parameters_of(std::string_view text) {
  const std::string type = type_of("a/b; " + std::string(text));
  return type.starts_with("A/B;") ? type.substr(4) : type.substr(3);
}

TEST(ContentType, IsTypeAndSubtypeInUpperCase) {  // RFC 2045 s5.1
  EXPECT_EQ(type_of(" text/plain"), "TEXT/PLAIN");
  EXPECT_EQ(type_of("(one) Text (two) / (three (four)) x-Html (five)"), "TEXT/X-HTML");
  EXPECT_EQ(type_of(" text/plain;\r\n\tcharset=utf-8"), "TEXT/PLAIN;CHARSET=utf-8");
  EXPECT_EQ(type_of("text/plain;"), "TEXT/PLAIN");
}

TEST(ContentType, IsNoneIfItIsNotOne) {
  for (const char* value :
       {"", " ", "text", "text/", "te@xt/plain", "text/pl:ain", "text/plain more", "(text/plain)", "\xE9/x"}) {
    EXPECT_EQ(type_of(value), "none") << value;
  }
}

TEST(ContentType, ParametersMayBeQuoted) {
  EXPECT_EQ(parameters_of("a=b; c=\"d \\\"e\\\"\"; f = g"), "A=b;C=d \"e\";F=g");
  EXPECT_EQ(parameters_of("a=\"b\r\n c\""), "A=b c");
  EXPECT_EQ(parameters_of("a=b c; d=e@f/g (comment)"), "A=b c;D=e@f/g");
}

TEST(ContentType, ABadParameterDoesNotSpoilTheNext) {
  EXPECT_EQ(parameters_of("a; b=c"), "B=c");
  EXPECT_EQ(parameters_of("a@b=c; d=e"), "D=e");
  EXPECT_EQ(parameters_of("a=\"b; c=d"), "");
}

TEST(ContentType, SectionsAreJoined) {  // RFC 2231 s3, s4.1
  EXPECT_EQ(parameters_of("n*0=a; n*1=b; n*2=\"c d\"; x=y"), "N=abc d;X=y");
  EXPECT_EQ(parameters_of("n*1=b; n*0=a"), "N=ab");
  EXPECT_EQ(parameters_of("n*0*=utf-8''%e2; n*1*=%82%ac; n*2=\" x\""), "N*=utf-8''%e2%82%ac%20x");
  EXPECT_EQ(parameters_of("n*0=\"a b\"; n*1*=%20c"), "N*=''a%20b%20c");
  EXPECT_EQ(parameters_of("n*0=a; n*2=c"), "N=a;N*2=c");
  EXPECT_EQ(parameters_of("n*1=b"), "N*1=b");
}

TEST(ContentType, OneThatIsAnEncodedWordIsDecoded) {
  EXPECT_EQ(type_of("=?iso-8859-1?Q?application/pdf;?=\r\n =?iso-8859-1?Q?_name=3D\"caf=E9.pdf\"?="),
            "APPLICATION/PDF;NAME==?UTF-8?Q?caf=C3=A9.pdf?=");
}

TEST(ExtendedValue, IsDecodedToUtf8) {  // RFC 2231 s4
  EXPECT_EQ(decode_extended_value("utf-8'en'%e2%82%ac rates"), "\xE2\x82\xAC rates");
  EXPECT_EQ(decode_extended_value("iso-8859-1''%A3"), "\xC2\xA3");
  for (const char* value : {"", "plain", "utf-8'x", "no-such''x", "''x", "utf-8''%4", "utf-8''%zz"}) {
    EXPECT_EQ(decode_extended_value(value), std::nullopt) << value;
  }
}

TEST(Disposition, IsAKindAndParameters) {  // RFC 2183 s2
  const auto disposition = parse_disposition(" Attachment; filename=\"x.txt\"");
  ASSERT_TRUE(disposition);
  EXPECT_EQ(disposition->kind, "ATTACHMENT");
  EXPECT_EQ(disposition->parameters, (std::vector<Parameter>{{"FILENAME", "x.txt"}}));
  EXPECT_FALSE(parse_disposition("a b"));
  EXPECT_FALSE(parse_disposition(" "));
}

TEST(TransferEncoding, IsOneToken) {  // RFC 2045 s6.1
  EXPECT_EQ(parse_encoding(" base64 (yes)"), "BASE64");
  EXPECT_EQ(parse_encoding("base64; x"), std::nullopt);
  EXPECT_EQ(parse_encoding("base 64"), std::nullopt);
  EXPECT_EQ(parse_encoding(""), std::nullopt);
}

TEST(Language, IsAListOfTags) {  // RFC 3282 s2
  EXPECT_EQ(parse_language(" en-GB, de (comment)"), (std::vector<std::string>{"EN-GB", "DE"}));
  EXPECT_EQ(parse_language("en, de-1996, fr"), (std::vector<std::string>{"EN"}));
  EXPECT_TRUE(parse_language("").empty());
}

}  // namespace
}  // namespace mime
