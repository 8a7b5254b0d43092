"""Random POP3 clients: sessions as lists of Steps, good manners and bad ones, all from one random.Random."""

from base64 import b64encode

from compare import Step
from mailsite import PASSWORD

CRLF = b"\r\n"

# Numbers and arguments that a parser may trip over. `#` stands for an existing message number.
ODD_ARGUMENTS = [b"0", b"-1", b"+1", b"x", b"#x", b"# #", b" #", b"#\t", b"# ", b"", b" ", b"0#", b"4294967295",
                 b"4294967296", b"99999999999999999999", b"\t#", b"\xe4", b"#.0"]
ODD_TOPS = [b"#", b"# ", b"# x", b"# -1", b"#x 0", b"# 1 1", b"9999 x", b"9999 1", b"x 1", b"#  1", b"# 01", b"0 0",
            b"# 4294967296", b"", b" "]
GARBAGE = [b"", b" ", b"  QUIT", b"QUIT x", b"QUIT ", b"XTND x", b"UTF8", b"LANG", b"LISTS", b"HELO example", b"STAT x",
           b"STAT ", b"NOOP x", b"RSET x", b"CAPA x", b"NOOP\r", b"\xff\xfe\x80", b"LAST", b"A" * 600, b"STLS x",
           b"APOP", b"AUTH  ", b"AUTH ", b"NO\tOP", b"\tNOOP", b"LIST\x0b1", b"IMPLEMENTATION"]
ODD_USERS = [b"al*ce", b"a/b", b"a%b", b"al\x01ce", b"\xe4lice", b"x" * 81, b"x" * 200, b"", b" ", b"nobody.here",
             b"nobody@nowhere.example", b"a:b", b"#user ", b" #user"]


def plain(user, password=PASSWORD, authzid=""):
    return b64encode(f"{authzid}\0{user}\0{password}".encode())


class RandomClient:
    """`mailboxes`: login name -> number of messages that are there at first."""

    def __init__(self, rng, mailboxes, deletes=True, tls=True):
        self.rng = rng
        self.user, self.messages = rng.choice(sorted(mailboxes.items()))
        self.deletes = deletes
        self.tls = tls

    def case(self, keyword):
        roll = self.rng.random()
        if roll < 0.8:
            return keyword
        return keyword.lower() if roll < 0.9 else keyword.capitalize()

    def end(self):
        return b"\n" if self.rng.random() < 0.05 else CRLF

    def number(self):
        return str(self.rng.randint(1, self.messages + 1)).encode()

    def sessions(self):
        """One to three sessions, one after the other."""
        return [self.session() for _ in range(self.rng.choice((1, 2, 2, 3)))]

    def session(self):
        steps = []
        if self.tls and self.rng.random() < 0.1:
            steps += [Step([b"STLS\r\n"])]
        while self.rng.random() < 0.5:
            steps += self.before_login()
        if self.rng.random() < 0.05:
            return steps + [Step([b"QUIT\r\n"])]
        steps += self.login()
        commands = []
        for _ in range(self.rng.randint(0, 16)):
            command = self.command() + self.end()
            if command.upper().startswith(b"STLS"):
                steps += [Step(commands), Step([b"STLS\r\n"])]
                commands = []
                continue
            commands.append(command)
            if self.rng.random() < 0.6:
                steps.append(Step(commands))
                commands = []
        if commands:
            steps.append(Step(commands))
        return steps + self.leave()

    # -- AUTHORIZATION --------------------------------------------------------------------------------------------

    def login(self):
        way = self.rng.random()
        user, password = self.user.encode(), PASSWORD.encode()
        if way < 0.5:
            return [Step([b"USER " + user + CRLF, b"PASS " + password + CRLF])]
        # Not behind a folder: Cyrus takes the blank for a part of its name.
        if way < 0.6 and "+" not in self.user:
            return [Step([self.case(b"USER") + b" " + user + b" " + CRLF]), Step([b"PASS " + password + CRLF])]
        if way < 0.8:
            return [Step([self.case(b"AUTH") + b" PLAIN " + plain(self.user) + CRLF])]
        if way < 0.9:
            return [Step([b"AUTH plain\r\n"]), Step([plain(self.user) + CRLF])]
        return [Step([b"AUTH LOGIN\r\n"]), Step([b64encode(user) + CRLF]), Step([b64encode(password) + CRLF])]

    def before_login(self):
        user, rng = self.user.encode(), self.rng
        choice = rng.choice(("capa", "mechanisms", "wrong", "wrong plain", "odd user", "pass first", "user twice",
                             "early", "garbage", "cancel", "no mechanism", "as another", "empty", "bare auth"))
        if choice == "capa":
            return [Step([self.case(b"CAPA") + self.end()])]
        if choice == "mechanisms":
            return [Step([b"AUTH\r\n"])]
        if choice == "wrong":
            password = rng.choice((b"x", b" " + PASSWORD.encode(), b"x" * 300))
            return [Step([b"USER " + user + CRLF, b"PASS " + password + CRLF])]
        if choice == "wrong plain":
            return [Step([b"AUTH PLAIN " + plain(self.user, "wrong") + CRLF])]
        if choice == "odd user":
            # Whatever becomes of the name, PASS ends it: nothing is pending afterwards.
            name = rng.choice(ODD_USERS).replace(b"#user", user.partition(b"+")[0])
            return [Step([b"USER " + name + CRLF]), Step([b"PASS wrong\r\n"])]
        if choice == "pass first":
            return [Step([b"PASS " + PASSWORD.encode() + CRLF])]
        if choice == "user twice":
            return [Step([b"USER " + user + CRLF, b"USER " + user + CRLF, b"CAPA\r\n", b"PASS wrong\r\n"])]
        if choice == "early":
            return [Step([rng.choice((b"STAT", b"LIST", b"UIDL 1", b"RETR 1", b"TOP 1 0", b"DELE 1", b"RSET", b"NOOP",
                                      b"PASS", b"USER", b"PASS ")) + CRLF])]
        if choice == "garbage":
            return [Step([rng.choice(GARBAGE) + CRLF])]
        if choice == "cancel":
            return [Step([b"AUTH PLAIN\r\n"]), Step([rng.choice((b"*", b"*x")) + CRLF])]
        if choice == "no mechanism":
            return [Step([b"AUTH NONSENSE\r\n"])]
        if choice == "as another":
            return [Step([b"AUTH PLAIN " + plain(self.user, authzid="somebody") + CRLF])]
        if choice == "empty":
            return [Step([b"AUTH PLAIN =\r\n"])]
        return [Step([b"AUTH PLAIN\r\n"]), Step([rng.choice((b64encode(b"no nul"), b64encode(b"a\0b"), b"!!!!",
                                                             plain(self.user, "wrong"))) + CRLF])]

    # -- TRANSACTION ----------------------------------------------------------------------------------------------

    def command(self):
        rng = self.rng
        roll = rng.random()
        number = self.number()
        if roll < 0.66:
            keyword, argument = rng.choice((
                (b"STAT", b""), (b"LIST", b""), (b"LIST", number), (b"UIDL", b""), (b"UIDL", number), (b"RETR", number),
                (b"TOP", number + b" %d" % rng.choice((0, 1, 2, 5, 1000))), (b"DELE", number), (b"DELE", number),
                (b"NOOP", b""), (b"RSET", b""), (b"CAPA", b"")))
            return self.case(keyword) + (b" " + argument if argument else b"")
        if roll < 0.84:
            keyword = rng.choice((b"LIST", b"UIDL", b"RETR", b"DELE"))
            return keyword + b" " + rng.choice(ODD_ARGUMENTS).replace(b"#", number)
        if roll < 0.92:
            return b"TOP " + rng.choice(ODD_TOPS).replace(b"#", number)
        return rng.choice(GARBAGE + [b"USER x", b"PASS x", b"AUTH", b"STLS", b"RETR", b"DELE", b"TOP", b"TOP 1"])

    def leave(self):
        rng = self.rng
        if not self.deletes:
            return [Step([b"RSET\r\n", b"QUIT\r\n"])]
        roll = rng.random()
        if roll < 0.8:
            return [Step([b"QUIT\r\n"])]
        if roll < 0.85:
            # QUIT rides in the same packet as what came before.
            return [Step([b"NOOP\r\n", b"QUIT\r\n"])]
        if roll < 0.95:
            return [Step([], end="drop")]
        return [Step([], end="fin")]
