import matplotlib.pyplot as plt
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

X, _ = make_blobs(n_samples=90, centers=3, cluster_std=0.6, random_state=3)
kmeans = KMeans(n_clusters=3, n_init=5, random_state=3).fit(X)
print("Sizes:", sorted(int((kmeans.labels_ == k).sum()) for k in range(3)))
print("Inertia below 100:", kmeans.inertia_ < 100)
plt.scatter(X[:, 0], X[:, 1], c=kmeans.labels_, cmap="viridis")
plt.scatter(*kmeans.cluster_centers_.T, marker="x", color="red")
plt.title("K-means")
plt.show()
