import base64
import io

import matplotlib.pyplot as plt

fig, ax = plt.subplots()
ax.barh(["a", "b"], [3, 7])
buffer = io.BytesIO()
fig.savefig(buffer, format="png")
plt.close(fig)
encoded = base64.b64encode(buffer.getvalue()).decode()
print(encoded[:11], len(encoded) > 1000)
with open("page.html", "w") as page:
    page.write("<img src='data:image/png;base64,...'>")
