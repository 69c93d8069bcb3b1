import copy
import pickle


class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def __repr__(self):
        return f"Account({self.owner!r}, {self.balance})"


accounts = [Account("Ana", 10), Account("Rui")]
with open("accounts.pkl", "wb") as f:
    pickle.dump(accounts, f)
with open("accounts.pkl", "rb") as f:
    loaded = pickle.load(f)
print(loaded, loaded[0] is accounts[0], type(loaded[0]) is Account)
print(copy.deepcopy(accounts)[1], Account.__module__)
