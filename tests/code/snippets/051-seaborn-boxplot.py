import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

sns.set_theme(style="whitegrid")
rng = np.random.default_rng(2)
df = pd.DataFrame({"day": np.repeat(["Thu", "Fri", "Sat"], 30), "bill": rng.gamma(3, 6, 90)})
ax = sns.boxplot(data=df, x="day", y="bill", hue="day")
ax.set_title("Bills")
plt.show()
print(df.groupby("day")["bill"].median().round(2))
