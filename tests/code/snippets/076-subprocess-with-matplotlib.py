import subprocess
import sys
from pathlib import Path

Path("plot.py").write_text(
    "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.savefig('child.png')\nplt.show()\nprint('drawn')\n"
)
done = subprocess.run([sys.executable, "plot.py"], capture_output=True, text=True)
print(done.stdout.strip(), done.returncode)
print(Path("child.png").exists())
