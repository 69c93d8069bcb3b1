import argparse

parser = argparse.ArgumentParser()
parser.add_argument("filename", help="file to process")
parser.add_argument("-v", "--verbose", action="store_true")
args = parser.parse_args()
print(args.filename)
