"""Random mail messages, well-formed and not: every quirk of MIME that tests/data/mime has, in random company.

The same seed gives the same message. Lines end in CRLF, headers are ASCII, there is no NUL, and the header has the
syntax that delivery asks for: what comes in is what lies in the store.
"""

import base64
import quopri
import random

TYPES = ("text/plain", "text/html", "TEXT/Plain", "text/calendar", "image/png", "application/octet-stream",
         "application/pdf", "message/rfc822", "message/delivery-status", "message/partial", "message/external-body",
         "multipart/mixed", "multipart/alternative", "multipart/digest", "Multipart/Related", "multipart/x-odd",
         "text", "/plain", "text/", "text/pl ain", "foo/bar", "text / plain", "(comment) text (c) / (d) html (e)",
         "text/plain;", "x-a.b-c/d+e", "text/pl\\ain", "multipart", "=?utf-8?q?text/plain?=")
CHARSETS = ("us-ascii", "UTF-8", "utf8", "iso-8859-1", "ISO-8859-15", "windows-1252", "cp1251", "koi8-r", "big5", "gb2312",
            "GBK", "gb18030", "shift_jis", "iso-2022-jp", "euc-jp", "euc-kr", "ks_c_5601-1987", "utf-7", "utf-16",
            "windows-1255", "tis-620", "x-unknown", "unknown-8bit", "no-such-charset", "", "macintosh", "hz-gb-2312",
            "latin1", "ISO_8859-1", "ibm437", "cp850", "iso-8859-8-i", "x-mac-roman", "iso-2022-kr", "646")
ENCODINGS = ("7bit", "8bit", "binary", "base64", "quoted-printable", "BASE64", "Quoted-Printable", "x-uuencode", "8-bit",
             "base64 (really)", "\"base64\"", "quoted printable", "utf-8", "none", "7bit;", "base64url", "")
PYTHON_CHARSETS = ("us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "koi8-r", "big5", "gb2312", "gbk",
                   "gb18030", "shift_jis", "iso-2022-jp", "euc-jp", "euc-kr", "utf-7", "windows-1251", "utf-16-be")
WORDS = ("hello", "world", "Grüße", "naïve", "日本語", "Привет", "漢字", "한국어", "€uro", "x", "a\"b", "c\\d", "semi;colon",
         "(paren)", "comma,", "at@sign", "<angle>", "per%cent", "under_score", "=?", "?=", "tab\there", "٣", "𝔘nicode", ".",
         "O'Hara", "[square]", "co:lon", "J.", "ﬁ", "e\u0301", "  ", "é")
ATOMS = ("ann", "Bob", "carol", "a.b", "x+y", "\"quoted local\"", "postmaster", "", "o'hara", "a..b", ".a", "a.")
DOMAINS = ("example.com", "EXAMPLE.org", "[192.0.2.1]", "mail.example.net", "localhost", "", "a_b.example", "x..y", "bücher.example",
           "example.com.", "exa mple.com", "host (the one)", "a@b.example", "-dash.example", "[IPv6:2001:db8::1]")
NAMES = ("Date", "Subject", "From", "To", "Cc", "Bcc", "Sender", "Reply-To", "In-Reply-To", "Message-ID", "References",
         "Received", "X-DeliveredInternalDate", "Content-Description", "Content-ID", "Content-MD5", "Content-Language",
         "Content-Location", "Content-Disposition", "Content-Type", "Content-Transfer-Encoding", "X-Mailer", "X-Foo",
         "X-Priority", "List-Id", "User-Agent", "MIME-Version", "Return-Receipt-To", "A-Very-Long-Header-Name-Beyond-32",
         "A-Header-Name-That-Is-31-Long-x", "DKIM-Signature", "Content-Foo", "Comments", "Keywords", "DATE", "subject", "x-me-message-id",
         "X-Spam-Score", "Archived-At")


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.boundaries = []

    def chance(self, one_in):
        return self.r.randrange(one_in) == 0

    def words(self, most=6):
        return " ".join(self.r.choice(WORDS) for _ in range(self.r.randint(0, most)))

    def ascii_words(self, most=6):
        return self.words(most).encode("ascii", "replace").decode()

    def fold(self, text):
        """Now and then a line break where a blank is."""
        if not self.chance(3):
            return text
        return "".join(("\r\n" + self.r.choice((" ", "\t", "  ", " \t"))) if c == " " and self.chance(3) else c for c in text)

    def encoded_word(self):
        charset = self.r.choice(PYTHON_CHARSETS)
        octets = self.words(3).encode(charset, "ignore")
        if self.chance(4):
            octets = octets[:self.r.randint(0, len(octets))]
        if self.chance(8):
            octets = self.r.randbytes(self.r.randint(0, 12))
        if self.chance(2):
            text, kind = base64.b64encode(octets).decode(), self.r.choice("bB")
        else:
            text = "".join(chr(b) if chr(b).isalnum() and b < 128 else "_" if b == 32 else f"={b:02X}" for b in octets)
            kind = self.r.choice("qQ")
        if self.chance(10):
            text = text[:-1] + self.r.choice(("=", "?", " ", "!", "\t", "=?", "=4", "  "))
        name = self.r.choice(CHARSETS) if self.chance(6) else charset
        if self.chance(10):
            name += "*en"
        word = f"=?{name}?{kind}?{text}?="
        if self.chance(15):
            cut = self.r.randrange(len(word))
            word = word[:cut] + word[cut + 1:]
        return word

    def text(self):
        pieces = []
        for _ in range(self.r.randint(0, 5)):
            pieces.append(self.encoded_word() if self.chance(2) else self.ascii_words(3))
            pieces.append(self.r.choice((" ", "  ", "", " ", "\t")))
        return self.fold("".join(pieces))

    def phrase(self):
        return self.r.choice((self.ascii_words(2), self.encoded_word(), f"\"{self.ascii_words(2)}\"", "", f"({self.ascii_words(1)})",
                              self.encoded_word() + " " + self.encoded_word(), "\"a\\\"b\"", "Ann"))

    def address(self):
        local, domain = self.r.choice(ATOMS), self.r.choice(DOMAINS).encode("ascii", "replace").decode()
        spec = f"{local}@{domain}" if not self.chance(8) else self.r.choice((local, domain, "@", "", local + "@"))
        form = self.r.randrange(8)
        if form < 2:
            return spec
        if form < 5:
            return f"{self.phrase()} <{spec}>"
        if form == 5:
            return f"{spec} ({self.ascii_words(2)})"
        if form == 6:
            return f"{self.phrase()} <@{self.r.choice(DOMAINS).encode('ascii', 'replace').decode()},@b.example:{spec}>"
        return self.r.choice((f"{self.phrase()} <{spec}", f"{self.phrase()} {spec}>", f"<{spec}> trailing", "\"open", "(open", "a b c", "::", ";",
                              ",,", "<<a@b>>", "a@b@c", f"{self.phrase()}: {spec}", "<>", "\\", "a\\@b", f"{spec};"))

    def addresses(self):
        out = []
        for _ in range(self.r.randint(0, 4)):
            if self.chance(6):
                out.append(f"{self.phrase()}: {', '.join(self.address() for _ in range(self.r.randint(0, 3)))};")
            else:
                out.append(self.address())
        return self.fold(self.r.choice((", ", ",", " , ", "; ")).join(out))

    def parameter_value(self):
        return self.r.choice((self.r.choice(("abc", "a b", "x.txt", "a/b", "a=b", "", "\"\"", "a\\b", "1", "name (c)", "a@b", "é".encode("ascii", "replace").decode())),
                              f"\"{self.ascii_words(2)}\"", f"\"a\\\"b\"", f"utf-8'en'%e2%82%ac%20x", f"iso-8859-1''%A3", "\"open", "''x", "%41",
                              self.encoded_word(), f"\"{self.encoded_word()}\"", f"\"{self.fold(self.ascii_words(4))}\""))

    def parameters(self):
        out = []
        for _ in range(self.r.randint(0, 4)):
            name = self.r.choice(("name", "filename", "charset", "x", "format", "NAME", "title", "a b", "", "filename (c)", "foo@"))
            form = self.r.randrange(6)
            if form == 0:
                sections = list(range(self.r.randint(1, 12)))
                if self.chance(3):
                    self.r.shuffle(sections)
                out += [f"{name}*{n}{self.r.choice(('', '*', ''))}={self.parameter_value()}" for n in sections]
            elif form == 1:
                out.append(f"{name}*={self.parameter_value()}")
            elif form == 2 and self.chance(2):
                out.append(self.r.choice((name, "=", "a=", "=b", ";;", "a*b=c", "x*00=1", "x*0=1", "x*1=2", "x*01=2", "*0=e", "*1=f")))
            else:
                out.append(f"{name}{self.r.choice(('=', ' = ', '='))}{self.parameter_value()}")
        return "".join(self.r.choice(("; ", ";", " ;\r\n\t", " ; ", "; (c) ")) + text for text in out)

    def date(self):
        r = self.r
        if self.chance(10):
            return self.ascii_words(4)
        weekday = r.choice(("", "Mon, ", "Tue, ", "wed , ", "Thursday, ", "Fri ", "Sat,", "Xyz, "))
        day = r.choice((f"{r.randint(0, 35)}", f"{r.randint(1, 31):02}", "", "123", "1x"))
        month = r.choice(("Jan", "feb", "MAR", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Foo", "June", "1"))
        year = r.choice((f"{r.randint(1970, 2040)}", f"{r.randint(0, 99):02}", "99", "1969", "1900", "12026", "199", "2026x", ""))
        time = r.choice((f"{r.randint(0, 25):02}:{r.randint(0, 61):02}:{r.randint(0, 62):02}", f"{r.randint(0, 23)}:{r.randint(0, 59)}", "12.30.01", "", "1:2:3",
                         "24:00:00", "12:", "12:00:"))
        zone = r.choice(("+0000", "-0800", "+0530", "GMT", "UT", "EST", "PDT", "Z", "A", "N", "J", "z", "a", "+1", "0100", "XYZ", "", "(comment)", "+9999", "-0000 (UTC)", "YST", "K", "mst"))
        space = r.choice((" ", " ", "  ", "-", "\t"))
        return self.fold(f"{weekday}{day}{space}{month}{space}{year} {time} {zone}")

    def value(self, name):
        lower = name.lower()
        if lower in ("date", "x-deliveredinternaldate"):
            return self.date()
        if lower == "received":
            return self.fold(f"from a by b with LMTP; {self.date()}")
        if lower in ("from", "to", "cc", "bcc", "sender", "reply-to", "return-receipt-to"):
            return self.addresses()
        if lower == "content-type":
            return self.content_type()
        if lower == "content-transfer-encoding":
            return self.fold(self.r.choice(ENCODINGS))
        if lower == "content-disposition":
            return self.fold(self.r.choice(("inline", "attachment", "ATTACHMENT", "", "a b", "in/line", "(c) inline (d)", "form-data"))) + self.parameters()
        if lower == "content-language":
            return self.fold(self.r.choice(("en", "en-GB, de", "de-1996", "", "en, (c) fr", "en de", "en,", ",en", "*", "i-klingon,fr-CA (x)")))
        return self.text()

    def content_type(self, multipart=None):
        kind = multipart or self.r.choice(TYPES)
        text = kind
        if kind.lower().startswith("text") and not self.chance(4):
            charset = self.r.choice(CHARSETS)
            text += f"; charset={charset if self.chance(2) else chr(34) + charset + chr(34)}"
        return text + self.parameters()

    def field(self, name, value):
        separator = self.r.choice((": ", ": ", ": ", ":", ":\t", ":  ", ":\r\n "))
        name = name if not self.chance(40) else "Not-" + name
        return f"{name}{separator}{value}\r\n"

    def header(self, top, multipart=None, encoding=None):
        fields = []
        names = list(NAMES[:11]) if top else []
        self.r.shuffle(names)
        names = names[:self.r.randint(0, len(names))]
        names += self.r.choices(NAMES, k=self.r.randint(0, 6))
        for name in names:
            if top and name.lower() == "message-id":
                fields.append(self.field(name, "<" + self.text() + ">"))  # lmtpd takes no empty one
                continue
            if multipart and name.lower() == "content-type":
                continue
            fields.append(self.field(name, self.value(name)))
        if multipart:
            fields.insert(self.r.randint(0, len(fields)), self.field("Content-Type", multipart))
        elif not self.chance(3):
            fields.append(self.field("Content-Type", self.content_type()))
        if encoding:
            fields.append(self.field("Content-Transfer-Encoding", encoding))
        text = "".join(fields)
        # A line of blanks only, a line end at the very end and the like are for tests/data/mime: an MTA's queue has none.
        return text.encode("ascii", "replace")

    def lines(self):
        out = []
        for _ in range(self.r.randint(0, 6)):
            line = self.words(6) if not self.chance(8) else self.r.choice(("--", "--x", "-", "From me", ".", "..", " ", "=", "a=", "=20", "a= ", "Subject: x", "--" + "y" * 70))
            if self.boundaries and self.chance(12):
                line = "--" + self.r.choice(self.boundaries) + self.r.choice(("", "--", " ", "x", "-", "--x", "\t", " x"))
            out.append(line)
        return "\r\n".join(out).encode("utf-8") + (b"\r\n" if not self.chance(3) else b"")

    def body(self, encoding):
        if encoding == "base64":
            raw = self.lines() + self.r.randbytes(self.r.randint(0, 50))
            coded = base64.encodebytes(raw).replace(b"\n", b"\r\n")
            if self.chance(4):
                coded = coded[:-self.r.randint(1, 6)]
            if self.chance(6):
                coded = coded.replace(b"A", self.r.choice((b"=", b"!", b" ", b"-", b"\r\n")), 2)
            return coded
        if encoding == "quoted-printable":
            coded = quopri.encodestring(self.lines().replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
            if self.chance(4):
                coded = coded.replace(b"=", self.r.choice((b"==", b"= ", b"=\r\n", b"=x", b"=g1")), 3)
            if self.chance(12):
                coded += b"x" * self.r.randint(900, 2100) + b"=41 \t"
            return coded
        return self.lines()

    def entity(self, depth, top=False):
        """A header, an empty line (mostly) and a body."""
        kind = self.r.randrange(10)
        end = b"\r\n" if top or not self.chance(25) else b""
        if depth < 5 and kind < 4:
            boundary = self.r.choice(("b", "=_x", "a b", "outer", f"b{self.r.randrange(4)}", "", "b1", "=_Part_12_345.678", "x" * 300))
            subtype = self.r.choice(("mixed", "alternative", "digest", "related", "Digest", "signed", "x"))
            form = self.r.randrange(12)
            if form == 0:
                parameter = ""
            elif form == 1:
                parameter = f"; boundary*=us-ascii''{boundary.replace(' ', '%20')}"
            elif form == 2:
                parameter = f"; boundary={boundary}"
            else:
                parameter = f"; boundary=\"{boundary}\""
            head = self.header(top, f"multipart/{subtype}{parameter}{self.parameters()}", self.r.choice((None, None, "7bit", "base64")))
            self.boundaries.append(boundary)
            out = [head, end, self.lines()]
            delimiter = b"--" + boundary.encode()
            for _ in range(self.r.randint(0, 4)):
                out.append(b"\r\n" + delimiter + self.r.choice((b"", b"", b"", b" ", b"\t ")) + b"\r\n")
                out.append(self.entity(depth + 1) if not self.chance(12) else self.r.choice((b"", b"\r\n", b"\r\n\r\n", b"a: b", b"a: b\r\n")))
            if not self.chance(4):
                out.append(b"\r\n" + delimiter + b"--" + self.r.choice((b"\r\n", b"", b"junk\r\n")))
            if self.chance(3):
                out.append(self.lines())
            self.boundaries.pop()
            return b"".join(out)
        if depth < 5 and kind == 4:
            return self.header(top, "message/rfc822" + self.parameters(), self.r.choice((None, None, "7bit", "base64", "8bit"))) + end + \
                self.entity(depth + 1, True)
        encoding = self.r.choice((None, None, "base64", "quoted-printable", "7bit", "8bit"))
        return self.header(top, None, encoding) + end + self.body(encoding)


def message(seed):
    """One message, as octets. It begins with a header field: what begins otherwise is not delivered."""
    return b"X-Seed: %d\r\n" % seed + Generator(seed).entity(0, True).replace(b"\0", b"0")
