import pandas as pd

text = "the quick brown fox jumps over the lazy dog the fox barks"
counts = pd.Series(text.split()).value_counts()
print(counts[counts > 1])
print(counts.head(1).index[0], counts.iloc[0])
print(counts.shape)
