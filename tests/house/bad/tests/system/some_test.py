import unittest


class Base(unittest.TestCase):
    def test_inherited(self):
        pass


class Good(Base):
    def test_runs(self):
        pass

    @unittest.skip("not now")
    def test_skipped(self):
        pass


@unittest.skip("not here")
class Off(unittest.TestCase):
    def test_any(self):
        pass
