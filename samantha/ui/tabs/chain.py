"""The Chain tab: what is asked on the left, what is answered in the middle, how on the right.

It turns the fields into a Chain and hands it to the session of the browser's tab; answers come over the session's
stream (`routes.py`), not through Gradio. Nothing that was typed is ever replaced by a failure.
"""

import re
from collections.abc import Sequence
from itertools import chain as joined
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr
import msgspec

from samantha.chain import collections, files, prompts, steps
from samantha.chain.chain import Chain
from samantha.errors import ChainError, HyperparameterError, SamanthaError
from samantha.models.templates import BUILT_IN
from samantha.ui import code_access, controls, texts
from samantha.ui.components import Module, module, named
from samantha.ui.controls import FieldError, Fields
from samantha.ui.workbench import Workbench

PREVIEWED = 60
"""Steps that the preview lists."""

Problem = dict[str, Any]
NOTHING: Problem = {}


class ChainTab:
    """The tab's components. `fields` is what makes a chain, in the order of `_chain`'s arguments."""

    def __init__(self, workbench: Workbench, header: Module, language: str) -> None:
        self._workbench = workbench
        self._header = header
        self._labels: list[tuple[Any, dict[str, str]]] = []
        self._language = language
        with gr.Row(elem_id="chain", equal_height=False):
            with gr.Column(elem_id="inputs", min_width=200):
                self._draw_files()
                self._draw_fields()
                self._draw_models()
                self._draw_buttons()
            with gr.Column(elem_id="middle", min_width=200):
                self._preview = module("fields", kind="preview", elem_id="preview")
                module("responses", elem_id="responses")
            with gr.Column(elem_id="settings", min_width=200):
                self._draw_settings()
        self.fields = [
            self._system, self._previous, self._prompts, self._feedback, self._models, self._responses, self._loops,
            self._settings, self._access,
        ]  # fmt: skip
        self._lines = [
            self._prompts_line, self._models_line, self._settings_line, self._access_line, self._start_line
        ]  # fmt: skip
        self._wire()

    def _text(self, key: str) -> str:
        return texts.text(self._language, f"inputs.{key}")

    def _labelled(self, component: Any, **keys: str) -> Any:
        """Remember which texts a component carries, for the change of language."""
        self._labels.append((component, keys))
        return component

    def relabelled(self, language: str) -> list[Any]:
        """The updates that bring every label into a language; they go to `labelled`."""
        return [
            _update({name: texts.text(language, f"inputs.{key}") for name, key in keys.items()})
            for _, keys in self._labels
        ]

    @property
    def labelled(self) -> list[Any]:
        """The components that carry texts."""
        return [component for component, _ in self._labels]

    def _draw_files(self) -> None:
        with gr.Row(elem_id="files"):
            self._chains = module(
                "fields", kind="picker", id="chains", text="inputs.chains", field="inputs.chain_choose",
                functions=[named("entries", chain_entries)],
            )  # fmt: skip
            self._load = self._labelled(
                gr.UploadButton(self._text("load"), file_types=[".toml", ".txt"], type="binary", elem_id="load"),
                label="load",
            )
            self._save = self._labelled(gr.Button(self._text("save"), elem_id="save"), value="save")
            self._saved = module("fields", kind="save")

    def _draw_fields(self) -> None:
        with gr.Column(elem_classes="field"):
            self._system = self._area("system", lines=2, most=8)
            self._system_entries = self._collection("system")
        with gr.Column(elem_classes="field"):
            self._previous = self._area("previous", lines=1, most=6)
            self._feedback = self._labelled(
                gr.Checkbox(label=self._text("feedback"), elem_id="feedback", container=False), label="feedback"
            )
            module("fields", kind="replaced")
        with gr.Column(elem_classes="field"):
            self._prompts = self._area("prompts", lines=7, most=18, value=prompts.EXAMPLE)
            self._prompt_entries = self._collection("prompts")
            self._prompts_line = module(
                "fields", _counts(Chain(prompts=prompts.EXAMPLE)), kind="status", elem_id="prompts-line"
            )

    def _area(self, name: str, lines: int, most: int, value: str = "") -> gr.Textbox:
        area = gr.Textbox(
            value, label=self._text(name), placeholder=self._text(f"{name}_placeholder"), lines=lines, max_lines=most,
            elem_id=name, autofocus=name == "prompts",
        )  # fmt: skip
        self._labelled(area, label=name, placeholder=f"{name}_placeholder")
        return area

    def _collection(self, field: str) -> Module:
        return module(
            "fields", kind="picker", id=f"{field}-collection", text="inputs.collection", field=f"inputs.{field}",
            elem_classes=["collection"], functions=[named("entries", lambda: collection_entries(field))],
        )  # fmt: skip

    def _draw_models(self) -> None:
        self._models = module(
            "models", ["tiny"], elem_id="models", functions=[named("choices", self._workbench.choices)]
        )
        self._models_line = module("fields", {}, kind="status", elem_id="models-line")
        with gr.Row(elem_id="counts"):
            self._responses = self._labelled(
                gr.Number(
                    1, label=self._text("responses"), minimum=1, precision=None, elem_id="responses-count", min_width=80
                ),
                label="responses",
            )
            self._loops = self._labelled(
                gr.Number(1, label=self._text("loops"), minimum=0, precision=None, elem_id="loops-count", min_width=80),
                label="loops",
            )

    def _draw_buttons(self) -> None:
        with gr.Column(elem_id="actions"):
            self._start_line = module("fields", {}, kind="status", elem_id="start-line")
            with gr.Row():
                self._start = self._button("start", variant="primary")
                self._skip = self._button("skip")
                self._stop = self._button("stop")
            with gr.Row(elem_classes="quiet"):
                self._clear = self._button("clear")
                self._replace = self._button("replace")
                module("fields", kind="planned", elem_id="steps")
                self._preview_button = self._labelled(
                    gr.Button(self._text("preview"), elem_id="preview-button", min_width=20), value="preview"
                )

    def _button(self, name: str, variant: Any = "secondary") -> gr.Button:
        button = gr.Button(self._text(name), variant=variant, elem_id=name, min_width=60)
        self._labelled(button, value=name)
        return button

    def _draw_settings(self) -> None:
        bench = self._workbench
        self._settings = module(
            "settings", controls.panel(Chain()), elem_id="panel", knobs=controls.declaration(),
            flags=list(controls.FLAGS), code_flags=list(controls.CODE_FLAGS),
            flag_defaults={name: getattr(Chain(), name) for name in (*controls.FLAGS, *controls.CODE_FLAGS)},
            presets=controls.shipped_presets(), templates=list(BUILT_IN),
            functions=[
                named("own_presets", bench.own_presets), named("save_preset", bench.save_preset),
                named("delete_preset", bench.delete_preset),
            ],
        )  # fmt: skip
        self._settings_line = module("fields", {}, kind="status", elem_id="settings-line")
        self._access = module("access", {"files": []}, elem_id="access", functions=code_access.functions(bench))
        self._access_line = module("fields", {}, kind="status", elem_id="access-line")

    def _wire(self) -> None:
        quick: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        inputs = [self._header, *self.fields]
        self._start.click(self._on_start, inputs, self._lines, concurrency_limit=None, **quick)
        for button, act in (
            (self._skip, "skip"),
            (self._stop, "stop"),
            (self._clear, "clear"),
            (self._replace, "replace_response"),
        ):
            button.click(self._acting(act), self._header, self._start_line, concurrency_limit=None, **quick)
        gr.on(
            [field.change for field in (
                self._prompts, self._models, self._responses, self._loops, self._settings, self._access,
            )],
            self._on_typing, self.fields, self._lines, trigger_mode="always_last", concurrency_limit=None, **quick,
        )  # fmt: skip
        self._preview_button.click(self._on_preview, self.fields, [self._preview, *self._lines], **quick)
        self._system_entries.change(_entry, self._system_entries, self._system, **quick)
        self._prompt_entries.change(_entry, self._prompt_entries, self._prompts, **quick)
        filled = [*self.fields, *self._lines]
        self._chains.change(self._on_chain_chosen, [self._header, self._chains], filled, **quick)
        self._load.upload(self._on_load, self._load, filled, **quick)
        self._save.click(self._on_save, self.fields, [self._saved, *self._lines], **quick)

    @staticmethod
    def chain(values: Sequence[Any]) -> Chain:
        """The chain of the values of `fields`.

        Raises:
            FieldError: what is wrong, and beside which field.
        """
        return _chain(values)

    def filling(self) -> list[Any]:
        """The outputs that `filled` gives values for."""
        return [*self.fields, *self._lines]

    def _on_start(self, header: Any, *fields: Any) -> list[Problem]:
        try:
            chain = _chain(fields)
            self._session(header).start(chain)
        except SamanthaError as error:
            return _problems(error)
        return _fine(chain)

    def _acting(self, name: str) -> Any:
        def act(header: Any) -> Problem:
            getattr(self._session(header), name)()
            return NOTHING

        return act

    def _session(self, header: Any) -> Any:
        try:
            return self._workbench.sessions.of(str((header or {}).get("tab", "")))
        except ValueError:
            raise FieldError("start", key="problem.gone") from None

    def _on_typing(self, *fields: Any) -> list[Problem]:
        try:
            return _fine(_chain(fields, empty=True))
        except SamanthaError as error:
            return _problems(error)

    def _on_preview(self, *fields: Any) -> list[Any]:
        try:
            chain = _chain(fields)
            files.validate(chain)
            return [planned(chain), *_fine(chain)]
        except SamanthaError as error:
            return [None, *_problems(error)]

    def _on_chain_chosen(self, header: Any, choice: Any) -> list[Any]:
        def read() -> Chain:
            chain = files.read(_shipped_chain(str((choice or {}).get("entry", ""))))
            grants = self._session(header).grants
            for name in chain.files:  # they lie in the chain's own folder, which is the user's: choosing it allows them
                grants.allow(name)
            return chain

        return self._opened(read)

    def _on_load(self, content: bytes | None) -> list[Any]:
        return self._opened(lambda: _uploaded(content or b""))

    def _opened(self, read: Any) -> list[Any]:
        try:
            return filled(read())
        except SamanthaError as error:
            lines = [*(gr.skip() for _ in self._lines[1:]), {"problem": str(error)}]
            return [*(gr.skip() for _ in self.fields), *lines]

    def _on_save(self, *fields: Any) -> list[Any]:
        try:
            chain = _chain(fields)
            return [{"name": "chain.toml", "text": files.to_toml(chain)}, *_fine(chain)]
        except SamanthaError as error:
            return [None, *_problems(error)]


def _chain(fields: Sequence[Any], *, empty: bool = False) -> Chain:
    """The chain of the fields; `empty` lets the prompt list be empty.

    Raises:
        FieldError: what is wrong, and beside which field.
    """
    system, previous, text, feedback, models, responses, loops, values, access = fields
    chain = controls.chain_of(
        Fields(
            system=system or "", previous=previous or "", prompts=text or "", feedback=bool(feedback),
            models=tuple(str(name) for name in models or ()), responses=responses, loops=loops,
            files=tuple(str(name) for name in (access or {}).get("files", ())),
        ),
        values,
    )  # fmt: skip
    try:
        items = prompts.parse(chain.prompts, chain.variables).items
    except (ChainError, HyperparameterError) as error:
        raise FieldError("prompts", str(error)) from None
    if not items and not empty:
        raise FieldError("prompts", key="problem.prompts")
    return chain


def _problems(error: SamanthaError) -> list[Problem]:
    """The lines, the one of the field concerned holding the sentence."""
    shown = error.shown() if isinstance(error, FieldError) else {"problem": str(error)}
    field = error.field if isinstance(error, FieldError) else "start"
    return [shown if name == field else NOTHING for name in controls.FIELDS]


def _fine(chain: Chain) -> list[Problem]:
    """The lines when nothing is wrong: what the prompt list holds beneath it."""
    return [_counts(chain), *(NOTHING for _ in controls.FIELDS[1:])]


def _counts(chain: Chain) -> Problem:
    """What the prompt list holds, for the line beneath it."""
    found = prompts.parse(chain.prompts, chain.variables)
    return {
        "counts": {
            "prompts": len(found.items), "ignored": found.ignored, "shared": bool(found.shared),
            "final": found.final is not None, "steps": steps.total(chain, found.items) if found.items else 0,
        }
    }  # fmt: skip


def planned(chain: Chain) -> dict[str, Any]:
    """The steps that a start would make, without running them."""
    items = prompts.parse(chain.prompts, chain.variables).items
    groups = steps.groups(chain, items, chain.seed or 0)
    listed = islice(joined.from_iterable([(step, len(group)) for step in group] for group in groups), PREVIEWED)
    rows = [
        {
            "step": step.number, "model": Path(step.model).name or step.model, "number": step.item.number,
            "prompt": step.item.source, "response": step.response, "loop": step.loop, "group": size,
        }
        for step, size in listed
    ]  # fmt: skip
    return {"steps": sorted(rows, key=lambda row: row["step"]), "total": steps.total(chain, items)}


def filled(chain: Chain) -> list[Any]:
    """The values of every field, and of the lines beneath them, for a chain that was opened."""
    try:
        line = _counts(chain)
    except SamanthaError as error:
        line = {"problem": str(error)}
    return [
        chain.system, chain.previous_response, chain.prompts, chain.feedback_loop, list(chain.models), chain.responses,
        chain.loops, msgspec.to_builtins(controls.panel(chain)), {"files": list(chain.files)}, line,
        *(NOTHING for _ in controls.FIELDS[1:]),
    ]  # fmt: skip


def _uploaded(content: bytes) -> Chain:
    """The chain in a file that was uploaded: TOML if it reads as such a chain, else a prompt list."""
    text = content.decode("utf-8-sig", "replace")
    try:
        return files.from_toml(text, "The file")
    except ChainError:
        if "=" in text and "prompts" in text:
            raise
        return Chain(prompts=text)


def chain_entries() -> list[dict[str, str]]:
    """The chain files of `prompts/`, read anew."""
    return [{"label": re.sub(r"[_-]+", " ", path.stem), "value": path.name} for path in collections.chain_files()]


def _shipped_chain(name: str) -> Path:
    found = next((path for path in collections.chain_files() if path.name == name), None)
    if found is None:
        raise ChainError(f"There is no chain {name!r} in the folder prompts any more: choose another.")
    return found


def collection_entries(field: str) -> list[dict[str, str]]:
    """The entries of the collections for a field, read anew; a file that cannot be read is left out."""
    found = []
    for collection in collections.collections():
        if collection.field != field:
            continue
        try:
            found += [{"label": entry.title[:80], "value": entry.text} for entry in collection.entries()]
        except ChainError:
            continue
    return found


def _entry(choice: Any) -> Any:
    return (choice or {}).get("entry", gr.skip())


def _update(properties: dict[str, Any]) -> Any:
    """A change of some of a component's properties."""
    return {"__type__": "update", **properties}
