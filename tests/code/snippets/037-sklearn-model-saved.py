import pickle

from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier

digits = load_digits()
tree = DecisionTreeClassifier(max_depth=8, random_state=0).fit(digits.data, digits.target)
with open("model.pkl", "wb") as f:
    pickle.dump(tree, f)
with open("model.pkl", "rb") as f:
    loaded = pickle.load(f)
print((loaded.predict(digits.data[:10]) == tree.predict(digits.data[:10])).all())
print(loaded.get_depth(), loaded.score(digits.data, digits.target) > 0.8)
