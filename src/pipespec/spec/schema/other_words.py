"""What keys of DVC, Kedro, Snakemake, Luigi, Airflow, Prefect, Metaflow, Hydra, Ploomber and GitHub Actions are called here.

Takes a key that the schema does not know, and its place. Returns what it is called here, or why there is no such key.
The table is data: one entry for each word and place, with our key or a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipespec.frozen_values import frozen
from pipespec.python.callable_ref import PROGRAMS

__all__ = ["TO_REPEAT", "WORDS", "OtherWord", "other_word"]


@frozen
class OtherWord:
    """What another tool's word is called here.

    `key` is our key at the same place. `how` is an example of its value; with `is_example`, the example is shown
    instead of the user's own value. With `is_sentence`, `how` is the whole hint, and there may be no such key.
    """

    key: str | None
    how: str
    is_example: bool = False
    is_sentence: bool = False


_CONDITIONS: Final = "steps have no conditions; choose steps when you run: pipespec run FILE STEP"
_SCHEDULES: Final = "pipelines have no schedule; let cron, CI or a scheduler call 'pipespec run'"
_SHELLS: Final = (
    f"{PROGRAMS} with params: {{command: [program, argument]}},"
    " or pipespec.steps:script with params: {script: FILE.py} for a Python file"
)
_FAILURES: Final = "a step cannot ignore its own failure; to run the other steps all the same, write at the top: engine: {keep_going: true}"
_FORWARD: Final = (
    "a step names the steps before it, not those after it: inputs: {table: step.output}, or needs: [step]"
)
_MACHINES: Final = (
    "steps run on this machine; to run one on a Dask cluster, write engine: {executor: dask} in the step"
)
_TRACKED: Final = (
    "every step is recorded in MLflow, and the suffix of an output's file says its format: remove the key"
)
_REPORTS: Final = "a report is an option of the command: pipespec run FILE --report PAGE.html"
_HOOKS: Final = 'steps have no hooks; to get a message when a run ends, write at the top: notify: [{url: "${secret:CHAT_WEBHOOK}"}]'
_ENV: Final = (
    'a function gets what it needs as params: write params: {name: "${env:NAME}"}; a library that reads a variable, by engine: {env:'
    " {NAME: value}}"
)
_PLACES: Final = "steps run in the environment that pipespec is installed in"
_FOLDERS: Final = "steps run in the project's root; write paths relative to the pipeline's file"
_NAMES: Final = "the key above is the name of the step: steps: {name: {call: module:function}}"
_LOGS: Final = "the log of each step is kept; read it with: pipespec logs FILE STEP"
_CATALOGS: Final = "files are written where they are read and made: inputs: {table: {file: table.csv}}, outputs: {table: table.csv}"
_STORED: Final = "every output is stored; to run a step each time, write identity: none in the step"
_ANOTHER: Final = "write the result of another pipeline as {pipeline: train.yaml, output: step.output}"
_NO_CODE: Final = "a pipeline has no code of its own; put it into a module, and call its functions"

TO_REPEAT: Final = ("always", "always_changed", "always_run", "force")
"""Words that run a step each time if they are true. The others about kept results do so if they are false."""

_IN_STEP: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        (
            "action callable class entry_point entrypoint fn func function handler method module node op operator"
            " python_callable source target_function task uses _target_"
        ),
        OtherWord("call", "module:function"),
    ),
    (
        "bash bash_command cmd command commands exec python_script run script shell sh",
        OtherWord("call", _SHELLS, is_sentence=True),
    ),
    (
        (
            "depends dependencies dependency depends-on depends_on dependsOn require required_steps requirements requires run_after"
            " upstream upstream_tasks upstreams wait_for waits_for"
        ),
        OtherWord("needs", "[step]"),
    ),
    ("dataset datasets deps in input input_data ins sources", OtherWord("inputs", "{table: step.output}")),
    (
        "artifact artifacts out output output_data outs plots product products produces result results returns targets",
        OtherWord("outputs", "{table: table.csv}"),
    ),
    (
        (
            "args arguments config configuration hyperparameters kwargs op_kwargs options opts overrides parameters param settings values"
            " variables vars with"
        ),
        OtherWord("params", "{seed: 4}"),
    ),
    (
        "attempts max_attempts max_retries restart-times retries retry_count tries",
        OtherWord("retry", "{times: 2}"),
    ),
    (
        "retry_delay retry_delay_seconds retry_wait",
        OtherWord("retry", "{times: 2, wait: 30s}", is_example=True),
    ),
    (
        "backoff exponential_backoff retry_exponential_backoff",
        OtherWord("retry", "{times: 3, wait: [10s, 1m, 10m]}", is_example=True),
    ),
    (
        "execution_timeout max_time runtime time_limit timeout_seconds worker_timeout",
        OtherWord("timeout", "30m"),
    ),
    ("timeout-minutes timeout_minutes timeout_hours", OtherWord("timeout", "30m", is_example=True)),
    (
        (
            "axes do each expand for for_each foreach grid loop map multirun param_grid strategy sweep sweeper sweeps variants wildcards"
            " with_items zip"
        ),
        OtherWord("matrix", "{depth: [4, 8]}", is_example=True),
    ),
    (
        (
            "callback callbacks hook hooks on-failure on_completion on_error on_failure on_failure_callback on_finish on_render on_retry"
            " on_start on_success on_success_callback onerror onstart onsuccess"
        ),
        OtherWord(None, _HOOKS, is_sentence=True),
    ),
    (
        "env env_vars environ environment environment_variables envvars",
        OtherWord(None, _ENV, is_sentence=True),
    ),
    (
        "allow_failure catch continue-on-error continue_on_error ignore_errors keep_going soft_fail",
        OtherWord(None, _FAILURES, is_sentence=True),
    ),
    (
        "downstream downstream_tasks join next precedes start then triggers",
        OtherWord(None, _FORWARD, is_sentence=True),
    ),
    (
        "batch executor infrastructure kubernetes operator_type queue resources_requests slurm step_operator",
        OtherWord(None, _MACHINES, is_sentence=True),
    ),
    (
        "experiment_tracker materializer model_registry output_materializers",
        OtherWord(None, _TRACKED, is_sentence=True),
    ),
    ("card cards report reports visualisation visualization", OtherWord(None, _REPORTS, is_sentence=True)),
    (
        "condition conditions enabled if only skip skip_if trigger_rule unless when",
        OtherWord(None, _CONDITIONS, is_sentence=True),
    ),
    (
        "catchup cron end_date interval schedule schedule_interval start_date",
        OtherWord(None, _SCHEDULES, is_sentence=True),
    ),
    (
        f"{' '.join(TO_REPEAT)} cache cache_enabled cache_expiration cache_key_fn cache_policy cached enable_cache memoize persist",
        OtherWord("identity", "none", is_example=True),
    ),
    (
        "cores cpu cpus gpu gpus max_concurrency mem mem_mb memory ntasks pool pool_slots resource threads",
        OtherWord("resources", "{gpu: 1}", is_example=True),
    ),
    (
        "cwd wdir work_dir workdir working-directory working_dir working_directory",
        OtherWord(None, _FOLDERS, is_sentence=True),
    ),
    (
        "conda container docker envmodules image pip runs-on runs_on virtualenv",
        OtherWord(None, _PLACES, is_sentence=True),
    ),
    (
        "comment desc doc docs documentation help message note notes summary title",
        OtherWord("description", "what the step does"),
    ),
    ("id name step step_name task_id", OtherWord(None, _NAMES, is_sentence=True)),
    ("log logfile logs stderr stdout", OtherWord(None, _LOGS, is_sentence=True)),
    ("group groups label labels namespace tag", OtherWord("tags", "[model]")),
    ("metric metrics_file scores", OtherWord("metrics", "scores")),
    ("priority_weight weight", OtherWord("priority", "10")),
    (
        "assert asserts bounds limits thresholds validate validations",
        OtherWord("checks", "{accuracy: {min: 0.8}}", is_example=True),
    ),
)

_AT_TOP: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        "dag flow flows graph jobs nodes pipeline pipelines rule rules stage stages step task tasks workflow",
        OtherWord("steps", "{name: {call: module:function}}", is_example=True),
    ),
    (
        (
            "args arguments config configuration constants default_params global globals hparams hyperparameters param parameters"
            " settings variables vars"
        ),
        OtherWord("params", "{seed: 4}"),
    ),
    (
        "base bases configfile extends import imports includes subworkflow",
        OtherWord("include", "[base.yaml]"),
    ),
    ("default default_args step_defaults task_defaults", OtherWord("defaults", "{timeout: 2h}")),
    ("dag_id flow_name id pipeline_name project title", OtherWord("name", "news")),
    ("comment desc doc docs documentation summary", OtherWord("description", "what the pipeline does")),
    ("api api_version schema_version version", OtherWord("pipespec", "1", is_example=True)),
    (
        "artifact_uri experiment experiment_name experiments store tracking tracking_uri",
        OtherWord("mlflow", "{tracking_uri: sqlite:///mlflow.db}", is_example=True),
    ),
    (
        "concurrency cores executor keep_going max_workers n_jobs parallel parallelism runner scheduler workers",
        OtherWord("engine", "{workers: 2}", is_example=True),
    ),
    (
        (
            "alerts callbacks email hooks notifications notifier notifiers on-failure on_completion on_error on_failure on_finish on_start"
            " on_success onerror onstart onsuccess webhook webhooks"
        ),
        OtherWord("notify", '[{url: "${secret:CHAT_WEBHOOK}"}]', is_example=True),
    ),
    (
        "env env_vars environ environment environment_variables envvars",
        OtherWord(None, _ENV, is_sentence=True),
    ),
    (
        "catchup cron on schedule schedule_interval schedules start_date trigger triggers",
        OtherWord(None, _SCHEDULES, is_sentence=True),
    ),
    ("artifacts catalog data datasets plots sources", OtherWord(None, _CATALOGS, is_sentence=True)),
    ("conda container docker image", OtherWord(None, _PLACES, is_sentence=True)),
    ("clients meta run_id runtime serializer unserializer", OtherWord(None, _NO_CODE, is_sentence=True)),
)

_OF_INPUT: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        "csv data filename file_name file_path filepath json key location parquet path source src uri url",
        OtherWord("file", "table.csv"),
    ),
    ("directory folder", OtherWord("dir", "data/images")),
    ("glob globs paths pattern patterns wildcard", OtherWord("files", "data/*.csv")),
    ("input node outputs ref stage step target task upstream", OtherWord("from", "step.output")),
    ("flow project workflow", OtherWord("pipeline", _ANOTHER, is_sentence=True)),
    ("loader reader", OtherWord("load", "module:function")),
    ("args kwargs load_args options params read_args", OtherWord("load", '{sep: ";"}')),
    (
        "format type",
        OtherWord(
            None,
            "the suffix of the file says its format; 'load' takes options, or module:function",
            is_sentence=True,
        ),
    ),
    ("cache persist", OtherWord(None, _STORED, is_sentence=True)),
)

_OF_OUTPUT: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        "csv dir directory filename file_name file_path filepath folder location name path target uri url",
        OtherWord("file", "table.csv"),
    ),
    ("saver serializer writer", OtherWord("save", "module:function")),
    ("args kwargs options params save_args write_args", OtherWord("save", "{index: true}")),
    (
        "format type",
        OtherWord(
            None,
            "the suffix of the file says its format; 'save' takes options, or module:function",
            is_sentence=True,
        ),
    ),
    ("cache persist push remote versioned", OtherWord(None, _STORED, is_sentence=True)),
)

_OF_RETRY: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        "attempts count limit max max_attempts max_retries n number retries retry_count tries",
        OtherWord("times", "2"),
    ),
    ("backoff delay interval pause retry_delay seconds sleep", OtherWord("wait", "30s")),
)

_OF_MLFLOW: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        "backend backend_store_uri server store tracking uri url",
        OtherWord("tracking_uri", "sqlite:///mlflow.db"),
    ),
    ("experiment_name name", OtherWord("experiment", '"${name}/${step.name}"')),
    (
        "artifact_root artifact_uri artifacts default_artifact_root location",
        OtherWord("artifact_location", "s3://bucket/news"),
    ),
)

_OF_ENGINE: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        "concurrency cores jobs max_workers n_jobs parallel parallelism processes threads",
        OtherWord("workers", "2"),
    ),
    ("continue continue_on_error continue-on-error keep-going", OtherWord("keep_going", "true")),
    ("luigid scheduler_url", OtherWord("scheduler", "http://127.0.0.1:8082")),
)

_OF_BOUNDS: Final[Sequence[tuple[str, OtherWord]]] = (
    ("above at_least ge greater_than gt gte least lower lower_bound minimum", OtherWord("min", "0.8")),
    ("at_most below le less_than lt lte maximum most upper upper_bound", OtherWord("max", "1.0")),
)

_OF_NOTIFY: Final[Sequence[tuple[str, OtherWord]]] = (
    (
        "address channel service slack target to uri webhook",
        OtherWord("url", '"${secret:CHAT_WEBHOOK}"', is_example=True),
    ),
    ("events if trigger when", OtherWord("on", "[failure]", is_example=True)),
    ("body format message text", OtherWord("template", "message.txt.j2", is_example=True)),
)

_OF_IDENTITY: Final[Sequence[tuple[str, OtherWord]]] = (
    ("except exclude excluded ignored ignore_params skip", OtherWord("ignore", "[n_jobs]")),
    ("libraries requirements", OtherWord("packages", "[scikit-learn]")),
    ("salt seed tag", OtherWord("version", "2")),
)

WORDS: Final[Mapping[str, Mapping[str, OtherWord]]] = {
    place: {word: meaning for words, meaning in table for word in words.split()}
    for place, table in {
        "": _AT_TOP,
        "step": _IN_STEP,
        "inputs": _OF_INPUT,
        "outputs": _OF_OUTPUT,
        "retry": _OF_RETRY,
        "checks": _OF_BOUNDS,
        "identity": _OF_IDENTITY,
        "mlflow": _OF_MLFLOW,
        "engine": _OF_ENGINE,
        "notify": _OF_NOTIFY,
    }.items()
}
"""By the place, named by keys of the language, and by the word."""


def other_word(path: Sequence[str | int], key: str) -> OtherWord | None:
    """Return what an unknown key at a path is called here, or None if none of those tools has it."""
    match path:
        case ("steps", str()) | ("defaults",):
            place = "step"
        case ("steps", str(), "inputs" | "outputs" | "checks" as below, str()) | (
            "defaults",
            "inputs" | "outputs" | "checks" as below,
            str(),
        ):
            place = below
        case ("steps", str(), "retry" | "identity" as below) | ("defaults", "retry" | "identity" as below):
            place = below
        case () | ("mlflow" | "engine",) | ("notify", int()):
            place = str(path[0]) if path else ""
        case _:
            return None
    return WORDS[place].get(key) or WORDS[place].get(key.partition(" ")[0])
