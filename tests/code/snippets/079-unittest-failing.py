import unittest


class TestMath(unittest.TestCase):
    def test_wrong(self):
        self.assertEqual(2 + 2, 5)


if __name__ == "__main__":
    print("running the tests")
    unittest.main()
