import matplotlib.pyplot as plt

x = [1, 2, 3]
y = [1, 4]
plt.plot(x, y)
plt.show()
