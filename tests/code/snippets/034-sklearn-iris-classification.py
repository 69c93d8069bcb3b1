from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split

iris = load_iris()
X_train, X_test, y_train, y_test = train_test_split(iris.data, iris.target, test_size=0.3, random_state=42)
model = RandomForestClassifier(n_estimators=20, random_state=42)
model.fit(X_train, y_train)
predicted = model.predict(X_test)
print("Accuracy:", accuracy_score(y_test, predicted))
print(confusion_matrix(y_test, predicted))
print([str(name) for name in iris.target_names])
