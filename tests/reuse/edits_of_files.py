"""Edits of what no key sees, and the witness of a run must: files read by hand, pickled values, programs, loaders."""

from edits import edits

G = "def g(): return 1\n"
IMPORT = "cbuiltins\ngetattr\n(cbuiltins\n__import__\n"
MODEL = f"{IMPORT}(S'shapes'\ntRS'Model'\ntR(tR."
ONE_TO_TWO = ("return 1", "return 2")

FILES = [
    *edits(
        "files of code",
        resources=(
            {
                "m.py": "from importlib import resources\ndef f(): return resources.files('assets').joinpath('a.txt').read_text()",
                "assets/__init__.py": "",
                "assets/a.txt": "1",
            },
            {"assets/a.txt": "2"},
        ),
        resource_text=(
            {
                "m.py": "from importlib import resources\ndef f(): return resources.read_text('assets', 'a.txt')",
                "assets/__init__.py": "",
                "assets/a.txt": "1",
            },
            {"assets/a.txt": "2"},
        ),
        data_by_loader=(
            {
                "m.py": "import assets\ndef f(): return assets.__spec__.loader.get_data(assets.__path__[0] + '/a.txt')",
                "assets/__init__.py": "",
                "assets/a.txt": "1",
            },
            {"assets/a.txt": "2"},
        ),
        source_by_tokenize=(
            {
                "m.py": "import tokenize\ndef f():\n    with tokenize.open('other/words.py') as file: return file.read()",
                "other/words.py": "K = 1\n",
            },
            {"other/words.py": "K = 2\n"},
        ),
        hard_link=(
            {
                "m.py": "import os\ndef f():\n    if not os.path.exists('hard.txt'): os.link('words.txt', 'hard.txt')\n    return open('hard.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        pkgutil_data=(
            {
                "m.py": "import pkgutil\ndef f(): return pkgutil.get_data('assets', 'a.txt')",
                "assets/__init__.py": "",
                "assets/a.txt": "1",
            },
            {"assets/a.txt": "2"},
        ),
        beside_the_module=(
            {
                "m.py": "from pathlib import Path\nHERE = Path(__file__).parent\ndef f(): return (HERE / 'words.txt').read_text()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        at_import=(
            {
                "m.py": "import os\nwith open(os.path.join(os.path.dirname(__file__), 'words.txt')) as file:\n    WORDS = file.read().split()\ndef f(): return WORDS",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        at_import_of_another_module=(
            {
                "m.py": "from conf import CONF\ndef f(): return CONF['depth']",
                "conf.py": "import yaml\nfrom pathlib import Path\nCONF = yaml.safe_load(Path('settings.yaml').read_text())\n",
                "settings.yaml": "depth: 1\n",
            },
            {"settings.yaml": "depth: 2\n"},
        ),
        toml=(
            {
                "m.py": "import tomllib\ndef f():\n    with open('settings.toml', 'rb') as file: return tomllib.load(file)",
                "settings.toml": "a = 1\n",
            },
            {"settings.toml": "a = 2\n"},
        ),
        json_config=(
            {
                "m.py": "import json\nCONF = json.load(open('settings.json'))\ndef f(): return CONF",
                "settings.json": "[1]",
            },
            {"settings.json": "[2]"},
        ),
        sql=(
            {
                "m.py": "import sqlite3\nfrom pathlib import Path\ndef f(): return sqlite3.connect(':memory:').execute(Path('queries/get.sql').read_text()).fetchall()",
                "queries/get.sql": "select 1",
            },
            {"queries/get.sql": "select 2"},
        ),
        template=(
            {
                "m.py": "import jinja2\ndef f(): return jinja2.Environment(loader=jinja2.FileSystemLoader('pages')).get_template('a.txt').render(x=3)",
                "pages/a.txt": "{{ x }} 1",
            },
            {"pages/a.txt": "{{ x }} 2"},
        ),
        template_that_includes=(
            {
                "m.py": "import jinja2\ndef f(): return jinja2.Environment(loader=jinja2.FileSystemLoader('pages')).get_template('a.txt').render()",
                "pages/a.txt": "{% include 'b.txt' %}",
                "pages/b.txt": "1",
            },
            {"pages/b.txt": "2"},
        ),
        logging_config=(
            {
                "m.py": "import logging, logging.config\ndef f():\n    logging.config.fileConfig('log.ini')\n    return logging.getLogger('x').getEffectiveLevel()",
                "log.ini": "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=\n[logger_root]\nlevel=INFO\nhandlers=h\n[handler_h]\nclass=StreamHandler\nargs=()\n",
            },
            {"log.ini": ("INFO", "ERROR")},
        ),
        by_linecache=(
            {
                "m.py": "import linecache\ndef f(): return linecache.getline('words.txt', 1)",
                "words.txt": "1\n",
            },
            {"words.txt": "2\n"},
        ),
        by_fileinput=(
            {
                "m.py": "import fileinput\ndef f(): return list(fileinput.input(['words.txt']))",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        by_mmap=(
            {
                "m.py": "import mmap\ndef f():\n    with open('words.txt', 'rb') as file: return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:]",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        by_shutil=(
            {
                "m.py": "import shutil, tempfile, os\ndef f():\n    with tempfile.TemporaryDirectory() as d: return open(shutil.copy('words.txt', d)).read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        in_a_thread=(
            {
                "m.py": "from concurrent.futures import ThreadPoolExecutor\nfrom pathlib import Path\ndef f():\n    with ThreadPoolExecutor() as pool: return pool.submit(Path('words.txt').read_text).result()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        asynchronously=(
            {
                "m.py": "import asyncio\nfrom pathlib import Path\nasync def read(): return await asyncio.to_thread(Path('words.txt').read_text)\ndef f(): return asyncio.run(read())",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        in_a_pool=(
            {
                "m.py": "from concurrent.futures import ProcessPoolExecutor\nfrom work import read\ndef f():\n    with ProcessPoolExecutor(1) as pool: return list(pool.map(read, [1]))",
                "work.py": "def read(n): return open('words.txt').read()\n",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        symbolic_link=(
            {
                "m.py": "import os\ndef f():\n    if not os.path.islink('link.txt'): os.symlink('words.txt', 'link.txt')\n    return open('link.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        from_an_environment_file=(
            {
                "m.py": "import os\ndef load():\n    for line in open('values.env'):\n        key, _, value = line.strip().partition('=')\n        os.environ.setdefault(key, value)\nload()\ndef f(): return os.environ['REUSE_TEST']",
                "values.env": "REUSE_TEST=1\n",
            },
            {"values.env": "REUSE_TEST=2\n"},
        ),
        another_settings_file=(
            {
                "m.py": "import configparser\nC = configparser.ConfigParser()\nC.read(['first.ini', 'second.ini'])\ndef f(): return C['a']['x']",
                "first.ini": "[a]\nx = 1\n",
            },
            {"second.ini": "[a]\nx = 2\n"},
        ),
        pandas_by_url=(
            {
                "m.py": "import pandas as pd, pathlib\ndef f(): return pd.read_json(pathlib.Path('rows.json').resolve().as_uri()).to_dict()",
                "rows.json": '[{"a": 1}]',
            },
            {"rows.json": '[{"a": 2}]'},
        ),
    ),
    *edits(
        "programs",
        script_with_arguments=(
            {
                "m.py": "import subprocess, sys\ndef f(): return subprocess.run([sys.executable, 'tool.py', '--depth', '3'], capture_output=True, text=True, check=True).stdout",
                "tool.py": "import argparse\nP = argparse.ArgumentParser()\nP.add_argument('--depth', type=int)\nprint(P.parse_args().depth * 1)\n",
            },
            {"tool.py": ("* 1", "* 2")},
        ),
        os_system=(
            {
                "m.py": "import os, sys\ndef f(): return os.popen(f'{sys.executable} tool.py').read()",
                "tool.py": "print(1)\n",
            },
            {"tool.py": "print(2)\n"},
        ),
        shell_script=(
            {
                "m.py": "import subprocess\ndef f(): return subprocess.check_output(['sh', 'make.sh'], text=True)",
                "make.sh": "echo 1\n",
            },
            {"make.sh": "echo 2\n"},
        ),
        in_another_folder=(
            {
                "m.py": "import subprocess, sys\ndef f(): return subprocess.check_output([sys.executable, 'tool.py'], cwd='tools', text=True)",
                "tools/tool.py": "print(1)\n",
            },
            {"tools/tool.py": "print(2)\n"},
        ),
        asynchronous=(
            {
                "m.py": "import asyncio, sys\nasync def run():\n    p = await asyncio.create_subprocess_exec(sys.executable, 'tool.py', stdout=-1)\n    return (await p.communicate())[0]\ndef f(): return asyncio.run(run())",
                "tool.py": "print(1)\n",
            },
            {"tool.py": "print(2)\n"},
        ),
    ),
    *edits(
        "loaders",
        spec_from_file=(
            {
                "m.py": "import importlib.util\ndef f():\n    s = importlib.util.spec_from_file_location('thing', 'plugins/one.py')\n    module = importlib.util.module_from_spec(s)\n    s.loader.exec_module(module)\n    return module.g()",
                "plugins/one.py": G,
            },
            {"plugins/one.py": ONE_TO_TWO},
        ),
        machinery=(
            {
                "m.py": "from importlib.machinery import SourceFileLoader\ndef f(): return SourceFileLoader('thing', 'plugins/one.py').load_module().g()",
                "plugins/one.py": G,
            },
            {"plugins/one.py": ONE_TO_TWO},
        ),
        taken_out_again=(
            {
                "m.py": "import importlib, sys\ndef f(name):\n    value = importlib.import_module(name).g()\n    del sys.modules[name]\n    return value",
                "deep.py": G,
            },
            {"deep.py": ONE_TO_TWO},
            {"params": {"name": "deep"}},
        ),
        given_up=(
            {
                "m.py": "import importlib\ndef f(name):\n    try:\n        return importlib.import_module(name).g()\n    except ImportError as error:\n        return str(error)",
                "deep.py": "raise ImportError('1')\n",
            },
            {"deep.py": ("'1'", "'2'")},
            {"params": {"name": "deep"}},
        ),
        plugin_folder=(
            {
                "m.py": "import importlib.util, pathlib\ndef load(path):\n    s = importlib.util.spec_from_file_location(path.stem, path)\n    module = importlib.util.module_from_spec(s)\n    s.loader.exec_module(module)\n    return module\ndef f(): return sorted(load(p).g() for p in pathlib.Path('plugins').glob('*.py'))",
                "plugins/one.py": G,
            },
            {"plugins/two.py": "def g(): return 9\n"},
        ),
        path_changed=(
            {
                "m.py": "import sys\nsys.path.append('extras')\nimport helper_of_extras\ndef f(): return helper_of_extras.g()",
                "extras/helper_of_extras.py": G,
            },
            {"extras/helper_of_extras.py": ONE_TO_TWO},
        ),
        name_from_a_file=(
            {
                "m.py": "import importlib, json\ndef f(): return importlib.import_module(json.load(open('choice.json'))).g()",
                "choice.json": '"first"',
                "first.py": G,
                "second.py": "def g(): return 2\n",
            },
            {"choice.json": '"second"'},
        ),
        module_named_in_a_file=(
            {
                "m.py": "import importlib\ndef f(): return importlib.import_module(open('choice.txt').read()).g()",
                "choice.txt": "first",
                "first.py": G,
            },
            {"first.py": ONE_TO_TWO},
        ),
        reload=(
            {
                "m.py": "import importlib, conf\ndef f(): return importlib.reload(conf).K",
                "conf.py": "K = 1\n",
            },
            {"conf.py": "K = 2\n"},
        ),
        import_by_a_library=(
            {
                "m.py": "import yaml\ndef f(): return yaml.unsafe_load('!!python/name:deep.K')",
                "deep.py": "K = 1\n",
            },
            {"deep.py": "K = 2\n"},
        ),
        logging_class=(
            {
                "m.py": "import logging, logging.config\ndef f():\n    logging.config.dictConfig({'version': 1, 'filters': {'a': {'()': 'deep.make'}}})\n    import sys\n    return sys.modules['deep'].MADE",
                "deep.py": "MADE = []\ndef make():\n    MADE.append(1)\n    return lambda r: True\n",
            },
            {"deep.py": ("(1)", "(2)")},
        ),
        compiled_text=(
            {
                "m.py": "def f():\n    names = {}\n    exec(compile(open('code.txt').read(), 'code.txt', 'exec'), names)\n    return names['x']",
                "code.txt": "x = 1",
            },
            {"code.txt": "x = 2"},
        ),
        module_that_is_first_now=(
            {
                "m.py": "try:\n    from fast import g\nexcept ImportError:\n    from slow import g\ndef f(): return g()",
                "slow.py": G,
            },
            {"fast.py": "def g(): return 2\n"},
        ),
        package_beside_a_module=(
            {"m.py": "from thing import g\ndef f(): return g()", "thing.py": G},
            {"thing/__init__.py": "def g(): return 2\n"},
        ),
    ),
    *edits(
        "pickled values",
        transformer=(
            {
                "m.py": "import pickle\ndef f():\n    with open('model.pkl', 'rb') as file: return pickle.load(file).predict(3)",
                "shapes.py": "class Model:\n    def predict(self, x): return x * 1\n",
                "model.pkl": MODEL,
            },
            {"shapes.py": ("* 1", "* 2")},
        ),
        what_its_class_calls=(
            {
                "m.py": "import pickle\ndef f():\n    with open('model.pkl', 'rb') as file: return pickle.load(file).predict(3)",
                "shapes.py": "from sums import g\nclass Model:\n    def predict(self, x): return g()\n",
                "sums.py": G,
                "model.pkl": MODEL,
            },
            {"sums.py": ONE_TO_TWO},
        ),
        function=(
            {
                "m.py": "import pickle\ndef f(): return pickle.loads(open('g.pkl', 'rb').read())",
                "deep.py": G,
                "g.pkl": f"{IMPORT}(S'deep'\ntRS'g'\ntR(tR.",
            },
            {"deep.py": ONE_TO_TWO},
        ),
        file_itself=(
            {
                "m.py": "import pickle\ndef f():\n    with open('model.pkl', 'rb') as file: return pickle.load(file)",
                "model.pkl": "I1\n.",
            },
            {"model.pkl": "I2\n."},
        ),
    ),
]
