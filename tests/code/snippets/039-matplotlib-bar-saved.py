import matplotlib.pyplot as plt

languages = ["Python", "JavaScript", "Java", "C++"]
popularity = [30, 25, 20, 15]
fig, ax = plt.subplots()
bars = ax.bar(languages, popularity, color=["#4B8BBE", "#F0DB4F", "#f89820", "#00599C"])
ax.bar_label(bars)
ax.set_title("Popularity")
fig.savefig("bars.png", dpi=80, bbox_inches="tight")
fig.savefig("bars.pdf")
fig.savefig("bars.svg")
print("Chart saved as bars.png")
