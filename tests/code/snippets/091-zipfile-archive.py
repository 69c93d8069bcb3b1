import zipfile
from pathlib import Path

Path("a.txt").write_text("first\n" * 100)
Path("b.txt").write_text("second")
with zipfile.ZipFile("archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.write("a.txt")
    archive.writestr("inside/b.txt", Path("b.txt").read_text())
with zipfile.ZipFile("archive.zip") as archive:
    for info in archive.infolist():
        print(info.filename, info.file_size)
    archive.extractall("out")
print(Path("out/inside/b.txt").read_text(), zipfile.is_zipfile("archive.zip"))
