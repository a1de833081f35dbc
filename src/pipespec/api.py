"""The functions that notebooks and the command line call. They combine the stages.

    load(file)         a file -> document -> spec, checked: a `Pipeline`, which plans and runs

The stages do not use files, the environment, git, the clock or servers by themselves: these enter here, in `operations` and in
`project`. Each function imports what it needs: for example, `validate` loads neither planning nor tracking.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.pipeline import Pipeline, StepHandle, takes_several

if TYPE_CHECKING:
    from pipespec.converting.conversion import Conversion
    from pipespec.operations.calling.call_function import FunctionCall
    from pipespec.operations.compiling.read_document import PipelineNames
    from pipespec.operations.compiling.validate_files import Findings
    from pipespec.operations.housekeeping.serve_pages import Pages
    from pipespec.operations.running.watched_pipeline import WatchedPipeline
    from pipespec.plan.garbage import Garbage
    from pipespec.plan.lineage import Lineage
    from pipespec.plan.new_project import NewProject
    from pipespec.plan.old_results.import_report import ImportReport
    from pipespec.plan.pipeline_diff import Difference
    from pipespec.plan.reproduction import Reproduction
    from pipespec.plan.results import RunReport
    from pipespec.plan.run_comparison import NewBaseline
    from pipespec.plan.store_findings import Examination
    from pipespec.project.option_defaults import OptionDefault
    from pipespec.spec.run_options import RunOption

__all__ = [
    "Pipeline",
    "StepHandle",
    "collect_garbage",
    "convert",
    "convert_kedro",
    "diagnostic_pages",
    "diff",
    "env_names",
    "examine",
    "find_env_overlay",
    "find_pipeline",
    "function",
    "import_results",
    "init",
    "lineage",
    "load",
    "misspelled_variables",
    "names",
    "open_pages",
    "option_defaults",
    "read_env_file",
    "remembered_run",
    "render",
    "reproduce",
    "run_options",
    "schema",
    "set_baseline",
    "templates",
    "validate",
    "watch",
]


def find_pipeline(place: str | None = None) -> str:
    """Return the only pipeline of a folder. Without a folder, search the working directory, then the folders above it.

    If `[tool.pipespec]` in the project's pyproject.toml sets `file`, that file is the answer.

    Raises:
        UsageError: if there is no pipeline, or there are several.
    """
    from pipespec.project.pipeline_choice import choose_pipeline

    return choose_pipeline(place)


def find_env_overlay(file: str, env: str) -> str:
    """Return the overlay of a pipeline for an environment: for `prod`, `FILE.prod.yaml` beside it.

    Raises:
        UsageError: if there is no such file.
    """
    from pipespec.project.pipeline_choice import overlay_of_environment

    return overlay_of_environment(file, env)


@takes_several
def names(file: str, *, overlays: Sequence[str] = ()) -> PipelineNames:
    """Return the names that a command line can use for a pipeline: steps, variants, outputs, paths of values.

    Does not trust the file, and reads no code. Leaves out what has mistakes.

    Raises:
        InvalidPipelineError: if the file cannot be read at all.
    """
    from pipespec.operations.compiling.read_document import read_names

    return read_names(file, overlays)


def option_defaults(file: str | None = None) -> Mapping[str, OptionDefault]:
    """Return the defaults of options that `PIPESPEC_*` variables and `[tool.pipespec]` set, for a trusted pipeline.

    The functions in this module do not use them; the command line passes them as arguments.

    Raises:
        UsageError: if a value does not fit its option.
    """
    from pipespec.project.option_defaults import option_defaults as read

    return read(file, os.environ)


def misspelled_variables() -> Mapping[str, str]:
    """Return variables `PIPESPEC_*` of the environment that mean nothing, each with the one that was probably meant."""
    from pipespec.project.option_defaults import misspelled_variables as found

    return found(os.environ)


def read_env_file(file: str) -> None:
    """Add the variables of `.env` in the project's root to the environment, except those that are set already.

    Raises:
        UsageError: if that file cannot be read.
    """
    from pipespec.project.env_file import read_env_file as read

    read(file, os.environ)


def env_names(file: str) -> tuple[str, ...]:
    """Return the environments for which a pipeline has overlays beside it: `prod` for `FILE.prod.yaml`."""
    from pipespec.project.pipeline_choice import environments_of

    return environments_of(file)


def run_options(file: str) -> tuple[RunOption, ...]:
    """Return the command-line options that a pipeline file declares for its params.

    Raises:
        InvalidPipelineError: if the file cannot be read.
    """
    from pipespec.operations.compiling.read_document import read_options

    return read_options(file)


@takes_several
def validate(
    files: Sequence[str],
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    import_timeout: float | None = None,
) -> Findings:
    """Find all errors and advice for some files, and for the pipelines below some folders, in their order.

    Does not import or run code of the project, read environment variables or open connections. With an `import_timeout`, the
    callables of the pipelines are imported, in a process of their own, each within that number of seconds.

    Raises:
        UsageError: if there is no pipeline below the folders.
    """
    from pipespec.operations.compiling.validate_files import validate_all

    return validate_all(files, overlays=overlays, overrides=overrides, import_timeout=import_timeout)


@takes_several
def load(
    file: str | Path,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    sweeps: Sequence[str] = (),
    trusted: bool = True,
    requires_values: bool = True,
) -> Pipeline:
    """Load a pipeline. Overlays (files) and then overrides (`params.model.epochs=1`) change it, in their order.

    With `sweeps` (`params.model.depth=4,8`, `params.seed=range(1,5)`), the pipeline contains the steps of all points. A step
    that is the same at several points is contained once.

    Without `trusted`, references to the environment stay as written; use it for files from strangers. Without
    `requires_values`, `???` is an open value: the pipeline can be inspected, but not planned.

    Raises:
        InvalidPipelineError: with all mistakes of the pipeline.
    """
    if sweeps:
        from pipespec.operations.compiling.sweep import compile_sweep, read_sweeps

        sweep = compile_sweep(file, read_sweeps(sweeps), overlays=overlays, overrides=overrides)
        return Pipeline(sweep.pipeline, sweep)
    from pipespec.operations.compiling.compile_file import compile_file

    keeps = None if requires_values else True
    compiled = compile_file(file, overlays=overlays, overrides=overrides, trusted=trusted, keeps_unset=keeps)
    return Pipeline(compiled.checked(), compiled, requires_values)


def function(call: str) -> FunctionCall:
    """Find a function of the project by `module:function`, to call it once. Its code is only imported by the call.

    Raises:
        UsageError: if there is no such function, or its source cannot be read.
    """
    from pipespec.operations.calling.call_function import function_call

    return function_call(call, Path.cwd())


@takes_several
def remembered_run(
    file: str, *targets: str, overlays: Sequence[str] = (), overrides: Sequence[str] = ()
) -> RunReport | None:
    """Return the report of a run that has nothing to do, if an earlier run found this and nothing has changed since.

    None means that this is not known: load the pipeline, and run it. Records, witnesses, artifacts and inputs are checked
    as by any plan.

    Raises:
        StoreUnavailableError: if the records cannot be read.
    """
    from pipespec.operations.planning.reuse_memo import recall_reuse

    return recall_reuse(file, targets, overlays, overrides)


@takes_several
def watch(file: str, *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()) -> WatchedPipeline:
    """Return an object that waits until a pipeline must run again: its files, code, inputs, or files that its steps opened changed.

        watched = watch("pipeline.yaml")
        while True:
            pipeline = load("pipeline.yaml")
            watched.note(pipeline.source)
            watched.note_run(pipeline.source, pipeline.run(check=False))
            print(watched.wait())

    Raises:
        UsageError: if there is no such file, or the package that watches folders is not installed.
    """
    from pipespec.operations.running.watched_pipeline import WatchedPipeline

    return WatchedPipeline(file, overlays, overrides)


@takes_several
def diff(
    old: str,
    new: str | None = None,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    records: bool = False,
) -> Difference:
    """Compare two pipelines. Each is a file, `FILE@REVISION` or `run:ID`; overlays and overrides change the second.

    Without a second, a file is compared with its last commit, and a run with its file. With `records`, the second must be a
    file, and the answer says which of its steps are complete in the store, and how long the others may take.

    Raises:
        UsageError: if a revision, run or file does not exist.
        InvalidPipelineError: if a file has mistakes.
        StoreUnavailableError: if the store is needed and cannot be reached.
    """
    if records:
        from pipespec.operations.inspecting.compare_with_records import compare_with_records

        return compare_with_records(old, new, overlays=overlays, overrides=overrides)
    from pipespec.operations.inspecting.compare_versions import compare

    return compare(old, new, overlays=overlays, overrides=overrides)


@takes_several
def lineage(
    run: str,
    file: str | None = None,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    up: bool = True,
    down: bool = True,
) -> Lineage:
    """Find what the outputs of a step's run were made from (`up`), and what was made from them (`down`), in all pipelines.

    `run` is an id, its first digits, or a version of a registered model: `models:/news-classifier@champion`. The store of the
    pipeline `file` is read; by default it is the store of the project in the working directory.

    Raises:
        UsageError: if there is no such run, or it is not the run of a step.
        StoreUnavailableError: if the store cannot be reached.
    """
    if file is not None:
        return load(file, overlays=overlays, overrides=overrides).lineage(run, up=up, down=down)
    from pipespec.operations.housekeeping.store_place import StorePlace
    from pipespec.operations.inspecting.lineage import lineage as find

    place = StorePlace.here()
    with place.read() as ledger:
        return find(ledger, run, place.root, up=up, down=down, open_registry=place.read_registry)


@takes_several
def reproduce(
    run: str,
    file: str | None = None,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    tolerance: float = 0.0,
    environment: Literal["uv"] | None = None,
    folder: str | Path | None = None,
    keep: bool = False,
    workers: int | None = None,
    quiet: bool = True,
) -> Reproduction:
    """Repeat a past run and compare the results, like `Pipeline.reproduce`. `file` is as for `lineage`, and may have mistakes.

    Raises:
        InvalidPipelineError: if the file cannot be read at all.
        UsageError: if the run cannot be repeated; the text gives the reason.
        PipespecError: if the work tree or the environment cannot be created.
        StoreUnavailableError: if the store cannot be reached.
    """
    from pipespec.operations.compiling.compile_file import compile_file
    from pipespec.operations.housekeeping.store_place import StorePlace
    from pipespec.operations.reproducing.reproduce import ReproduceOptions
    from pipespec.operations.reproducing.reproduce import reproduce as make_again

    place = StorePlace.here()
    if file is not None:
        compiled = compile_file(file, overlays=overlays, overrides=overrides, trusted=True, keeps_unset=True)
        place = StorePlace.of(compiled.spec or compiled.checked())
    into = None if folder is None else Path(folder)
    options = ReproduceOptions(tolerance, environment, into, keep, workers, quiet)
    with place.read() as ledger:
        return make_again(ledger, run, place.root, options)


@takes_several
def set_baseline(
    run: str,
    file: str | None = None,
    *,
    name: str = "default",
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> NewBaseline:
    """Mark a finished run as the baseline of its step, or of the invocations of its pipeline, under a name.

    `file` is as for `lineage`.

    Raises:
        UsageError: if there is no such run, or it did not finish.
        StoreUnavailableError: if the store cannot be read or written.
    """
    if file is not None:
        return load(file, overlays=overlays, overrides=overrides).set_baseline(run, name=name)
    from pipespec.operations.housekeeping.store_place import StorePlace
    from pipespec.operations.inspecting.baselines import set_baseline as mark

    place = StorePlace.here()
    with place.read() as ledger:
        return mark(ledger, place.write, run, name)


@takes_several
def schema(
    file: str | Path | None = None, *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the JSON schema of pipeline files, or a schema for one file that also contains the names in its project.

    The file may have mistakes. No code of the project is imported.

    Raises:
        InvalidPipelineError: if the file cannot be read, or has no steps.
    """
    from pipespec.spec.schema.document_schema import load_schema

    if file is None:
        return dict(load_schema())
    from pipespec.checks.editor.project_schema import project_schema
    from pipespec.operations.compiling.compile_file import compile_file, read_signatures

    compiled = compile_file(file, overlays=overlays, overrides=overrides, trusted=False)
    if compiled.spec is None:
        raise InvalidPipelineError(compiled.diagnostics, compiled.sources)
    return project_schema(load_schema(), compiled.spec, read_signatures(compiled.spec, compiled.modules))


def diagnostic_pages() -> Mapping[str, str]:
    """Return the documentation of each diagnostic, as Markdown, by its code."""
    from pipespec.checks.diagnostic_pages import load_pages

    return load_pages()


@takes_several
def render(
    file: str | Path,
    *,
    format_: str = "luigi",
    module: str | None = None,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> str:
    """Return a pipeline as a Luigi module that needs no pipeline file (`luigi`), or as its resolved document (`yaml`).

    `module` is the name of the module. Does not import or run code of the project, or read environment variables: the module
    reads them when it runs.

    Raises:
        InvalidPipelineError: with all mistakes, or with all parts of the pipeline that such a module does not support.
    """
    from pipespec.operations.render_pipeline import luigi_module, resolved_yaml

    if format_ == "yaml":
        return resolved_yaml(str(file), overlays=overlays, overrides=overrides)
    return luigi_module(str(file), overlays=overlays, overrides=overrides, module=module)


@takes_several
def collect_garbage(
    files: Sequence[str],
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    keep_last: int = 10,
    keep_tags: Sequence[str] = (),
    older_than: str = "7d",
    delete: bool = False,
    purge: bool = False,
) -> Garbage:
    """Find runs of these pipelines that nothing uses, and files that are left in `.pipespec`. With `delete`, delete them.

    These are kept: runs that the pipelines use now, also with the overlays of their environments; the last `keep_last`
    invocations; runs with the tag `baseline` or one of `keep_tags` (`NAME` or `NAME=VALUE`); runs that registered models were
    made by; all runs that one of these, or a run of another pipeline, has read; and runs that are younger than `older_than`.
    `delete` deletes runs as MLflow's page does, so that they can be restored. `purge` removes them and their files for good.

    Raises:
        UsageError: if an option does not fit, the pipelines use several stores, or one of them may be running.
        InvalidPipelineError: if a pipeline, or one of its environments, has mistakes.
        StoreUnavailableError: if the store cannot be reached.
    """
    from pipespec.operations.compiling.compile_file import compile_file
    from pipespec.operations.housekeeping.collect_garbage import GarbageOptions
    from pipespec.operations.housekeeping.collect_garbage import collect_garbage as collect

    sources = [compile_file(file, overlays=overlays, overrides=overrides, trusted=True) for file in files]
    layers: list[tuple[str, tuple[str, ...]]] = [(file, ()) for file in files if overlays or overrides]
    layers += [(file, (find_env_overlay(file, env),)) for file in files for env in env_names(file)]
    environments = [compile_file(file, overlays=laid, trusted=True) for file, laid in layers]
    for compiled in (*sources, *environments):
        compiled.checked()
    return collect(sources, environments, GarbageOptions(keep_last, keep_tags, older_than, delete, purge))


@takes_several
def examine(
    file: str | Path, *, overlays: Sequence[str] = (), overrides: Sequence[str] = (), verify: bool = False
) -> Examination:
    """Find what is wrong in the store of a pipeline and in the project's `.pipespec`. Nothing is changed.

    With `verify`, the content of recorded outputs and of the caches is compared with digests. A store that cannot be reached
    is a finding, not an error.

    Raises:
        InvalidPipelineError: if the pipeline has mistakes.
        UsageError: if the tracking URI cannot be a tracking store.
    """
    from pipespec.operations.housekeeping.examine_store import examine as examine_store
    from pipespec.operations.housekeeping.store_place import StorePlace

    spec = load(file, overlays=overlays, overrides=overrides, requires_values=False).spec
    return examine_store(StorePlace.of(spec), verify=verify)


@takes_several
def import_results(
    table: str | Path,
    *,
    pipeline: str | Path | None = None,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    experiment: str | None = None,
    kinds: Sequence[str] = (),
    encoding: str | None = None,
    sheet: str | None = None,
    percent: bool = False,
    thousands: bool = False,
    dry_run: bool = False,
    check: bool = True,
) -> ImportReport:
    """Record the rows of a table (.csv, .xlsx) as finished runs, each once. The second row says parameter, metric or tag.

    The runs go to the store of `pipeline`, with its overlays and overrides, or to the store of the project. `experiment` is for
    rows that do not name one. `kinds` (`memo=tag`) replace what the second row says. `percent` reads `84.3%` as 0.843,
    `thousands` reads `1,024` as 1024. With `dry_run`, nothing is recorded.

    Raises:
        UsageError: if the table cannot be read, or, unless `check` is False, has wrong cells. Nothing is recorded then.
        InvalidPipelineError: if the pipeline has mistakes.
        StoreUnavailableError: if the store cannot be read or written.
    """
    from pipespec.operations.housekeeping.import_results import ImportOptions, import_table
    from pipespec.operations.housekeeping.store_place import StorePlace

    if pipeline is None and (overlays or overrides):
        raise UsageError("overlays and overrides need a pipeline to lie over; name it with --pipeline FILE")
    place = (
        StorePlace.here()
        if pipeline is None
        else StorePlace.of(load(pipeline, overlays=overlays, overrides=overrides, requires_values=False).spec)
    )
    asked = ImportOptions(experiment, kinds, encoding, sheet, percent, thousands, dry_run)
    report = import_table(os.fspath(table), place, asked)
    if check and report.problems:
        from pipespec.views.import_view import render_problems

        raise UsageError(render_problems(report))
    return report


@takes_several
def open_pages(
    file: str | Path,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    luigi: bool = False,
    port: int | None = None,
) -> Pages:
    """Return MLflow's pages for a pipeline or, with `luigi`, the pages of its luigid. Close them when you are done.

    If the store, or `engine.scheduler`, is not a server, one is started on this machine, at `port` or at a free port.

    Raises:
        UsageError: if nothing is recorded yet, or the port is in use.
        PipespecError: if the server does not start.
        StoreUnavailableError: if the store cannot be reached.
    """
    from pipespec.operations.housekeeping.serve_pages import luigi_pages, mlflow_pages
    from pipespec.operations.housekeeping.store_place import StorePlace

    spec = load(file, overlays=overlays, overrides=overrides, requires_values=False).spec
    place = StorePlace.of(spec)
    if luigi:
        return luigi_pages(place, spec.engine.scheduler, port)
    return mlflow_pages(place, spec.name, port)


def init(folder: str | Path = ".", *, template: str = "minimal") -> NewProject:
    """Create a small project that runs, and return what was created. The templates are `minimal`, `sklearn`, `sweep` and `sql`.

    An existing README is kept, and missing lines are added to an existing `.gitignore`.

    Raises:
        UsageError: if there is no such template, another file exists already, or the folder cannot be written. Nothing is
            created then.
    """
    from pipespec.operations.init_project import make_project

    return make_project(Path(folder), template)


def templates() -> Mapping[str, str]:
    """Return the templates of `init`: by name, what the pipeline of each does."""
    from pipespec.operations.init_project import TEMPLATES

    return TEMPLATES


def convert(source: Path, *, target: Path | None = None) -> Conversion:
    """Convert a dvc.yaml, or the one in a folder. Return the text of a pipeline file, and a list of what has no equivalent.

    Paths in the text are relative to the file `target`, which is beside the source by default. Nothing is written or run.

    Raises:
        UsageError: if there is no such file, or it is outside of the project of `target`.
        InvalidPipelineError: if it cannot be converted.
    """
    from pipespec.operations.convert_source import convert_source

    return convert_source(source, target)


def convert_kedro(
    folder: Path, *, target: Path | None = None, pipeline: str | None = None, python: str | None = None
) -> Conversion:
    """Convert a pipeline of a Kedro project, as `convert` does.

    The code of the project is imported, in a process of the interpreter `python`, which must have Kedro installed.

    Raises:
        UsageError: if Kedro, the project or the pipeline is missing.
    """
    from pipespec.operations.convert_kedro_project import convert_kedro_project

    return convert_kedro_project(folder, target, pipeline, python)
