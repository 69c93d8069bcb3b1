try:
    import tkinter as tk

    root = tk.Tk()
    root.title("Window")
    tk.Label(root, text="Hello").pack()
    root.mainloop()
except Exception as error:
    print("No window can be opened here:", type(error).__name__ in ("TclError", "ImportError", "ModuleNotFoundError"))
