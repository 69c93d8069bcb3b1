import pandas as pd

wide = pd.DataFrame({"student": ["Ana", "Bia"], "math": [9, 7], "history": [8, 10]})
long = wide.melt(id_vars="student", var_name="subject", value_name="grade")
print(long.sort_values(["student", "subject"]).reset_index(drop=True))
long.to_json("grades.json", orient="records", indent=2)
print(open("grades.json").read())
