"""What notebooks and the command line call: the stages, combined.

    load(file)         a file -> document -> spec, checked: a `Pipeline`, which plans and runs

Everything that the stages must not ask for themselves enters here, in `operations` and in `project`:
files, environment, git, clock, servers. Each function imports what it needs: `validate` neither plans nor tracks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipespec.errors import InvalidPipelineError, UsageError
from pipespec.pipeline import Pipeline, StepHandle

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
    """Return the one pipeline of a folder, or, without one, of the working directory or the nearest folder above it.

    `file` in `[tool.pipespec]` of the project's pyproject.toml decides where it is set.

    Raises:
        UsageError: where there is none, or there are several.
    """
    from pipespec.project.pipeline_choice import choose_pipeline

    return choose_pipeline(place)


def find_env_overlay(file: str, env: str) -> str:
    """Return the overlay of a pipeline for an environment: for `prod`, `FILE.prod.yaml` beside it.

    Raises:
        UsageError: where there is none.
    """
    from pipespec.project.pipeline_choice import overlay_of_environment

    return overlay_of_environment(file, env)


def names(file: str, *, overlays: Sequence[str] = ()) -> PipelineNames:
    """Return what can be named on a command line about a pipeline: steps, variants, outputs, paths of values.

    Reads the file as a stranger's, and no code. What is wrong with it is left out.

    Raises:
        InvalidPipelineError: where it cannot be read at all.
    """
    from pipespec.operations.compiling.read_document import read_names

    return read_names(file, overlays)


def option_defaults(file: str | None = None) -> Mapping[str, OptionDefault]:
    """Return the defaults that `PIPESPEC_*` and `[tool.pipespec]` give to options, for a pipeline that is trusted.

    The functions here do not use them; the command line hands them over as arguments.

    Raises:
        UsageError: where a value does not fit.
    """
    from pipespec.project.option_defaults import option_defaults as read

    return read(file, os.environ)


def read_env_file(file: str) -> None:
    """Add to the environment what `.env` beside the project's root sets and the environment does not.

    Raises:
        UsageError: where that file cannot be read.
    """
    from pipespec.project.env_file import read_env_file as read

    read(file, os.environ)


def env_names(file: str) -> tuple[str, ...]:
    """Return the environments that a pipeline has overlays for, beside it: `prod` for `FILE.prod.yaml`."""
    from pipespec.project.pipeline_choice import environments_of

    return environments_of(file)


def run_options(file: str) -> tuple[RunOption, ...]:
    """Return the options of the command line that a pipeline file declares for its params.

    Raises:
        InvalidPipelineError: where the file cannot be read.
    """
    from pipespec.operations.compiling.read_document import read_options

    return read_options(file)


def validate(
    files: Sequence[str],
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    import_timeout: float | None = None,
) -> Findings:
    """Find all mistakes and advice of some files, and of the pipelines below some folders, in their order.

    Imports and runs nothing of the project, reads no environment variable and opens no connection; unless there is an
    `import_timeout`: then what the pipelines call is imported, in a process of its own, each within so many seconds.

    Raises:
        UsageError: where there is no pipeline below the folders.
    """
    from pipespec.operations.compiling.validate_files import validate_all

    return validate_all(files, overlays=overlays, overrides=overrides, import_timeout=import_timeout)


def load(
    file: str | Path,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    sweeps: Sequence[str] = (),
    trusted: bool = True,
    requires_values: bool = True,
) -> Pipeline:
    """Load a pipeline, with overlays (files) and overrides (`params.model.epochs=1`) laid over it in order.

    `sweeps` (`params.model.depth=4,8`, `params.seed=range(1,5)`) make it the pipeline of all their points, in which what
    points share is shown once.

    Without `trusted` its references to the environment stay as written, as for a stranger's file. Without
    `requires_values` `???` is an open value, so that the pipeline can be looked at, and not be planned.

    Raises:
        InvalidPipelineError: with all its mistakes.
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
    """Find a function of the project by `module:function`, to call it once; nothing is imported before that.

    Raises:
        UsageError: where there is none, or its source cannot be read.
    """
    from pipespec.operations.calling.call_function import function_call

    return function_call(call, Path.cwd())


def remembered_run(
    file: str, *targets: str, overlays: Sequence[str] = (), overrides: Sequence[str] = ()
) -> RunReport | None:
    """Return the report of a run that has nothing to do, as an earlier one found, and nothing has changed since.

    None means that this is not known: load the pipeline, and run it. Records, witnesses, artifacts and inputs are looked
    at as by any plan.

    Raises:
        StoreUnavailableError: where the records cannot be asked.
    """
    from pipespec.operations.planning.reuse_memo import recall_reuse

    return recall_reuse(file, targets, overlays, overrides)


def watch(file: str, *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()) -> WatchedPipeline:
    """Return what tells when a pipeline has to run again: its files, code, inputs or what its steps opened changed.

        watched = watch("pipeline.yaml")
        while True:
            pipeline = load("pipeline.yaml")
            watched.note(pipeline.source)
            watched.note_run(pipeline.source, pipeline.run(check=False))
            print(watched.wait())

    Raises:
        UsageError: where there is no such file, or the package that watches folders is not installed.
    """
    from pipespec.operations.running.watched_pipeline import WatchedPipeline

    return WatchedPipeline(file, overlays, overrides)


def diff(
    old: str,
    new: str | None = None,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    records: bool = False,
) -> Difference:
    """Compare two pipelines, each a file, `FILE@REVISION` or `run:ID`; overlays and overrides go over the second.

    Without a second, a file is compared with the last commit, and a run with its file. `records` adds what the
    store says of the second, which has to be a file then: what is there already, and how long the rest may take.

    Raises:
        UsageError: for a revision, run or file that is not there.
        InvalidPipelineError: for a file with mistakes.
        StoreUnavailableError: where the store is asked and cannot be.
    """
    if records:
        from pipespec.operations.inspecting.compare_with_records import compare_with_records

        return compare_with_records(old, new, overlays=overlays, overrides=overrides)
    from pipespec.operations.inspecting.compare_versions import compare

    return compare(old, new, overlays=overlays, overrides=overrides)


def lineage(
    run: str,
    file: str | None = None,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    up: bool = True,
    down: bool = True,
) -> Lineage:
    """Tell what made the outputs of a step's run (`up`), and what was made of them (`down`), through all pipelines.

    `run` is an id, its first digits, or a version of a registered model: `models:/news-classifier@champion`. `file` is a
    pipeline whose store is read; without one it is that of the working directory's project.

    Raises:
        UsageError: where there is no such run, or it is none of a step.
        StoreUnavailableError: where the store cannot be asked.
    """
    if file is not None:
        return load(file, overlays=overlays, overrides=overrides).lineage(run, up=up, down=down)
    from pipespec.operations.housekeeping.store_place import StorePlace
    from pipespec.operations.inspecting.lineage import lineage as find

    place = StorePlace.here()
    with place.read() as ledger:
        return find(ledger, run, place.root, up=up, down=down, open_registry=place.read_registry)


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
    """Run a past run anew, and compare the results; as `Pipeline.reproduce`. `file` is as for `lineage`, and may have mistakes.

    Raises:
        InvalidPipelineError: where the file cannot be read at all.
        UsageError: where the run cannot be made again, with the reason.
        PipespecError: where the work tree or the environment cannot be made.
        StoreUnavailableError: where the store cannot be asked.
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


def set_baseline(
    run: str,
    file: str | None = None,
    *,
    name: str = "default",
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> NewBaseline:
    """Mark a finished run as the baseline of its step, or of its pipeline's invocations, under a name.

    `file` is as for `lineage`.

    Raises:
        UsageError: where there is no such run, or it did not finish.
        StoreUnavailableError: where the store cannot be asked, or not be written.
    """
    if file is not None:
        return load(file, overlays=overlays, overrides=overrides).set_baseline(run, name=name)
    from pipespec.operations.housekeeping.store_place import StorePlace
    from pipespec.operations.inspecting.baselines import set_baseline as mark

    place = StorePlace.here()
    with place.read() as ledger:
        return mark(ledger, place.write, run, name)


def schema(
    file: str | Path | None = None, *, overlays: Sequence[str] = (), overrides: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the JSON schema of pipeline files, or the one made for a file, with the names that are known there.

    The file may have mistakes. Nothing of the project is imported.

    Raises:
        InvalidPipelineError: where the file cannot be read, or has no steps.
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
    """Return what the documentation says of each code of a diagnostic, as Markdown."""
    from pipespec.checks.diagnostic_pages import load_pages

    return load_pages()


def render(
    file: str | Path,
    *,
    format_: str = "luigi",
    module: str | None = None,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> str:
    """Return a pipeline as a Luigi module that stands alone (`luigi`), or its resolved document (`yaml`).

    `module` is the name that the module will bear. Imports and runs nothing of the project, and reads no environment
    variable: the module reads them where it runs.

    Raises:
        InvalidPipelineError: with all mistakes, or with all that such a module cannot be.
    """
    from pipespec.operations.render_pipeline import luigi_module, resolved_yaml

    if format_ == "yaml":
        return resolved_yaml(str(file), overlays=overlays, overrides=overrides)
    return luigi_module(str(file), overlays=overlays, overrides=overrides, module=module)


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
    """Find runs of these pipelines that nothing reaches, and what is left in `.pipespec`; delete them with `delete`.

    Kept is what the pipelines use now, also with each environment's overlay beside them; the last `keep_last` invocations; runs
    with the tag `baseline` or one of `keep_tags` (`NAME` or `NAME=VALUE`); those that registered models came of; all that one of
    these, or a run of another pipeline, has read; and what is younger than `older_than`. `delete` deletes as MLflow's
    page does, so that runs can be restored; `purge` removes them with their files, for good.

    Raises:
        UsageError: where an option does not fit, the pipelines use several stores, or one may be running.
        InvalidPipelineError: where a pipeline, or one of its environments, has mistakes.
        StoreUnavailableError: where the store cannot be asked.
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


def examine(
    file: str | Path, *, overlays: Sequence[str] = (), overrides: Sequence[str] = (), verify: bool = False
) -> Examination:
    """Find what is wrong in the store of a pipeline and in the project's `.pipespec`; nothing is changed.

    With `verify` the content of recorded outputs, and of our caches, is compared with digests. A store that cannot be asked
    is a finding.

    Raises:
        InvalidPipelineError: where the pipeline has mistakes.
        UsageError: for a tracking URI that can be no store.
    """
    from pipespec.operations.housekeeping.examine_store import examine as examine_store
    from pipespec.operations.housekeeping.store_place import StorePlace

    spec = load(file, overlays=overlays, overrides=overrides, requires_values=False).spec
    return examine_store(StorePlace.of(spec), verify=verify)


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
    """Record the rows of a table (.csv, .xlsx) as finished runs, each once; its second row says parameter, metric or tag.

    They go to the store of `pipeline`, with its overlays and overrides, or to that of the project. `experiment` is that of
    rows that name none. `kinds` (`memo=tag`) come before what the second row says. `percent` reads `84.3%` as 0.843,
    `thousands` reads `1,024` as 1024. With `dry_run` nothing is recorded.

    Raises:
        UsageError: where the table cannot be read, or, unless `check` is False, has wrong cells; nothing is recorded then.
        InvalidPipelineError: where the pipeline has mistakes.
        StoreUnavailableError: where the store cannot be asked, or not be written.
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


def open_pages(
    file: str | Path,
    *,
    overlays: Sequence[str] = (),
    overrides: Sequence[str] = (),
    luigi: bool = False,
    port: int | None = None,
) -> Pages:
    """Return MLflow's pages for a pipeline, or with `luigi` those of its luigid; close them.

    Where the store, or `engine.scheduler`, is no server, one is started on this machine, at `port` or a free one.

    Raises:
        UsageError: where nothing is recorded yet, or the port is taken.
        PipespecError: where the server does not start.
        StoreUnavailableError: where the store cannot be asked.
    """
    from pipespec.operations.housekeeping.serve_pages import luigi_pages, mlflow_pages
    from pipespec.operations.housekeeping.store_place import StorePlace

    spec = load(file, overlays=overlays, overrides=overrides, requires_values=False).spec
    place = StorePlace.of(spec)
    if luigi:
        return luigi_pages(place, spec.engine.scheduler, port)
    return mlflow_pages(place, spec.name, port)


def init(folder: str | Path = ".", *, template: str = "minimal") -> NewProject:
    """Make a small project that runs, and return what was made. The templates are `minimal`, `sklearn`, `sweep` and `sql`.

    A README that is there is kept, and `.gitignore` gets the lines that it lacks.

    Raises:
        UsageError: for a template that there is not, where another file is there already, or the folder cannot be written;
            then nothing is made.
    """
    from pipespec.operations.init_project import make_project

    return make_project(Path(folder), template)


def templates() -> Mapping[str, str]:
    """Return the templates of `init` by name, and what the pipeline of each does."""
    from pipespec.operations.init_project import TEMPLATES

    return TEMPLATES


def convert(source: Path, *, target: Path | None = None) -> Conversion:
    """Convert a dvc.yaml, or the one in a folder, and return the text of a pipeline file and what has no equal in it.

    Paths in the text are those of the file `target`, by default beside the source. Nothing is written or run.

    Raises:
        UsageError: where there is no such file, or it is outside of the project of `target`.
        InvalidPipelineError: where it cannot be converted.
    """
    from pipespec.operations.convert_source import convert_source

    return convert_source(source, target)


def convert_kedro(
    folder: Path, *, target: Path | None = None, pipeline: str | None = None, python: str | None = None
) -> Conversion:
    """Convert a pipeline of a Kedro project, as `convert` does.

    Imports the code of the project, in a process of the interpreter `python`, where Kedro is installed.

    Raises:
        UsageError: where Kedro, the project or the pipeline is not there.
    """
    from pipespec.operations.convert_kedro_project import convert_kedro_project

    return convert_kedro_project(folder, target, pipeline, python)
