from pathlib import Path

root = Path("project")
for name in ["src/main.py", "src/lib/tools.py", "docs/index.md", "README.md"]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {path.stem}\n", encoding="utf-8")
for path in sorted(root.rglob("*.py")):
    print(path.as_posix(), path.stat().st_size)
(root / "README.md").rename(root / "LEIAME.md")
print(sorted(p.name for p in root.iterdir()), Path("missing").exists())
print(Path(__file__).name == __import__("sys").argv[0], Path.cwd() == Path(__file__).parent)
