import importlib
import sys
from pathlib import Path

Path("geometry.py").write_text("PI = 3\n\ndef area(r):\n    return PI * r * r\n")
import geometry

print(geometry.area(2), geometry.__file__.endswith("geometry.py"))
Path("geometry.py").write_text("PI = 3.14159\n\ndef area(r):\n    return PI * r * r  # better\n")
importlib.reload(geometry)
print(geometry.area(2))
print(sys.path[0] == str(Path.cwd()), "__main__" in sys.modules)
