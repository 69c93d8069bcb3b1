import unittest


def add(a, b):
    return a + b


class TestAdd(unittest.TestCase):
    def setUp(self):
        self.pairs = [(1, 2, 3), (-1, 1, 0)]

    def test_pairs(self):
        for a, b, expected in self.pairs:
            with self.subTest(a=a, b=b):
                self.assertEqual(add(a, b), expected)

    def test_types(self):
        with self.assertRaises(TypeError):
            add("1", 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
