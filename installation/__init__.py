"""The rooms of install.py: standard library only, and no syntax that Python 3.8 lacks.

They use nothing of the `samantha` package, which is not installed yet when they run, and nothing of it uses them.
"""
