import subprocess
import sys

result = subprocess.run([sys.executable, "-c", "print('hello from a child')"], capture_output=True, text=True)
print(result.stdout.strip(), result.returncode)
failed = subprocess.run([sys.executable, "-c", "import sys; sys.exit('bad')"], capture_output=True, text=True)
print(failed.returncode, failed.stderr.strip())
try:
    subprocess.run(["no-such-program"], check=True)
except FileNotFoundError as error:
    print("not found:", error.filename)
print(subprocess.check_output("echo $((6 * 7))", shell=True, text=True).strip())
