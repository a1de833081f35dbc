"""What each verb makes of its arguments: the calls of `api`, the view that shows the answer, and the exit code.

A call is spelled without what the real function has as its default, and is bound to its signature. A verb, or an option,
without a row fails.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import shlex
import webbrowser
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from pipespec import __version__, api, views
from pipespec.cli import VERBS, main, pipespec
from pipespec.cli import call as _  # noqa: F401 - it takes a function of a view by its name
from pipespec.converting.conversion import Conversion
from pipespec.errors import Diagnostic, Severity, Span
from pipespec.operations.calling.call_function import CallAnswer, FunctionCall
from pipespec.operations.compiling.validate_files import Findings
from pipespec.operations.housekeeping.serve_pages import Pages
from pipespec.operations.running.watched_pipeline import WatchedPipeline
from pipespec.plan.acceptance import Acceptances
from pipespec.plan.old_results.import_report import ImportReport
from pipespec.plan.old_results.sheet import CellProblem
from pipespec.plan.reproduction import Reproduction
from pipespec.plan.results import RunReport, StepResult, StepState, SweepPoint
from pipespec.plan.store_findings import Examination, StoreFinding
from pipespec.plan.store_name import StoreName
from pipespec.spec.call_options import CallOption, CallOptionKind
from pipespec.spec.engine_spec import EngineSpec

KNOWN = "remembered_run('p.yaml')"
STORE = StoreName("sqlite:////project/mlflow.db", Path("/project"))
LOAD = "load('p.yaml')"
LAYERS = "-f o.yaml --overlay o2.yaml --set a=1 --set b=2 --no-tracking"
LAID = "overlays=('o.yaml', 'o2.yaml'), overrides=('a=1', 'b=2', 'mlflow=false')"
LOADED = f"load('p.yaml', {LAID})"
OPEN = "load('p.yaml', requires_values=False)"
OPEN_LAID = f"load('p.yaml', {LAID}, requires_values=False)"
ENV = "find_env_overlay('p.yaml', 'prod')"
IN_ENV = "load('p.yaml', overlays=('p.prod.yaml',))"
RUN = "check=False, command='pipespec …', progress=…"
RAN = f"run({RUN})"
IN_FILE = "check=False, pipeline='p.yaml'"
IN_FOUND = "check=False, pipeline=found"
GARBAGE = "garbage_view.render_text(garbage, now=…)"
IMPORTED = "import_view.render_text(import_report)"
RAN_AS_ASKED = (
    "run('a', 'tag:b', check=False, command='pipespec …', dask='d', executor='dask', force=('a',), keep_going=False,"
    " progress=…, report='r.html', scheduler='h', verify=True, workers=3)"
)
WAITED = ("wait()", "exit 130")
IN_ENV_LAID = LAID.replace("('o.yaml'", "('p.prod.yaml', 'o.yaml'")
SUMMARY = "run_view.render_text(report, command='pipespec …')"

VIEWS = {
    found.name: importlib.import_module(found.name)
    for found in pkgutil.walk_packages(views.__path__, "pipespec.views.")
}
"""Imported before any of their functions is replaced: a module keeps the functions that it imports from another."""

ROWS = [
    ("validate a.yaml b", "validate(('a.yaml', 'b'))", "diagnostic_view.summary(('a.yaml',), ())"),
    (
        f"validate a.yaml {LAYERS}",
        f"validate(('a.yaml',), {LAID})",
        "diagnostic_view.summary(('a.yaml',), ())",
    ),
    (
        "validate a.yaml --import",
        "validate(('a.yaml',), import_timeout=60.0)",
        "diagnostic_view.summary(('a.yaml',), ())",
    ),
    (
        "validate a.yaml --import --import-timeout 2.5",
        "validate(('a.yaml',), import_timeout=2.5)",
        "diagnostic_view.summary(('a.yaml',), ())",
    ),
    ("validate a.yaml --import-timeout 2.5", "exit 2"),
    ("validate a.yaml --format json", "validate(('a.yaml',))", "diagnostic_view.to_json(())"),
    (
        "validate a.yaml --format github",
        "validate(('a.yaml',))",
        "diagnostic_view.to_github(())",
        "diagnostic_view.summary(('a.yaml',), ())",
    ),
    (
        "validate a.yaml --format sarif",
        "validate(('a.yaml',))",
        "diagnostic_pages()",
        f"diagnostic_view.to_sarif((), pages=diagnostic_pages, tool_version='{__version__}')",
    ),
    ("run p.yaml", KNOWN, LOAD, RAN, SUMMARY),
    (
        "run p.yaml a tag:b",
        "remembered_run('p.yaml', 'a', 'tag:b')",
        LOAD,
        f"run('a', 'tag:b', {RUN})",
        SUMMARY,
    ),
    ("run p.yaml -j 3", KNOWN, LOAD, f"run({RUN}, workers=3)", SUMMARY),
    ("run p.yaml --jobs 2", KNOWN, LOAD, f"run({RUN}, workers=2)", SUMMARY),
    (
        "run p.yaml --force a --force b",
        LOAD,
        "run(check=False, command='pipespec …', force=('a', 'b'), progress=…)",
        SUMMARY,
    ),
    (
        "run p.yaml --keep-going",
        KNOWN,
        LOAD,
        "run(check=False, command='pipespec …', keep_going=True, progress=…)",
        SUMMARY,
    ),
    (
        "run p.yaml --no-keep-going",
        KNOWN,
        LOAD,
        "run(check=False, command='pipespec …', keep_going=False, progress=…)",
        SUMMARY,
    ),
    ("run p.yaml --verify", LOAD, f"run({RUN}, verify=True)", SUMMARY),
    ("run p.yaml -v", KNOWN, LOAD, "redactor()", RAN, SUMMARY),
    ("run p.yaml --scheduler http://h:1", KNOWN, LOAD, f"run({RUN}, scheduler='http://h:1')", SUMMARY),
    (
        "run p.yaml --executor dask --dask tcp://h:1",
        KNOWN,
        LOAD,
        "run(check=False, command='pipespec …', dask='tcp://h:1', executor='dask', progress=…)",
        SUMMARY,
    ),
    (
        "run p.yaml --pdb",
        KNOWN,
        LOAD,
        "run(check=False, command='pipespec …', debug=True, progress=…)",
        SUMMARY,
    ),
    ("run p.yaml --report r.html", LOAD, f"run({RUN}, report='r.html')", SUMMARY),
    (
        "run p.yaml --sweep x=1,2 --sweep y=3",
        "load('p.yaml', sweeps=('x=1,2', 'y=3'))",
        RAN,
        SUMMARY,
        "sweep_view.render_text(points)",
    ),
    ("run p.yaml --dry-run", LOAD, "plan()", "plan_view.render_text(plan, store=store, workers=4)"),
    (
        "run p.yaml a --dry-run -j 3 --force a --verify",
        LOAD,
        "plan('a', force=('a',), verify=True)",
        "plan_view.render_text(plan, store=store, workers=3)",
    ),
    ("run p.yaml --dry-run --format json", LOAD, "plan()", "plan_view.to_json(plan, store=store, workers=4)"),
    ("run p.yaml --dry-run --report r.html", "exit 2"),
    ("run p.yaml --format json", KNOWN, LOAD, RAN, "run_view.to_json(report)", SUMMARY),
    (f"run p.yaml {LAYERS}", LOADED.replace("load", "remembered_run"), LOADED, RAN, SUMMARY),
    (
        "watch p.yaml",
        "watch('p.yaml')",
        LOAD,
        "note(source)",
        RAN,
        "note_run(source, report)",
        SUMMARY,
        *WAITED,
    ),
    (
        "watch a tag:b -j 3 --force a --no-keep-going --verify -v --scheduler h --executor dask --dask d --report r.html",
        "find_pipeline()",
        "watch(found)",
        "load(found)",
        "note(source)",
        "redactor()",
        RAN_AS_ASKED,
        "note_run(source, report)",
        SUMMARY,
        *WAITED,
    ),
    (
        f"watch p.yaml {LAYERS} --env prod --sweep x=1,2 -q",
        ENV,
        f"watch('p.yaml', {IN_ENV_LAID})",
        f"load('p.yaml', {IN_ENV_LAID}, sweeps=('x=1,2',))",
        "note(source)",
        "run(check=False, command='pipespec …')",
        "note_run(source, report)",
        *WAITED,
    ),
    ("watch p.yaml -q -v", "exit 2"),
    ("plan p.yaml", LOAD, "plan()", "plan_view.render_text(plan, store=store, workers=4)"),
    ("plan p.yaml a b", LOAD, "plan('a', 'b')", "plan_view.render_text(plan, store=store, workers=4)"),
    (
        "plan p.yaml --force a",
        LOAD,
        "plan(force=('a',))",
        "plan_view.render_text(plan, store=store, workers=4)",
    ),
    (
        "plan p.yaml --verify",
        LOAD,
        "plan(verify=True)",
        "plan_view.render_text(plan, store=store, workers=4)",
    ),
    ("plan p.yaml -j 3", LOAD, "plan()", "plan_view.render_text(plan, store=store, workers=3)"),
    ("plan p.yaml --format json", LOAD, "plan()", "plan_view.to_json(plan, store=store, workers=4)"),
    (
        "plan p.yaml --exit-code",
        LOAD,
        "plan()",
        "plan_view.render_text(plan, store=store, workers=4)",
        "exit 1",
    ),
    (f"plan p.yaml {LAYERS}", LOADED, "plan()", "plan_view.render_text(plan, store=store, workers=4)"),
    ("explain p.yaml a", LOAD, "explain('a')", "explain_view.render_text(explanation, now=…)"),
    ("explain p.yaml a --format json", LOAD, "explain('a')", "explain_view.to_json(explanation)"),
    (f"explain p.yaml a {LAYERS}", LOADED, "explain('a')", "explain_view.render_text(explanation, now=…)"),
    (
        "accept p.yaml a b --why w",
        LOAD,
        "accept('a', 'b', confirm=…, why='w')",
        "acceptance_view.render_text(acceptances, now=…)",
        "confirmed",
        "acceptance_view.outcome_text(acceptances)",
    ),
    ("accept p.yaml a", "exit 2"),
    (
        "accept p.yaml a --why w --dry-run",
        LOAD,
        "accept('a', confirm=…, why='w')",
        "acceptance_view.render_text(acceptances, now=…)",
        "refused",
        "acceptance_view.outcome_text(acceptances)",
    ),
    (
        "accept p.yaml a --why w --yes",
        LOAD,
        "accept('a', confirm=…, why='w')",
        "acceptance_view.render_text(acceptances, now=…)",
        "confirmed",
        "acceptance_view.outcome_text(acceptances)",
    ),
    (
        "accept p.yaml a --why w --format json",
        LOAD,
        "accept('a', confirm=…, why='w')",
        "acceptance_view.render_text(acceptances, now=…)",
        "confirmed",
        "acceptance_view.to_json(acceptances)",
    ),
    (
        f"accept p.yaml a --why w {LAYERS}",
        LOADED,
        "accept('a', confirm=…, why='w')",
        "acceptance_view.render_text(acceptances, now=…)",
        "confirmed",
        "acceptance_view.outcome_text(acceptances)",
    ),
    ("accept p.yaml a --revoke", LOAD, "revoke('a')", "acceptance_view.render_revoked(revocations, now=…)"),
    (
        "accept p.yaml a --revoke --why w --format json",
        LOAD,
        "revoke('a', why='w')",
        "acceptance_view.revoked_json(revocations)",
    ),
    ("accept p.yaml a --revoke --dry-run", "exit 2"),
    ("status p.yaml", LOAD, "status()", "status_view.render_text(states, now=…, store=store)"),
    ("status p.yaml a b", LOAD, "status('a', 'b')", "status_view.render_text(states, now=…, store=store)"),
    ("status p.yaml --format json", LOAD, "status()", "status_view.to_json(states, now=…, store=store)"),
    (f"status p.yaml {LAYERS}", LOADED, "status()", "status_view.render_text(states, now=…, store=store)"),
    ("logs p.yaml a", LOAD, "logs('a')"),
    ("logs p.yaml a -f", LOAD, "logs('a', follow=True)"),
    (f"logs p.yaml a {LAYERS.replace('-f', '--overlay')}", LOADED, "logs('a')"),
    ("call m:f", "function('m:f')", "call({})"),
    ("call m:f --x-y 1", "function('m:f')", "call({'x_y': '1'})"),
    ("call m:f --out o --out b=c", "function('m:f')", "call({}, ('o', 'b=c'))"),
    ("call m:f --out o --force", "function('m:f')", "call({}, ('o',), force=True)"),
    ("call m:f --no-z", "function('m:f')", "call({'z': False})"),
    ("call p.yaml a --out o", LOAD, "callable_step('a')", "call({}, ('o',))"),
    (f"call p.yaml a {LAYERS}", LOADED, "callable_step('a')", "call({})"),
    ("call p.yaml a --env prod", ENV, IN_ENV, "callable_step('a')", "call({})"),
    ("call a", "find_pipeline()", "load(found)", "callable_step('a')", "call({})"),
    (
        "call p.yaml",
        """diagnostic_view.error_line("name the step of 'p.yaml' to call: pipespec call p.yaml STEP")""",
        "exit 2",
    ),
    (
        "call m:f b",
        """diagnostic_view.error_line("'b' is too much; values are given by options, such as --examples FILE")""",
        "exit 2",
    ),
    ("get p.yaml a.o", LOAD, "get('a.o')"),
    ("get p.yaml a.o to", LOAD, "get('a.o', Path('to'))"),
    ("get p.yaml a.o -", LOAD, "read_bytes('a.o')"),
    ("get p.yaml a.o to --force", LOAD, "get('a.o', Path('to'), force=True)"),
    (f"get p.yaml a.o {LAYERS}", LOADED, "get('a.o')"),
    ("graph p.yaml", "load('p.yaml', trusted=False)", "portrait()", "graph_text.render_text(spec, states)"),
    (
        "graph p.yaml --status",
        LOAD,
        "portrait(status=True)",
        "graph_text.render_text(spec, states)",
    ),
    *(
        (f"graph p.yaml --format {name}", "load('p.yaml', trusted=False)", "portrait()", shown)
        for name, shown in {
            "mermaid": "mermaid.to_mermaid(spec, states)",
            "dot": "dot.to_dot(spec, states)",
            "json": "portrait.to_json(portrait)",
            "svg": "svg.to_svg(spec, states)",
            "html": "graph_page.to_html(portrait)",
        }.items()
    ),
    (
        "graph p.yaml -o g.txt",
        "load('p.yaml', trusted=False)",
        "portrait()",
        "graph_text.render_text(spec, states)",
        "wrote g.txt",
    ),
    (
        f"graph p.yaml {LAYERS}",
        f"load('p.yaml', {LAID}, trusted=False)",
        "portrait()",
        "graph_text.render_text(spec, states)",
    ),
    ("render p.yaml", "render('p.yaml')"),
    ("render p.yaml --format yaml", "render('p.yaml', format_='yaml')"),
    ("render p.yaml -o m.py", "render('p.yaml', module='m')", "wrote m.py"),
    (
        "render p.yaml -o no-module.py",
        "diagnostic_view.error_line(\"'no-module.py' cannot be imported as a module; use a file name such as 'news_luigi.py'\")",
        "exit 2",
    ),
    ("render p.yaml --format yaml -o p2.yaml", "render('p.yaml', format_='yaml')", "wrote p2.yaml"),
    (f"render p.yaml {LAYERS}", f"render('p.yaml', {LAID})"),
    ("compare p.yaml", LOAD, "compare()", "compare_view.render_text(comparison, now=…)"),
    (
        f"compare p.yaml a run:1 --baseline run:2 -n 5 {LAYERS}",
        LOADED,
        "compare('a', 'run:1', baseline='run:2', latest=5)",
        "compare_view.render_text(comparison, now=…)",
    ),
    (
        "compare p.yaml --min-delta a=-0.1 --min-delta b=c=1 --max-delta a=.5",
        LOAD,
        "compare(max_delta={'a': 0.5}, min_delta={'a': -0.1, 'b=c': 1.0})",
        "compare_view.render_text(comparison, now=…)",
    ),
    ("compare p.yaml --points", LOAD, "compare(points=True)", "compare_view.render_text(comparison, now=…)"),
    ("compare p.yaml --format json", LOAD, "compare()", "compare_view.to_json(comparison)"),
    ("compare p.yaml --format csv", LOAD, "compare()", "compare_view.render_csv(comparison)"),
    (
        "compare p.yaml --format markdown",
        LOAD,
        "compare()",
        "compare_view.render_markdown(comparison, now=…)",
    ),
    (
        "compare p.yaml --html c.html",
        LOAD,
        "compare()",
        "compare_page.to_html(comparison, now=…)",
        "compare_view.render_text(comparison, now=…)",
        "wrote c.html",
    ),
    (
        "compare p.yaml --html c.html --open",
        LOAD,
        "compare()",
        "compare_page.to_html(comparison, now=…)",
        "opened c.html",
        "compare_view.render_text(comparison, now=…)",
        "wrote c.html",
    ),
    (
        "compare a",
        "find_pipeline()",
        "load(found)",
        "compare('a')",
        "compare_view.render_text(comparison, now=…)",
    ),
    ("compare p.yaml --open", "exit 2"),
    ("compare p.yaml --env prod", ENV, IN_ENV, "compare()", "compare_view.render_text(comparison, now=…)"),
    ("baseline p.yaml set 1", "set_baseline('1', 'p.yaml')", "compare_view.baseline_text(baseline)"),
    ("baseline set 1", "find_pipeline()", "set_baseline('1', found)", "compare_view.baseline_text(baseline)"),
    (
        f"baseline p.yaml set 1 --as prod {LAYERS}",
        f"set_baseline('1', 'p.yaml', name='prod', {LAID})",
        "compare_view.baseline_text(baseline)",
    ),
    (
        "baseline p.yaml set 1 --format json",
        "set_baseline('1', 'p.yaml')",
        "compare_view.baseline_json(baseline)",
    ),
    (
        "baseline p.yaml set 1 --env prod",
        ENV,
        "set_baseline('1', 'p.yaml', overlays=('p.prod.yaml',))",
        "compare_view.baseline_text(baseline)",
    ),
    ("lineage p.yaml 1", "lineage('1', 'p.yaml')", "lineage_view.render_text(lineage, now=…)"),
    ("lineage 1", "find_pipeline()", "lineage('1', found)", "lineage_view.render_text(lineage, now=…)"),
    (
        "lineage p.yaml 1 --up",
        "lineage('1', 'p.yaml', down=False)",
        "lineage_view.render_text(lineage, now=…)",
    ),
    (
        "lineage p.yaml 1 --down",
        "lineage('1', 'p.yaml', up=False)",
        "lineage_view.render_text(lineage, now=…)",
    ),
    ("lineage p.yaml 1 --up --down", "lineage('1', 'p.yaml')", "lineage_view.render_text(lineage, now=…)"),
    ("lineage p.yaml 1 --format json", "lineage('1', 'p.yaml')", "lineage_view.to_json(lineage)"),
    ("lineage p.yaml 1 --format mermaid", "lineage('1', 'p.yaml')", "lineage_view.to_mermaid(lineage)"),
    (
        "lineage p.yaml 1 --format html -o l.html --open",
        "lineage('1', 'p.yaml')",
        "lineage_page.to_html(lineage, now=…)",
        "opened l.html",
        "wrote l.html",
    ),
    ("lineage p.yaml 1 --open", "exit 2"),
    (
        f"lineage p.yaml 1 {LAYERS}",
        f"lineage('1', 'p.yaml', {LAID})",
        "lineage_view.render_text(lineage, now=…)",
    ),
    (
        "lineage p.yaml 1 --env prod",
        ENV,
        "lineage('1', 'p.yaml', overlays=('p.prod.yaml',))",
        "lineage_view.render_text(lineage, now=…)",
    ),
    (
        "reproduce p.yaml 1",
        "reproduce('1', 'p.yaml', quiet=False)",
        "reproduction_view.render_text(reproduction)",
    ),
    (
        "reproduce 1 -q",
        "find_pipeline()",
        "reproduce('1', found)",
        "reproduction_view.render_text(reproduction)",
    ),
    (
        "reproduce p.yaml 1 --tolerance 1e-6 --environment uv --folder there --keep -j 3 --format json",
        (
            "reproduce('1', 'p.yaml', environment='uv', folder=Path('there'), keep=True, quiet=False, tolerance=1e-06,"
            " workers=3)"
        ),
        "reproduction_view.to_json(reproduction)",
    ),
    ("reproduce p.yaml 1 --tolerance -1", "exit 2"),
    ("reproduce p.yaml 1 --environment conda", "exit 2"),
    (
        f"reproduce p.yaml 1 {LAYERS}",
        f"reproduce('1', 'p.yaml', {LAID}, quiet=False)",
        "reproduction_view.render_text(reproduction)",
    ),
    (
        "reproduce p.yaml 1 --env prod",
        ENV,
        "reproduce('1', 'p.yaml', overlays=('p.prod.yaml',), quiet=False)",
        "reproduction_view.render_text(reproduction)",
    ),
    ("diff a", "diff('a')", "diff_view.render_text(difference)"),
    ("diff a b", "diff('a', 'b')", "diff_view.render_text(difference)"),
    ("diff a --records", "diff('a', records=True)", "diff_view.render_text(difference)"),
    ("diff a --exit-code", "diff('a')", "diff_view.render_text(difference)", "exit 1"),
    ("diff a --format markdown", "diff('a')", "diff_view.render_markdown(difference)"),
    ("diff a --format json", "diff('a')", "diff_view.to_json(difference)"),
    (f"diff a {LAYERS}", f"diff('a', {LAID})", "diff_view.render_text(difference)"),
    ("config p.yaml", OPEN, "document_view.to_yaml(document)"),
    (
        "config p.yaml --origin",
        OPEN,
        "document_view.to_yaml(document, with_origin=True)",
        "document_view.option_lines({})",
    ),
    ("config p.yaml --format json", OPEN, "document_view.origins_to_json(document)"),
    (
        "config p.yaml --diff",
        OPEN,
        "file_document()",
        "document_view.compared(file_document, document)",
        "document_view.render_comparison(document_view.compared)",
    ),
    (
        "config p.yaml --diff --format json",
        OPEN,
        "file_document()",
        "document_view.compared(file_document, document)",
        "document_view.comparison_to_json(document_view.compared)",
    ),
    (f"config p.yaml {LAYERS}", OPEN_LAID, "document_view.to_yaml(document)"),
    ("schema", "schema()"),
    ("schema --for p.yaml", "schema('p.yaml')"),
    (f"schema --for p.yaml {LAYERS}", f"schema('p.yaml', {LAID})"),
    ("schema --set a=1", "exit 2"),
    ("init", "init(Path('.'))", "init_view.render_text(made)"),
    ("completion bash",),
    ("help", "help of pipespec"),
    ("help plan", "find_pipeline()", "help of plan"),
    # an overlay by the name of its environment, for each verb that takes overlays
    (
        "validate p.yaml --env prod",
        ENV,
        "validate(('p.yaml',), overlays=('p.prod.yaml',))",
        "diagnostic_view.summary(('a.yaml',), ())",
    ),
    ("validate --env prod", "exit 2"),
    ("validate a.yaml b.yaml --env prod", "exit 2"),
    (
        "run p.yaml --env prod",
        ENV,
        "remembered_run('p.yaml', overlays=('p.prod.yaml',))",
        IN_ENV,
        RAN,
        SUMMARY,
    ),
    (
        "run p.yaml --env prod -f o.yaml --env night",
        ENV,
        ENV.replace("prod", "night"),
        "remembered_run('p.yaml', overlays=('p.prod.yaml', 'p.prod.yaml', 'o.yaml'))",
        "load('p.yaml', overlays=('p.prod.yaml', 'p.prod.yaml', 'o.yaml'))",
        RAN,
        SUMMARY,
    ),
    ("plan p.yaml --env prod", ENV, IN_ENV, "plan()", "plan_view.render_text(plan, store=store, workers=4)"),
    (
        "explain p.yaml a --env prod",
        ENV,
        IN_ENV,
        "explain('a')",
        "explain_view.render_text(explanation, now=…)",
    ),
    (
        "accept p.yaml a --revoke --env prod",
        ENV,
        IN_ENV,
        "revoke('a')",
        "acceptance_view.render_revoked(revocations, now=…)",
    ),
    (
        "status p.yaml --env prod",
        ENV,
        IN_ENV,
        "status()",
        "status_view.render_text(states, now=…, store=store)",
    ),
    ("logs p.yaml a --env prod", ENV, IN_ENV, "logs('a')"),
    ("get p.yaml a.o --env prod", ENV, IN_ENV, "get('a.o')"),
    (
        "graph p.yaml --env prod",
        ENV,
        "load('p.yaml', overlays=('p.prod.yaml',), trusted=False)",
        "portrait()",
        "graph_text.render_text(spec, states)",
    ),
    ("render p.yaml --env prod", ENV, "render('p.yaml', overlays=('p.prod.yaml',))"),
    (
        "diff p.yaml --env prod",
        ENV,
        "diff('p.yaml', overlays=('p.prod.yaml',))",
        "diff_view.render_text(difference)",
    ),
    (
        "diff old.yaml p.yaml@main --env prod",
        ENV,
        "diff('old.yaml', 'p.yaml@main', overlays=('p.prod.yaml',))",
        "diff_view.render_text(difference)",
    ),
    ("diff run:1 --env prod", "exit 2"),
    (
        "config p.yaml --env prod",
        ENV,
        "load('p.yaml', overlays=('p.prod.yaml',), requires_values=False)",
        "document_view.to_yaml(document)",
    ),
    ("schema --for p.yaml --env prod", ENV, "schema('p.yaml', overlays=('p.prod.yaml',))"),
    ("schema --env prod", "exit 2"),
    # quiet, open, short forms
    ("validate a.yaml -q", "validate(('a.yaml',))"),
    ("validate a.yaml -q --format github", "validate(('a.yaml',))", "diagnostic_view.to_github(())"),
    ("run p.yaml -n", LOAD, "plan()", "plan_view.render_text(plan, store=store, workers=4)"),
    ("run p.yaml -q", KNOWN, LOAD, "run(check=False, command='pipespec …')"),
    (
        "run p.yaml --quiet --format json",
        KNOWN,
        LOAD,
        "run(check=False, command='pipespec …')",
        "run_view.to_json(report)",
    ),
    ("run p.yaml -q -v", "exit 2"),
    ("run p.yaml -q -n", "exit 2"),
    ("run p.yaml --report r.html --open", LOAD, f"run({RUN}, report='r.html')", "opened r.html", SUMMARY),
    ("run p.yaml --open", "exit 2"),
    (
        "graph p.yaml --format html -o g.html --open",
        "load('p.yaml', trusted=False)",
        "portrait()",
        "graph_page.to_html(portrait)",
        "opened g.html",
        "wrote g.html",
    ),
    ("graph p.yaml --format html --open", "exit 2"),
    ("graph p.yaml -o g.txt --open", "exit 2"),
    (
        "accept p.yaml a --why w -n",
        LOAD,
        "accept('a', confirm=…, why='w')",
        "acceptance_view.render_text(acceptances, now=…)",
        "refused",
        "acceptance_view.outcome_text(acceptances)",
    ),
    # FILE left out, for each verb that may do without
    ("validate", "validate(('.',))", "diagnostic_view.summary(('a.yaml',), ())"),
    ("run", "find_pipeline()", "remembered_run(found)", "load(found)", RAN, SUMMARY),
    (
        "run a b",
        "find_pipeline()",
        "remembered_run(found, 'a', 'b')",
        "load(found)",
        f"run('a', 'b', {RUN})",
        SUMMARY,
    ),
    (
        "run --force p.yaml a",
        "find_pipeline()",
        "load(found)",
        "run('a', check=False, command='pipespec …', force=('p.yaml',), progress=…)",
        SUMMARY,
    ),
    (
        "plan",
        "find_pipeline()",
        "load(found)",
        "plan()",
        "plan_view.render_text(plan, store=store, workers=4)",
    ),
    (
        "plan a",
        "find_pipeline()",
        "load(found)",
        "plan('a')",
        "plan_view.render_text(plan, store=store, workers=4)",
    ),
    (
        "compare a",
        "find_pipeline()",
        "load(found)",
        "compare('a')",
        "compare_view.render_text(comparison, now=…)",
    ),
    (
        "explain a",
        "find_pipeline()",
        "load(found)",
        "explain('a')",
        "explain_view.render_text(explanation, now=…)",
    ),
    (
        "accept a --revoke",
        "find_pipeline()",
        "load(found)",
        "revoke('a')",
        "acceptance_view.render_revoked(revocations, now=…)",
    ),
    (
        "status",
        "find_pipeline()",
        "load(found)",
        "status()",
        "status_view.render_text(states, now=…, store=store)",
    ),
    ("logs a", "find_pipeline()", "load(found)", "logs('a')"),
    ("get a.o", "find_pipeline()", "load(found)", "get('a.o')"),
    ("get a.o to", "find_pipeline()", "load(found)", "get('a.o', Path('to'))"),
    (
        "graph",
        "find_pipeline()",
        "load(found, trusted=False)",
        "portrait()",
        "graph_text.render_text(spec, states)",
    ),
    ("render", "find_pipeline()", "render(found)"),
    ("diff", "find_pipeline()", "diff(found)", "diff_view.render_text(difference)"),
    (
        "config",
        "find_pipeline()",
        "load(found, requires_values=False)",
        "document_view.to_yaml(document)",
    ),
    ("import t.csv", "find_pipeline()", f"import_results('t.csv', {IN_FOUND})", IMPORTED),
    ("import t.csv --pipeline p.yaml", f"import_results('t.csv', {IN_FILE})", IMPORTED),
    (
        f"import t.csv --pipeline p.yaml {LAYERS}",
        f"import_results('t.csv', check=False, {LAID}, pipeline='p.yaml')",
        IMPORTED,
    ),
    (
        "import t.csv --pipeline p.yaml --env prod",
        ENV,
        "import_results('t.csv', check=False, overlays=('p.prod.yaml',), pipeline='p.yaml')",
        IMPORTED,
    ),
    (
        "import t.csv --pipeline p.yaml --experiment e --kind a=tag --kind b=name --encoding cp932 --sheet S",
        (
            "import_results('t.csv', check=False, encoding='cp932', experiment='e', kinds=('a=tag', 'b=name'),"
            " pipeline='p.yaml', sheet='S')"
        ),
        IMPORTED,
    ),
    (
        "import t.csv --pipeline p.yaml --percent --thousands -n",
        "import_results('t.csv', check=False, dry_run=True, percent=True, pipeline='p.yaml', thousands=True)",
        IMPORTED,
    ),
    ("gc", "find_pipeline()", "collect_garbage(('found.yaml',))", GARBAGE),
    ("gc a.yaml b.yaml", "collect_garbage(('a.yaml', 'b.yaml'))", GARBAGE),
    (f"gc a.yaml {LAYERS}", f"collect_garbage(('a.yaml',), {LAID})", GARBAGE),
    ("gc p.yaml --env prod", ENV, "collect_garbage(('p.yaml',), overlays=('p.prod.yaml',))", GARBAGE),
    (
        "gc a.yaml --keep-last 2 --keep-tag a --keep-tag b=c --older-than 1h --delete --purge",
        (
            "collect_garbage(('a.yaml',), delete=True, keep_last=2, keep_tags=('a', 'b=c'), older_than='1h',"
            " purge=True)"
        ),
        GARBAGE,
    ),
    (
        "gc a.yaml --format json",
        "collect_garbage(('a.yaml',))",
        "garbage_view.to_json(garbage, now=…)",
    ),
    ("doctor", "find_pipeline()", "examine(found)", "findings_view.render_text(examination)"),
    ("doctor p.yaml", "examine('p.yaml')", "findings_view.render_text(examination)"),
    (
        "doctor p.yaml --verify --format json",
        "examine('p.yaml', verify=True)",
        "findings_view.to_json(examination)",
    ),
    (f"doctor p.yaml {LAYERS}", f"examine('p.yaml', {LAID})", "findings_view.render_text(examination)"),
    (
        "doctor p.yaml --env prod",
        ENV,
        "examine('p.yaml', overlays=('p.prod.yaml',))",
        "findings_view.render_text(examination)",
    ),
    ("ui", "find_pipeline()", "open_pages(found)"),
    ("ui p.yaml --luigi --port 5001", "open_pages('p.yaml', luigi=True, port=5001)"),
    ("ui p.yaml --open", "open_pages('p.yaml')", "opened 7"),
    (f"ui p.yaml {LAYERS}", f"open_pages('p.yaml', {LAID})"),
    ("ui p.yaml --env prod", ENV, "open_pages('p.yaml', overlays=('p.prod.yaml',))"),
    (
        "import t.csv --pipeline p.yaml --format json",
        f"import_results('t.csv', {IN_FILE})",
        "import_view.to_json(import_report)",
    ),
    ("init there", "init(Path('there'))", "init_view.render_text(made)"),
    ("init --template sql", "init(Path('.'), template='sql')", "init_view.render_text(made)"),
    ("convert dvc.yaml", "convert(Path('dvc.yaml'), target=Path('pipeline.yaml'))", "wrote pipeline.yaml"),
    ("convert dvc.yaml -o -", "convert(Path('dvc.yaml'))"),
    (
        "convert there/dvc.yaml -o p.yaml --force --format json",
        "convert(Path('there/dvc.yaml'), target=Path('p.yaml'))",
        "diagnostic_view.to_json(())",
        "wrote p.yaml",
    ),
    (
        "convert kedro . --pipeline fit --python bin/python",
        "convert_kedro(Path('.'), pipeline='fit', python='bin/python', target=Path('pipeline.yaml'))",
        "wrote pipeline.yaml",
    ),
]


@dataclass(frozen=True)
class Named:
    """A value that is spelled by its name."""

    name: str

    def __repr__(self):
        return self.name


class NamedText(str):
    """The text that a view gives, spelled by the view's name."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


ANSWERS = {
    "validate": Findings((), {}, ("a.yaml",)),
    "compare": SimpleNamespace(regressions=()),
    "diff": SimpleNamespace(is_empty=False),
    "find_pipeline": "found.yaml",
    "find_env_overlay": "p.prod.yaml",
    "plan": SimpleNamespace(is_complete=False, pipeline=SimpleNamespace(engine=EngineSpec(workers=4))),
    "run": RunReport("invocation", (), 1.0, STORE),
    "remembered_run": None,
    "portrait": SimpleNamespace(spec=Named("spec"), states=Named("states")),
    "accept": SimpleNamespace(is_recorded=True, accepted=()),
    "examine": Examination(STORE, (), ()),
    "reproduce": Reproduction("1", "p", "2", "c0ffee", False, (), STORE),
    "open_pages": Pages("http://server/#/experiments/7", "http://server"),
    "import_results": ImportReport("t.csv", "CSV", STORE, ()),
    "init": SimpleNamespace(files=("written",)),
    "convert": Conversion("text", (), {}),
    "convert_kedro": Conversion("text", (), {}),
    "logs": ["piece"],
    "note_run": [],
    "render": "text",
    "schema": {},
    "read_bytes": b"",
    "function": SimpleNamespace(
        is_step=False,
        options=(
            CallOption("x_y", CallOptionKind.TEXT, "str", None, ""),
            CallOption("z", CallOptionKind.FLAG, "bool", "True", ""),
        ),
    ),
    "call": CallAnswer(),
}
SHOWN_AS = {
    "compare": "comparison",
    "set_baseline": "baseline",
    "diff": "difference",
    "run": "report",
    "accept": "acceptances",
    "revoke": "revocations",
    "status": "states",
    "explain": "explanation",
    "find_pipeline": "found",
    "collect_garbage": "garbage",
    "examine": "examination",
    "reproduce": "reproduction",
    "import_results": "import_report",
    "init": "made",
}
"""The name of the answer of a function, where that is another one than the function's."""


class Record:
    """Stands in for `api` and all views: notes each call, and answers."""

    def __init__(self):
        self.calls = []
        self._names = {}

    def answer_to(self, name):
        answer = ANSWERS.get(name, Named(SHOWN_AS.get(name, name)))
        self._names[id(answer)] = SHOWN_AS.get(name, name)
        return answer

    def note(self, name, function, args, kwargs, *, skip=0):
        bound = inspect.signature(function).bind(*[None] * skip, *args, **kwargs)
        positional, named = [], []
        for parameter in list(bound.signature.parameters.values())[skip:]:
            value = bound.arguments.get(parameter.name, parameter.default)
            if parameter.name not in bound.arguments or value == parameter.default:
                continue
            if parameter.kind is parameter.VAR_POSITIONAL:
                positional += map(self.spell, value)
            elif parameter.kind is parameter.KEYWORD_ONLY or named:
                named.append(f"{parameter.name}={self.spell(value, parameter.name)}")
            else:
                positional.append(self.spell(value))
        self.calls.append(f"{name}({', '.join([*positional, *sorted(named)])})")

    def spell(self, value, parameter=""):
        if parameter == "command":
            return repr(f"{value.partition(' ')[0]} …")
        if parameter in ("now", "confirm", "progress"):
            return "…"
        if id(value) in self._names and value != "p.prod.yaml":
            return self._names[id(value)]
        return repr(value).replace("PosixPath", "Path")


@pytest.fixture
def record(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    record = Record()

    def stand_in(name, function, *, skip=0):
        def call(*args, **kwargs):
            record.note(name, function, args, kwargs, skip=skip)
            if name == "accept":
                is_confirmed = kwargs["confirm"](record.answer_to(name))
                record.calls.append("confirmed" if is_confirmed else "refused")
            return record.answer_to(name)

        return call

    def load(*args, **kwargs):
        record.note("load", real_load, args, kwargs)
        methods = {
            name: stand_in(name, method, skip=1)
            for name, method in inspect.getmembers(api.Pipeline, inspect.isfunction)
            if not name.startswith("_")
        }
        if kwargs.get("sweeps"):
            swept = RunReport("invocation", (), 1.0, STORE, points=(SweepPoint((("x", 1),), "ran"),))
            record._names[id(swept)], record._names[id(swept.points)] = "report", "points"
            run = methods["run"]
            methods["run"] = lambda *args, **kwargs: (run(*args, **kwargs), swept)[1]
        find = methods["callable_step"]
        called = SimpleNamespace(**{**vars(ANSWERS["function"]), "is_step": True})
        methods["callable_step"] = lambda step: nullcontext((find(step), called)[1])
        return SimpleNamespace(
            document=Named("document"), store=Named("store"), source=Named("source"), **methods
        )

    def wait():
        record.calls.append("wait()")
        raise KeyboardInterrupt

    def watch(*args, **kwargs):
        record.note("watch", real_watch, args, kwargs)
        methods = {
            name: stand_in(name, getattr(WatchedPipeline, name), skip=1) for name in ("note", "note_run")
        }
        return SimpleNamespace(count=3, wait=wait, **methods)

    real_load, real_watch = api.load, api.watch
    for name in (
        "find_env_overlay",
        "find_pipeline",
        "function",
        "validate",
        "remembered_run",
        "diff",
        "lineage",
        "reproduce",
        "set_baseline",
        "schema",
        "render",
        "collect_garbage",
        "examine",
        "import_results",
        "open_pages",
        "init",
        "convert",
        "convert_kedro",
        "diagnostic_pages",
    ):
        monkeypatch.setattr(api, name, stand_in(name, getattr(api, name)))
    monkeypatch.setattr(api, "load", load)
    ANSWERS["function"].call = stand_in("call", FunctionCall.call, skip=1)
    monkeypatch.setattr(api, "watch", watch)
    monkeypatch.setattr(
        webbrowser, "open", lambda address: record.calls.append(f"opened {Path(address).name}")
    )
    for module_name, module in VIEWS.items():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module_name and not name.startswith("_"):
                short = f"{module_name.rpartition('.')[2]}.{name}"
                monkeypatch.setattr(module, name, view(record, short, function))
    return record


def view(record, name, function):
    def call(*args, **kwargs):
        record.note(name, function, args, kwargs)
        return {} if "json" in name or "sarif" in name else NamedText(name)

    return call


@pytest.mark.parametrize(
    ("typed", "expected"), [(row[0], row[1:]) for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_arguments_become_these_calls(record, capsys, tmp_path, typed, expected):
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(typed))

    wrote = [f"wrote {path.name}" for path in tmp_path.iterdir()]
    code = [f"exit {ended.value.code}"] if ended.value.code else []
    usage = re.match(r"Usage: pipespec \[OPTIONS\] COMMAND|Usage: pipespec (\w+) ", capsys.readouterr().out)
    helped = [f"help of {usage[1] or 'pipespec'}"] if usage else []
    assert (*record.calls, *wrote, *code, *helped) == tuple(expected)


def given(typed, *answers):
    """Return the verb, and the parameters that are given in a command line, which may be refused."""
    name, *arguments = shlex.split(typed)
    command = pipespec.get_command(click.Context(pipespec), name)
    is_found = name != "call" and "exit 2" not in answers  # the arguments of `call` name what is not there
    context = command.make_context(name, list(arguments), resilient_parsing=not is_found)
    return name, {
        parameter.name
        for parameter in command.params
        if context.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE
    }


@pytest.mark.parametrize("verb", VERBS)
def test_each_parameter_of_a_verb_is_given_in_one_row_and_left_out_in_another(verb):
    rows = [parameters for name, parameters in (given(*row) for row in ROWS) if name == verb]
    command = pipespec.get_command(click.Context(pipespec), verb)
    parameters = [one for one in command.params if one.name != "no_color"]  # all verbs have it, and no row

    assert {one.name for one in parameters} - set().union(*rows) == set(), "never given"
    optional = {one.name for one in parameters if not one.required}
    assert optional & set.intersection(*rows) == set(), "never left out"


STEP = StepResult("a", StepState.FAILED)
PLACE = Span("p.yaml", 1, 1, 1, 2)


@pytest.mark.parametrize(
    ("typed", "answers", "code"),
    [
        ("run p.yaml", {"run": RunReport("i", (StepResult("a", StepState.RAN),), 1.0, STORE)}, 0),
        (
            "run p.yaml",
            {"remembered_run": RunReport(None, (StepResult("a", StepState.REUSED),), 1.0, STORE)},
            0,
        ),
        ("run p.yaml", {"run": RunReport("i", (STEP,), 1.0, STORE)}, 1),
        ("run p.yaml", {"run": RunReport("i", (STEP,), 1.0, STORE, interrupted_by=15)}, 143),
        ("run p.yaml", {"run": RunReport("i", (), 1.0, STORE, interrupted_by=1)}, 129),
        ("validate p.yaml", {"validate": Findings((Diagnostic("c", "m", PLACE),), {})}, 1),
        ("doctor p.yaml", {"examine": Examination(STORE, (StoreFinding("c", "p", "m", "h"),), ())}, 1),
        (
            "import t.csv",
            {"import_results": ImportReport("t.csv", "CSV", STORE, (), (CellProblem(3, 0, "a", "m", "h"),))},
            1,
        ),
        (
            "validate p.yaml",
            {"validate": Findings((Diagnostic("c", "m", PLACE, severity=Severity.ADVICE),), {})},
            0,
        ),
        ("diff a --exit-code", {"diff": SimpleNamespace(is_empty=True)}, 0),
        ("diff a", {"diff": SimpleNamespace(is_empty=False)}, 0),
        ("compare p.yaml", {"compare": SimpleNamespace(regressions=("worse",))}, 1),
        ("accept p.yaml a --why w", {"accept": Acceptances(())}, 1),
        ("convert dvc.yaml", {"convert": Conversion("text", (Diagnostic("c", "m", PLACE),), {})}, 1),
        ("accept p.yaml a --why w --dry-run", {"accept": Acceptances(())}, 0),
    ],
)
def test_the_answer_decides_the_exit_code(record, monkeypatch, typed, answers, code):
    for name, answer in answers.items():
        monkeypatch.setitem(ANSWERS, name, answer)

    with pytest.raises(SystemExit) as ended:
        main(shlex.split(typed))

    assert ended.value.code == code
