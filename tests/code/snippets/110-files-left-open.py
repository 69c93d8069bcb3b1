import gzip
import zipfile


class Resource:
    def __init__(self, name):
        self.name = name
        print("open", name)

    def __del__(self):
        print("deleted", self.name)


def unused():
    return report


report = open("report.txt", "w")
report.write("not closed by the program, complete all the same\n")
packed = gzip.open("packed.txt.gz", "wt")
packed.write("line\n" * 3)
archive = zipfile.ZipFile("open.zip", "w")
archive.writestr("a.txt", "content")
first = Resource("first")
_private = Resource("private")
last = Resource("last")
last.itself = last
print("end of the program")
