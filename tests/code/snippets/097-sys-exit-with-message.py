import sys


def main():
    print("before")
    try:
        sys.exit("fatal: nothing to do")
    finally:
        print("cleanup")


if __name__ == "__main__":
    main()
