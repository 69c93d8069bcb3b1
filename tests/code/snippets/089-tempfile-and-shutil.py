import os
import shutil
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "note.txt")
    with open(path, "w") as f:
        f.write("temporary")
    print(os.path.getsize(path), os.listdir(folder))
    shutil.copy(path, "kept.txt")
print(os.path.exists(path), open("kept.txt").read())
with tempfile.NamedTemporaryFile("w+", suffix=".csv") as f:
    f.write("a,b\n1,2\n")
    f.seek(0)
    print(f.readline().strip())
