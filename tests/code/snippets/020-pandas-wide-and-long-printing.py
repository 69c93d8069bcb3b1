import numpy as np
import pandas as pd

wide = pd.DataFrame(np.arange(60).reshape(2, 30), columns=[f"column_{i}" for i in range(30)])
print(wide)
long = pd.DataFrame({"n": range(1000), "square": [n * n for n in range(1000)]})
print(long)
with pd.option_context("display.max_rows", 4):
    print(long)
