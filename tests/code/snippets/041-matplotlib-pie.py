import matplotlib.pyplot as plt

sizes = [45, 30, 15, 10]
labels = ["Água", "Café", "Chá", "Suco"]
plt.pie(sizes, labels=labels, autopct="%1.1f%%", startangle=90, explode=(0.1, 0, 0, 0), shadow=True)
plt.axis("equal")
plt.title("Bebidas preferidas")
plt.savefig("bebidas.png")
plt.close()
print("Figuras abertas:", plt.get_fignums())
