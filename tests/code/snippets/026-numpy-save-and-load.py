import os

import numpy as np

data = np.eye(3)
np.save("eye.npy", data)
np.savez("both.npz", a=data, b=np.arange(5))
np.savetxt("matrix.txt", data, fmt="%.1f")
print(np.load("eye.npy"))
with np.load("both.npz") as archive:
    print(archive.files, archive["b"])
print(np.loadtxt("matrix.txt").sum())
print(sorted(f for f in os.listdir(".") if f.endswith((".npy", ".npz", ".txt"))))
