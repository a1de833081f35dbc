"""Each configuration that Hydra's tutorials and patterns show, as a pipeline has it, or why it has none.

The cases answer the examples of Hydra 1.3 by name; files and values are our own. What a case composes is what the
function of its step gets: its `params` are `${params}`, unless it states `steps` itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pipespec.api import load
from pipespec.document.nodes import plain
from pipespec.errors import InvalidPipelineError

STEP = """
steps:
  app:
    call: shop:main
    params: ${params}
"""
CODE = """
def main(**config) -> None: ...


def serve(port: int, host: str = "localhost") -> None: ...


def measure(db, schema, timeout: int = 5) -> None: ...
"""


@dataclass(frozen=True)
class Case:
    """Files by name, `main.yaml` first among them, with the upper layers of a command line."""

    answers: str
    files: dict[str, str]
    overrides: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    gives: Any = None
    """The params of the step, or of each variant by its id."""
    refuses: tuple[str, ...] = ()
    """The first lines of what is said, without their places."""
    how: str = ""
    """What tells it from the other cases of the same example."""


STORES = {
    "store/file.yaml": "kind: file\nfolder: /data\n",
    "store/bucket.yaml": "kind: bucket\nname: raw\nwait: 10\n",
}
CHOSEN = 'include: [{params.store: "store/${params.store_name}.yaml"}]\n'
THREE = {
    "main.yaml": """\
include:
  - {params.store: "store/${params.choice.store}.yaml"}
  - {params.view: "view/${params.choice.view}.yaml"}
  - {params.tables: "tables/${params.choice.tables}.yaml"}
params: {choice: {store: file, view: full, tables: school}}
""",
    "view/full.yaml": "edit: true\nread: true\n",
    "view/plain.yaml": "read: true\n",
    "tables/school.yaml": "names: [pupils, marks]\nfields: {pupils: [{name: text}, {form: number}]}\n",
    "tables/depot.yaml": "names: [goods]\n",
    **STORES,
}
SWEEP = {
    "main.yaml": """\
params:
  dbs: [mysql, postgresql]
  schemas: [depot, support, school]
  timeouts: {mysql: 5, postgresql: 10}
steps:
  app:
    call: shop:measure
    matrix: {db: "${params.dbs}", schema: "${params.schemas}"}
    params: {db: "${matrix.db}", timeout: "${params.timeouts.${matrix.db}}"}
""",
}
TRIALS = {
    "main.yaml": """\
include:
  - {params.db: "db/${params.db_name}.yaml"}
  - {params.server: "server/${params.server_name}.yaml"}
params: {db_name: mysql, server_name: apache}
""",
    "db/mysql.yaml": "name: mysql\n",
    "db/sqlite.yaml": "name: sqlite\n",
    "server/apache.yaml": "name: apache\nport: 80\n",
    "server/nginx.yaml": "name: nginx\nport: 80\n",
    "trial/light.yaml": "params: {db_name: sqlite, server: {port: 8080}}\n",
    "trial/lighter.yaml": "params: {db_name: sqlite, server_name: nginx, server: {port: 8080}}\n",
}
SPECIAL = {
    "main.yaml": """\
include:
  - {params.model: "model/${params.model_name}.yaml"}
  - {params.model: "special/${params.data_name}_${params.model_name}.yaml"}
params: {data_name: large, model_name: shallow}
""",
    "model/shallow.yaml": "layers: 7\n",
    "model/deep.yaml": "layers: 50\nwidth: 10\n",
    "special/large_shallow.yaml": "",
    "special/large_deep.yaml": "# Nothing special.\n",
    "special/small_shallow.yaml": "layers: 5\n",
}
BASE = "host: localhost\nport: 3306\nuser: ???\npassword: ???\n"
EXTENDING = "user: ada\npassword: secret\nport: 3307\nencoding: utf8\n"
EXTENDED = {"host": "localhost", "port": 3307, "user": "ada", "password": "secret", "encoding": "utf8"}
SITES = {
    "main.yaml": """\
include: [{params.domains: sites.yaml}]
params: {sites: [news, maps]}
steps:
  site:
    call: shop:main
    matrix: {site: "${params.sites}"}
    params: {site: "${matrix.site}", domain: "${params.domains.${matrix.site}}"}
""",
    "sites.yaml": "news: news.example\nmaps: maps.example\nmail: mail.example\n",
}
NESTED = {
    "main.yaml": "include: [{params.server: server/apache.yaml}]\nparams: {debug: false}\n",
    "server/apache.yaml": "include: [{db: db/mysql.yaml}]\nname: apache\n",
    "server/db/mysql.yaml": "name: mysql\n",
}
TWICE = {
    "main.yaml": "include: [{params.source: store/file.yaml, params.target: store/file.yaml}]\n",
    **STORES,
}
TYPED = {"main.yaml": "params: {port: 80}\nsteps: {app: {call: 'shop:serve', params: '${params}'}}\n"}

CASES = (
    # --- your first app
    Case(
        "basic/your_first_app/1_simple_cli",
        {"main.yaml": "params: {}\n"},
        ("+params.db.driver=mysql", "+params.db.port=3306"),
        gives={"db": {"driver": "mysql", "port": 3306}},
    ),
    Case(
        "basic/your_first_app/2_config_file",
        {"main.yaml": "params: {db: {driver: mysql, user: ada}}\n"},
        gives={"db": {"driver": "mysql", "user": "ada"}},
    ),
    Case(
        "basic/your_first_app/2_config_file",
        {"main.yaml": "params: {db: {driver: mysql, user: ada}}\n"},
        ("params.db.user=root", "+params.db.password=1234", "params.db.driver=null"),
        gives={"db": {"driver": None, "user": "root", "password": 1234}},
        how="changed",
    ),
    Case(
        "basic/your_first_app/2_config_file",
        {"main.yaml": "params: {db: {driver: mysql, user: ada}}\n"},
        ("params.db.usr=root",),
        refuses=("error[unknown-key]: 'params.db.usr' is set, but no lower layer has it",),
        how="misspelt",
    ),
    Case(
        "basic/your_first_app/3_using_config",
        {"main.yaml": 'params: {node: {a: 10, same: "${params.node.a}", text: "now ${params.node.a}", later: ???}}\n'},
        ("params.node.later=x",),
        gives={"node": {"a": 10, "same": 10, "text": "now 10", "later": "x"}},
    ),
    Case(
        "basic/your_first_app/3_using_config",
        {"main.yaml": "params: {node: {later: ???}}\n"},
        refuses=("error[required-value]: 'params.node.later' has no value: '???' must be set by a higher layer",),
        how="missing",
    ),
    Case(
        "basic/your_first_app/4_config_groups",
        {"main.yaml": CHOSEN + "params: {store_name: ???}\n", **STORES},
        ("params.store_name=bucket",),
        gives={"store": {"kind": "bucket", "name": "raw", "wait": 10}, "store_name": "bucket"},
    ),
    Case(
        "basic/your_first_app/4_config_groups",
        {"main.yaml": CHOSEN + "params: {store_name: ???}\n", **STORES},
        ("params.store_name=bucket", "params.store.wait=20"),
        gives={"store": {"kind": "bucket", "name": "raw", "wait": 20}, "store_name": "bucket"},
        how="changed",
    ),
    Case(
        "basic/your_first_app/4_config_groups",
        {"main.yaml": CHOSEN + "params: {store_name: ???}\n", **STORES},
        refuses=("error[required-value]: 'params.store_name' has no value: '???' must be set by a higher layer",),
        how="not chosen",
    ),
    Case(
        "basic/your_first_app/4_config_groups",
        {"main.yaml": CHOSEN + "params: {store_name: ???}\n", **STORES},
        ("params.store_name=buckt",),
        refuses=("error[include-not-read]: there is no file 'store/buckt.yaml'",),
        how="no such choice",
    ),
    Case(
        "basic/your_first_app/5_defaults",
        {"main.yaml": CHOSEN + "params: {store_name: file}\n", **STORES},
        gives={"store": {"kind": "file", "folder": "/data"}, "store_name": "file"},
    ),
    Case(
        "basic/your_first_app/5_defaults",
        {"main.yaml": CHOSEN + "params: {store_name: file}\n", **STORES},
        ("params.store_name=bucket", "params.store.wait=20"),
        gives={"store": {"kind": "bucket", "name": "raw", "wait": 20}, "store_name": "bucket"},
        how="another",
    ),
    Case(
        "basic/your_first_app/5_defaults",
        {"main.yaml": CHOSEN + "params: {store_name: file, store: {wait: 1}}\n", **STORES},
        ("params.store_name=bucket",),
        gives={"store": {"kind": "bucket", "name": "raw", "wait": 1}, "store_name": "bucket"},
        how="the file after its group",
    ),
    Case(
        "basic/your_first_app/5_defaults",
        {"main.yaml": CHOSEN + "params: {store_name: file}\n", "none.yaml": "params: {$delete: [store]}", **STORES},
        overlays=("none.yaml",),
        gives={"store_name": "file"},
        how="taken away",
    ),
    Case(
        "basic/your_first_app/6_composition",
        THREE,
        gives={
            "store": {"kind": "file", "folder": "/data"},
            "view": {"edit": True, "read": True},
            "tables": {"names": ["pupils", "marks"], "fields": {"pupils": [{"name": "text"}, {"form": "number"}]}},
            "choice": {"store": "file", "view": "full", "tables": "school"},
        },
    ),
    Case(
        "basic/your_first_app/6_composition",
        THREE,
        ("params.choice={store: bucket, view: plain, tables: depot}", "params.tables.names=[]"),
        gives={
            "store": {"kind": "bucket", "name": "raw", "wait": 10},
            "view": {"read": True},
            "tables": {"names": []},
            "choice": {"store": "bucket", "view": "plain", "tables": "depot"},
        },
        how="all others",
    ),
    # --- running your app
    Case(
        "basic/running_your_app/2_multirun",
        SWEEP,
        gives={
            f"app[db={db},schema={schema}]": {"db": db, "schema": schema, "timeout": timeout}
            for db, timeout in (("mysql", 5), ("postgresql", 10))
            for schema in ("depot", "support", "school")
        },
    ),
    Case(
        "basic/running_your_app/2_multirun",
        SWEEP,
        ("params.dbs=[mysql]", "params.schemas=[school]", "params.timeouts.mysql=7"),
        gives={"app[db=mysql,schema=school]": {"db": "mysql", "schema": "school", "timeout": 7}},
        how="narrowed by the command line",
    ),
    Case(
        "basic/running_your_app/2_multirun",
        SWEEP | {"less.yaml": "steps: {app: {matrix: {$add: {exclude: [{db: mysql}, {schema: depot}]}}}}"},
        overlays=("less.yaml",),
        gives={
            f"app[db=postgresql,schema={schema}]": {"db": "postgresql", "schema": schema, "timeout": 10}
            for schema in ("support", "school")
        },
        how="points left out",
    ),
    # --- patterns
    Case(
        "patterns/configuring_experiments",
        TRIALS,
        gives={
            "db": {"name": "mysql"},
            "server": {"name": "apache", "port": 80},
            "db_name": "mysql",
            "server_name": "apache",
        },
    ),
    Case(
        "patterns/configuring_experiments",
        TRIALS,
        overlays=("trial/light.yaml",),
        gives={
            "db": {"name": "sqlite"},
            "server": {"name": "apache", "port": 8080},
            "db_name": "sqlite",
            "server_name": "apache",
        },
        how="one group",
    ),
    Case(
        "patterns/configuring_experiments",
        TRIALS,
        ("params.server.port=81",),
        ("trial/lighter.yaml",),
        gives={
            "db": {"name": "sqlite"},
            "server": {"name": "nginx", "port": 81},
            "db_name": "sqlite",
            "server_name": "nginx",
        },
        how="two groups and a value",
    ),
    Case(
        "patterns/extending_configs",
        {
            "main.yaml": "include: [{params.db: db/mysql.yaml}]\n",
            "db/mysql.yaml": "include: [base.yaml]\n" + EXTENDING,
            "db/base.yaml": BASE,
        },
        gives={"db": EXTENDED},
        how="from its own group",
    ),
    Case(
        "patterns/extending_configs",
        {
            "main.yaml": "include: [{params.db: db/mysql.yaml}]\n",
            "db/mysql.yaml": "include: [../schema/base.yaml]\n" + EXTENDING,
            "schema/base.yaml": BASE,
        },
        gives={"db": EXTENDED},
        how="from another group",
    ),
    Case(
        "patterns/extending_configs",
        {"main.yaml": "include: [{params.db: db/base.yaml}]\n", "db/base.yaml": BASE},
        refuses=(
            "error[required-value]: 'params.db.user' has no value: '???' must be set by a higher layer",
            "error[required-value]: 'params.db.password' has no value: '???' must be set by a higher layer",
        ),
        how="the base alone",
    ),
    Case(
        "patterns/select_multiple_configs_from_config_group",
        SITES,
        gives={
            "site[site=news]": {"site": "news", "domain": "news.example"},
            "site[site=maps]": {"site": "maps", "domain": "maps.example"},
        },
    ),
    Case(
        "patterns/select_multiple_configs_from_config_group",
        SITES,
        ("params.sites=[maps, mail]",),
        gives={
            "site[site=maps]": {"site": "maps", "domain": "maps.example"},
            "site[site=mail]": {"site": "mail", "domain": "mail.example"},
        },
        how="others",
    ),
    Case(
        "patterns/specializing_config",
        SPECIAL,
        gives={"model": {"layers": 7}, "data_name": "large", "model_name": "shallow"},
    ),
    Case(
        "patterns/specializing_config",
        SPECIAL,
        ("params.data_name=small",),
        gives={"model": {"layers": 5}, "data_name": "small", "model_name": "shallow"},
        how="special",
    ),
    Case(
        "patterns/specializing_config",
        SPECIAL,
        ("params.data_name=small", "params.model_name=deep"),
        refuses=("error[include-not-read]: there is no file 'special/small_deep.yaml'",),
        how="a file that is not there is never passed over",
    ),
    # --- advanced
    Case(
        "advanced/nested_defaults_list",
        NESTED,
        gives={"server": {"db": {"name": "mysql"}, "name": "apache"}, "debug": False},
    ),
    Case(
        "advanced/package_overrides",
        TWICE,
        gives={"source": {"kind": "file", "folder": "/data"}, "target": {"kind": "file", "folder": "/data"}},
    ),
    Case(
        "advanced/package_overrides",
        TWICE,
        ("params.target.folder=/copy",),
        gives={"source": {"kind": "file", "folder": "/data"}, "target": {"kind": "file", "folder": "/copy"}},
        how="one of them changed",
    ),
    Case(
        "advanced/override_grammar/basic",
        {"main.yaml": "params: {a: 0, b: 0, c: 0, d: {x: 0}, e: 0, f: 0, g: 0}\n"},
        ("params.a='1, 2'", "params.b=[1, [x, null]]", "params.c=1e3", "params.d={x: true}", 'params.e="a\\tb"', "params.f=", "params.g=a:b"),
        gives={"a": "1, 2", "b": [1, ["x", None]], "c": 1000.0, "d": {"x": True}, "e": "a\tb", "f": None, "g": "a:b"},
    ),
    Case(
        "structured_config/1_minimal_example",
        TYPED,
        ("params.port=8080",),
        gives={"port": 8080},
    ),
    Case(
        "structured_config/1_minimal_example",
        TYPED,
        ("params.port=fail",),
        refuses=("error[param-type]: param 'port' of step 'app': 'fail' is not a whole number; 'shop:serve' declares 'port: int'",),
        how="of a wrong type",
    ),
    Case(
        "structured_config/2_hierarchical_static_config",
        TYPED,
        ("+params.prt=80",),
        refuses=("error[unknown-argument]: param 'prt' of step 'app': 'shop:serve' has no such argument",),
        how="a name that is no field",
    ),
)  # fmt: skip

WITHOUT = {
    "basic/running_your_app/3_working_directory": "all steps work at the project root; each output has a folder of its own",
    "basic/running_your_app/4_logging": "a step's log is kept with its run, whatever `logging` is set to",
    "basic/running_your_app/5_debugging": "no configuration: `pipespec config` shows it, `run --pdb` stops at an error",
    "basic/running_your_app/6_tab_completion": "no configuration; editors complete a pipeline by its JSON schema",
    "patterns/write_protect_config_node": "nothing can change a resolved document, and each step gets values of its own",
    "patterns/configuring_plugins": "there are no plugins that a configuration sets up",
    "advanced/override_grammar/extended": "no functions in values: a sweep's values are listed, or come from a step",
    "advanced/search_path": "a file is found by its path, which starts from the file that names it",
    "advanced/instantiate_objects": "functions are called and build their objects themselves, dataclasses from their annotations",
    "advanced/compose_api": "no configuration: `pipespec.api.load(file, overlays=..., overrides=...)`",
    "structured_config/3_config_groups": "annotations belong to functions; files that are chosen are in 4_config_groups above",
    "structured_config/4_defaults": "as above",
    "structured_config/5_schema": "every function's annotations are its schema already",
    "configure_hydra": "names of runs and folders follow from steps and variants; nothing is left to name",
}

SHOWN = {
    "basic/your_first_app/1_simple_cli",
    "basic/your_first_app/2_config_file",
    "basic/your_first_app/3_using_config",
    "basic/your_first_app/4_config_groups",
    "basic/your_first_app/5_defaults",
    "basic/your_first_app/6_composition",
    "basic/running_your_app/2_multirun",
    "basic/running_your_app/3_working_directory",
    "basic/running_your_app/4_logging",
    "basic/running_your_app/5_debugging",
    "basic/running_your_app/6_tab_completion",
    "patterns/configuring_experiments",
    "patterns/configuring_plugins",
    "patterns/extending_configs",
    "patterns/select_multiple_configs_from_config_group",
    "patterns/specializing_config",
    "patterns/write_protect_config_node",
    "structured_config/1_minimal_example",
    "structured_config/2_hierarchical_static_config",
    "structured_config/3_config_groups",
    "structured_config/4_defaults",
    "structured_config/5_schema",
    "advanced/compose_api",
    "advanced/instantiate_objects",
    "advanced/nested_defaults_list",
    "advanced/override_grammar/basic",
    "advanced/override_grammar/extended",
    "advanced/package_overrides",
    "advanced/search_path",
    "configure_hydra",
}
"""The pages and examples of Hydra 1.3 that show a configuration."""


def name_of(case):
    return f"{case.answers.rpartition('/')[2]} {case.how}".strip().replace(" ", "-")


def whole(text):
    return f"pipespec: 1\n{text}" + ("" if "steps:" in text else STEP)


def loaded(case, folder):
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    (folder / "shop.py").write_text(CODE)
    for name, text in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(whole(text) if name == "main.yaml" else text)
    overlays = [str(folder / name) for name in case.overlays]
    return load(folder / "main.yaml", overlays=overlays, overrides=case.overrides).spec


@pytest.mark.parametrize("case", [case for case in CASES if not case.refuses], ids=name_of)
def test_configuration_gives_what_its_counterpart_gives(case, tmp_path):
    steps = loaded(case, tmp_path).steps

    given = {name: {key: plain(node) for key, node in step.params.items()} for name, step in steps.items()}
    assert given == ({"app": case.gives} if "app" in given else case.gives)


@pytest.mark.parametrize("case", [case for case in CASES if case.refuses], ids=name_of)
def test_configuration_is_refused_as_its_counterpart_is(case, tmp_path):
    with pytest.raises(InvalidPipelineError) as refused:
        loaded(case, tmp_path)

    said = [f"error[{one.code}]: {one.message}" for one in refused.value.diagnostics]
    assert said == list(case.refuses)


def test_every_example_has_a_counterpart_or_a_reason():
    answered = {case.answers for case in CASES}

    assert answered | WITHOUT.keys() == SHOWN
    assert answered & WITHOUT.keys() == set()
