"""Edits of files that a step finds or misses by itself: looks, patterns, folders that it makes, files that it adds to, names in texts."""

from edits import edits

LOOKUPS = [
    *edits(
        "what a step writes to",
        makedirs_exist_ok=(
            {
                "m.py": "import os\ndef f():\n    os.makedirs('data', exist_ok=True)\n    return open('data/words.txt').read()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        path_mkdir_exist_ok=(
            {
                "m.py": "from pathlib import Path\nD = Path('data')\ndef f():\n    D.mkdir(exist_ok=True)\n    return (D / 'words.txt').read_text()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        path_mkdir_parents=(
            {
                "m.py": "from pathlib import Path\nD = Path('data')\ndef f():\n    (D / 'out').mkdir(parents=True, exist_ok=True)\n    return (D / 'words.txt').read_text()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        mkdir_suppressed=(
            {
                "m.py": "import os, contextlib\ndef f():\n    with contextlib.suppress(FileExistsError): os.mkdir('data')\n    return open('data/words.txt').read()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        mkdir_at_import=(
            {
                "m.py": "from pathlib import Path\nD = Path(__file__).parent / 'data'\nD.mkdir(exist_ok=True)\ndef f():\n    return (D / 'words.txt').read_text()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        cwd_mkdir=(
            {
                "m.py": "import os\ndef f():\n    os.makedirs('.', exist_ok=True)\n    return open('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        append_then_read=(
            {
                "m.py": "def f():\n    with open('words.txt', 'a') as o: o.write('')\n    return open('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        touch_then_read=(
            {
                "m.py": "from pathlib import Path\ndef f():\n    Path('words.txt').touch()\n    return Path('words.txt').read_text()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        open_x_fails=(
            {
                "m.py": "def f():\n    try: open('words.txt', 'x')\n    except FileExistsError: pass\n    return open('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        open_w_fails=(
            {
                "m.py": "import os\ndef f():\n    try: open('data', 'w')\n    except IsADirectoryError: pass\n    return open('data/words.txt').read()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        truncate_same=(
            {
                "m.py": "import os\ndef f():\n    os.truncate('words.txt', 1)\n    return open('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        chmod_first=(
            {
                "m.py": "import os\ndef f():\n    os.chmod('words.txt', 0o644)\n    return open('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        renamed_twice=(
            {
                "m.py": "import os\ndef f():\n    os.rename('words.txt', 'w2.txt')\n    try: return open('w2.txt').read()\n    finally: os.rename('w2.txt', 'words.txt')",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        copied=(
            {
                "m.py": "import shutil\ndef f():\n    shutil.copyfile('words.txt', 'w2.txt')\n    return open('w2.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        copied_by_sendfile=(
            {
                "m.py": "import shutil\ndef f():\n    shutil.copy2('words.txt', 'w3.txt')\n    return open('w3.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        moved_in_place=(
            {
                "m.py": "import os\nfrom pathlib import Path\ndef f():\n    text = Path('words.txt').read_text()\n    Path('w.tmp').write_text(text)\n    os.replace('w.tmp', 'words.txt')\n    return text",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
    ),
    *edits(
        "what a step looks for",
        glob_literal_tail=(
            {
                "m.py": "import glob\ndef f(): return sorted(glob.glob('data/*/settings.txt'))",
                "data/a/a.txt": "1",
            },
            {"data/a/settings.txt": "1"},
        ),
        path_glob_literal_tail=(
            {
                "m.py": "from pathlib import Path\ndef f(): return sorted(map(str, Path('data').glob('*/settings.txt')))",
                "data/a/x.txt": "1",
            },
            {"data/a/settings.txt": "1"},
        ),
        rglob=(
            {
                "m.py": "from pathlib import Path\ndef f(): return sorted(map(str, Path('data').rglob('*.sql')))",
                "data/a/x.sql": "1",
            },
            {"data/a/y.sql": "1"},
        ),
        glob_recursive=(
            {
                "m.py": "import glob\ndef f(): return sorted(glob.glob('data/**/*.sql', recursive=True))",
                "data/a/x.sql": "1",
            },
            {"data/b/y.sql": "1"},
        ),
        glob_absent_folder=(
            {"m.py": "import glob\ndef f(): return sorted(glob.glob('data/*.sql'))", "a.txt": "1"},
            {"data/y.sql": "1"},
        ),
        path_glob_absent_folder=(
            {
                "m.py": "from pathlib import Path\ndef f(): return sorted(map(str, Path('data').glob('*.sql')))",
                "a.txt": "1",
            },
            {"data/y.sql": "1"},
        ),
        iterdir=(
            {
                "m.py": "from pathlib import Path\ndef f(): return sorted(p.name for p in Path('data').iterdir())",
                "data/x.sql": "1",
            },
            {"data/y.sql": "1"},
        ),
        walk=(
            {
                "m.py": "import os\ndef f(): return sorted(n for _, _, ns in os.walk('data') for n in ns)",
                "data/a/x.sql": "1",
            },
            {"data/a/b/y.sql": "1"},
        ),
        fwalk=(
            {
                "m.py": "import os\ndef f():\n    out = []\n    for root, ds, ns, fd in os.fwalk('data'):\n        for n in ns:\n            h = os.open(n, os.O_RDONLY, dir_fd=fd)\n            out.append(os.read(h, 9).decode())\n            os.close(h)\n    return sorted(out)",
                "data/a/x.sql": "1",
            },
            {"data/a/x.sql": "2"},
        ),
        dir_fd=(
            {
                "m.py": "import os\ndef f():\n    fd = os.open('data', os.O_RDONLY)\n    h = os.open('words.txt', os.O_RDONLY, dir_fd=fd)\n    return os.read(h, 9).decode()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        listdir_fd=(
            {
                "m.py": "import os\ndef f():\n    fd = os.open('data', os.O_RDONLY)\n    return sorted(os.listdir(fd))",
                "data/words.txt": "1",
            },
            {"data/b.txt": "1"},
        ),
        opener=(
            {
                "m.py": "import os\ndef f():\n    fd = os.open('data', os.O_RDONLY)\n    op = lambda p, fl: os.open(p, fl, dir_fd=fd)\n    return open('words.txt', opener=op).read()",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        chdir=(
            {
                "m.py": "import os\ndef f():\n    os.chdir('data')\n    try: return open('words.txt').read()\n    finally: os.chdir('..')",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        exists_fallback=(
            {
                "m.py": "from pathlib import Path\ndef f():\n    p = Path('local.txt')\n    return p.read_text() if p.exists() else 'none'",
                "a.txt": "1",
            },
            {"local.txt": "2"},
        ),
        try_fallback=(
            {
                "m.py": "def f():\n    try: return open('local.txt').read()\n    except FileNotFoundError: return 'none'",
                "a.txt": "1",
            },
            {"local.txt": "2"},
        ),
        absent_in_absent_folder=(
            {
                "m.py": "def f():\n    try: return open('conf/local.txt').read()\n    except FileNotFoundError: return 'none'",
                "a.txt": "1",
            },
            {"conf/local.txt": "2"},
        ),
        yaml_by_name=(
            {
                "m.py": "import yaml, deep\ndef f(): return deep.J, yaml.unsafe_load(open('c.yaml'))",
                "deep.py": "J = 0\nK = 1\n",
                "c.yaml": "!!python/name:deep.K\n",
            },
            {"deep.py": ("K = 1", "K = 2")},
        ),
        yaml_apply=(
            {
                "m.py": "import yaml, deep\ndef f(): return deep.J, yaml.unsafe_load(open('c.yaml'))",
                "deep.py": "J = 0\ndef g(): return 1\n",
                "c.yaml": "!!python/object/apply:deep.g []\n",
            },
            {"deep.py": ("return 1", "return 2")},
        ),
        dict_config=(
            {
                "m.py": "import json, logging.config, deep\ndef f():\n    logging.config.dictConfig(json.load(open('log.json')))\n    return deep.OUT",
                "deep.py": "OUT = []\ndef make():\n    OUT.append(1)\n    return lambda r: True\n",
                "log.json": '{"version": 1, "filters": {"a": {"()": "deep.make"}}}',
            },
            {"deep.py": ("append(1)", "append(2)")},
        ),
        resolve_from_file=(
            {
                "m.py": "import pkgutil, deep\ndef f(): return deep.J, pkgutil.resolve_name(open('c.txt').read().strip())",
                "deep.py": "J = 0\nK = 1\n",
                "c.txt": "deep:K",
            },
            {"deep.py": ("K = 1", "K = 2")},
        ),
        unittest_loader=(
            {
                "m.py": "import unittest, deep\ndef f(n):\n    s = unittest.defaultTestLoader.loadTestsFromName(n)\n    r = unittest.TestResult()\n    s.run(r)\n    return deep.J, len(r.failures)",
                "deep.py": "import unittest\nJ = 0\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1, 1)\n",
            },
            {"deep.py": ("(1, 1)", "(1, 2)")},
            {"params": {"n": "deep.T"}},
        ),
        path_insert_abs=(
            {
                "m.py": "import sys, os\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'vend'))\nfrom vendored import g\ndef f(): return g()",
                "vend/vendored.py": "from vend_inner import K\ndef g(): return K\n",
                "vend/vend_inner.py": "K = 1\n",
            },
            {"vend/vend_inner.py": ("K = 1", "K = 2")},
        ),
        pth_site=(
            {
                "m.py": "import site\nsite.addsitedir('sitedir')\nimport vend9\ndef f(): return vend9.g()",
                "sitedir/x.pth": "inner\n",
                "sitedir/inner/vend9.py": "def g(): return 1\n",
            },
            {"sitedir/inner/vend9.py": ("return 1", "return 2")},
        ),
        namespace_two_parts=(
            {
                "m.py": "import space.a, space.b\ndef f(): return space.b.g()",
                "space/a.py": "",
                "shared/space/b.py": "def g(): return 1\n",
            },
            {"space/b.py": "def g(): return 2\n"},
            {"outside": ("shared",)},
        ),
        outside_reads_file=(
            {
                "m.py": "import team\ndef f(): return team.g()",
                "shared/team.py": "from pathlib import Path\ndef g(): return Path(__file__).with_name('w.txt').read_text()\n",
                "shared/w.txt": "1",
            },
            {"shared/w.txt": "2"},
            {"outside": ("shared",)},
        ),
        numpy_memmap=(
            {
                "m.py": "import numpy as np\ndef f(): return np.memmap('words.txt', dtype='u1', mode='r').tolist()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        pandas_memory_map=(
            {
                "m.py": "import pandas as pd\ndef f(): return pd.read_csv('w.csv', memory_map=True).to_dict()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        pandas_pyarrow_csv=(
            {
                "m.py": "import pandas as pd\ndef f(): return pd.read_csv('w.csv', engine='pyarrow').to_dict()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        etree=(
            {
                "m.py": "import xml.etree.ElementTree as e\ndef f(): return e.parse('w.xml').getroot().text",
                "w.xml": "<a>1</a>",
            },
            {"w.xml": "<a>2</a>"},
        ),
        sax=(
            {
                "m.py": "import xml.sax\nclass H(xml.sax.ContentHandler):\n    t = ''\n    def characters(self, c): self.t += c\ndef f():\n    h = H()\n    xml.sax.parse('w.xml', h)\n    return h.t",
                "w.xml": "<a>1</a>",
            },
            {"w.xml": "<a>2</a>"},
        ),
        minidom=(
            {
                "m.py": "from xml.dom.minidom import parse\ndef f(): return parse('w.xml').toxml()",
                "w.xml": "<a>1</a>",
            },
            {"w.xml": "<a>2</a>"},
        ),
        urllib_file=(
            {
                "m.py": "import urllib.request, pathlib\ndef f(): return urllib.request.urlopen(pathlib.Path('words.txt').resolve().as_uri()).read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        fsspec_file=(
            {
                "m.py": "import fsspec\ndef f():\n    with fsspec.open('words.txt') as h: return h.read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        polars_scan=(
            {
                "m.py": "import polars as pl\ndef f(): return pl.scan_csv('w.csv').collect().to_dict(as_series=False)",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        sqlalchemy_sqlite=(
            {
                "m.py": "import sqlalchemy as sa\ndef f():\n    with sa.create_engine('sqlite:///w.db').connect() as c: return str(c.execute(sa.text('select 1')).fetchall())",
                "a.txt": "",
            },
            {"a.txt": "1"},
            {"keeps": True},
        ),
        omegaconf=(
            {
                "m.py": "from omegaconf import OmegaConf\ndef f(): return OmegaConf.to_container(OmegaConf.load('c.yaml'))",
                "c.yaml": "a: 1\n",
            },
            {"c.yaml": "a: 2\n"},
        ),
        runpy_path=(
            {
                "m.py": "import runpy\ndef f(): return runpy.run_path('script.txt')['x']",
                "script.txt": "x = 1\n",
            },
            {"script.txt": "x = 2\n"},
        ),
        jinja_package_loader=(
            {
                "m.py": "import jinja2\ndef f(): return jinja2.Environment(loader=jinja2.PackageLoader('pkg', 'pages')).get_template('a.txt').render()",
                "pkg/__init__.py": "",
                "pkg/pages/a.txt": "1",
            },
            {"pkg/pages/a.txt": "2"},
        ),
        jinja_choice=(
            {
                "m.py": "import jinja2\ndef f(): return jinja2.Environment(loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader('over'), jinja2.FileSystemLoader('pages')])).get_template('a.txt').render()",
                "pages/a.txt": "1",
            },
            {"over/a.txt": "2"},
        ),
        jinja_select=(
            {
                "m.py": "import jinja2\ndef f(): return jinja2.Environment(loader=jinja2.FileSystemLoader('pages')).select_template(['b.txt', 'a.txt']).render()",
                "pages/a.txt": "1",
            },
            {"pages/b.txt": "2"},
        ),
        dotenv=(
            {"m.py": "import dotenv\ndef f(): return dotenv.dotenv_values('v.env')", "v.env": "A=1\n"},
            {"v.env": "A=2\n"},
        ),
        pydantic_settings_env=(
            {
                "m.py": "import pydantic_settings as ps\nclass S(ps.BaseSettings):\n    model_config = ps.SettingsConfigDict(env_file='v.env')\n    a: int = 0\ndef f(): return S().a",
                "v.env": "A=1\n",
            },
            {"v.env": "A=2\n"},
        ),
        two_alternates=(
            {
                "m.py": "import os\ndef f():\n    for p in ('a.cfg', 'b.cfg'):\n        if os.path.isfile(p): return open(p).read()",
                "b.cfg": "1",
            },
            {"a.cfg": "2"},
        ),
    ),
    *edits(
        "files that name files",
        yaml_extends=(
            {
                "m.py": "from conf import load\ndef f(): return load('prod.yaml')",
                "conf.py": "import yaml\nfrom pathlib import Path\ndef load(n):\n    d = yaml.safe_load((Path('cfg') / n).read_text())\n    return {**load(d.pop('extends')), **d} if 'extends' in d else d\n",
                "cfg/prod.yaml": "extends: base.yaml\nb: 1\n",
                "cfg/base.yaml": "a: 1\n",
            },
            {"cfg/base.yaml": "a: 2\n"},
        ),
        yaml_include_tag=(
            {
                "m.py": "import conf, yaml\ndef f(): return yaml.load(open('cfg/a.yaml'), conf.Loader)",
                "conf.py": "import yaml, os\nclass Loader(yaml.SafeLoader): ...\ndef inc(l, n):\n    with open(os.path.join('cfg', n.value)) as h: return yaml.load(h, Loader)\nLoader.add_constructor('!include', inc)\n",
                "cfg/a.yaml": "x: !include b.yaml\n",
                "cfg/b.yaml": "1\n",
            },
            {"cfg/b.yaml": "2\n"},
        ),
        toml_local=(
            {
                "m.py": "from conf import CONF\ndef f(): return CONF",
                "conf.py": "import tomllib, pathlib\nH = pathlib.Path(__file__).parent\nCONF = tomllib.loads((H / 'c.toml').read_text())\nif (p := H / 'c.local.toml').is_file(): CONF |= tomllib.loads(p.read_text())\n",
                "c.toml": "a = 1\n",
            },
            {"c.local.toml": "a = 2\n"},
        ),
        jinja_extends=(
            {
                "m.py": "import jinja2\ndef f(): return jinja2.Environment(loader=jinja2.FileSystemLoader('pages')).get_template('a.html').render()",
                "pages/a.html": "{% extends 'base.html' %}{% import 'mac.html' as m %}{% block x %}{{ m.k() }}{% endblock %}",
                "pages/base.html": "<{% block x %}{% endblock %}>",
                "pages/mac.html": "{% macro k() %}1{% endmacro %}",
            },
            {"pages/mac.html": ("1", "2")},
        ),
        two_level_json=(
            {
                "m.py": "import json\ndef f():\n    names = json.load(open('index.json'))\n    return [open(f'data/{n}').read() for n in names]",
                "index.json": '["a"]',
                "data/a": "1",
            },
            {"data/a": "2"},
        ),
        importlib_read_code=(
            {
                "m.py": "import pkgutil, importlib.util\ndef f(): return importlib.util.find_spec('deep').loader.get_source('deep')",
                "deep.py": "K = 1\n",
            },
            {"deep.py": "K = 2\n"},
        ),
        torch_like_dataset=(
            {
                "m.py": "from ds import Folder\ndef f(): return [Folder('data')[i] for i in range(len(Folder('data')))]",
                "ds.py": "from pathlib import Path\nclass Folder:\n    def __init__(self, root): self.files = sorted(Path(root).rglob('*.txt'))\n    def __len__(self): return len(self.files)\n    def __getitem__(self, i): return self.files[i].parent.name, self.files[i].read_text()\n",
                "data/c1/a.txt": "1",
            },
            {"data/c1/a.txt": None, "data/c2/a.txt": "1"},
        ),
        nltk_like=(
            {
                "m.py": "from corpus import words\ndef f(): return words()",
                "corpus.py": "import os\nPATHS = [os.path.join(os.path.dirname(__file__), 'user_words'), os.path.join(os.path.dirname(__file__), 'base_words')]\ndef words():\n    for p in PATHS:\n        if os.path.isdir(p): return sorted(os.listdir(p))\n",
                "base_words/a": "1",
            },
            {"user_words/b": "1"},
        ),
        fsspec_glob=(
            {
                "m.py": "import fsspec\ndef f(): return len(fsspec.open_files('data/*.json'))",
                "data/a.json": "1",
            },
            {"data/b.json": "2"},
        ),
        dynaconf_flat=(
            {
                "m.py": "from conf import S\ndef f(): return S.get('DEPTH')",
                "conf.py": "from dynaconf import Dynaconf\nS = Dynaconf(settings_files=['settings.toml', 'local.toml'], root_path='.')\n",
                "settings.toml": "depth = 1\n",
            },
            {"local.toml": "depth = 2\n"},
        ),
    ),
]
