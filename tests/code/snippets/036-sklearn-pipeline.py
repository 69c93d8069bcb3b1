from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

wine = load_wine()
pipeline = make_pipeline(StandardScaler(), PCA(n_components=5), LogisticRegression(max_iter=500))
scores = cross_val_score(pipeline, wine.data, wine.target, cv=5)
print("Folds:", len(scores), "above 0.9:", (scores > 0.9).all())
print(pipeline)
