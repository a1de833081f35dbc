"""Edits of files that a step only asks about or lists: the witness must see them."""

from edits import edits

CHECKS = [
    *edits(
        "what a step asks of files",
        exists=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('flag').exists()",
                "flag": "1",
            },
            {"flag": None},
        ),
        is_file=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('flag').is_file()",
                "flag": "1",
            },
            {"flag": None},
        ),
        os_exists=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.path.exists('flag')",
                "flag": "1",
            },
            {"flag": None},
        ),
        is_dir=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('data').is_dir()",
                "data": "1",
            },
            {"data": None, "data/a": "1"},
        ),
        exists_content=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('flag').exists()",
                "flag": "1",
            },
            {"flag": "2"},
            {"keeps": True},
        ),
        getsize=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.path.getsize('words.txt')",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        getsize_same=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.path.getsize('words.txt')",
                "words.txt": "1",
            },
            {"words.txt": "3"},
            {"keeps": True},
        ),
        st_size=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('words.txt').stat().st_size",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        st_size_same=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('words.txt').stat().st_size",
                "words.txt": "1",
            },
            {"words.txt": "3"},
            {"keeps": True},
        ),
        os_stat_size=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.stat('words.txt').st_size",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        stat_index=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.stat('words.txt')[6]",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        stat_helper=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef g(p): return p.stat()\ndef f(): return g(Path('words.txt')).st_size",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        mtime=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('words.txt').stat().st_mtime",
                "words.txt": "1",
            },
            {"words.txt": "3"},
        ),
        getmtime=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.path.getmtime('words.txt')",
                "words.txt": "1",
            },
            {"words.txt": "3"},
        ),
        newest=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return max(Path('data').glob('*'), key=lambda p: p.stat().st_mtime).name",
                "data/a": "1",
                "data/b": "2",
            },
            {"data/a": "3"},
        ),
        newest_getmtime=(
            {
                "m.py": "from pathlib import Path\nimport os\nimport glob\ndef f(): return max(glob.glob('data/*'), key=os.path.getmtime)",
                "data/a": "1",
                "data/b": "2",
            },
            {"data/a": "3"},
        ),
        largest_scandir=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return max(os.scandir('data'), key=lambda e: e.stat().st_size).name",
                "data/a": "1",
                "data/b": "22",
            },
            {"data/a": "333"},
        ),
        scandir_sizes=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return sum(e.stat().st_size for e in os.scandir('data'))",
                "data/a": "1",
                "data/b": "22",
            },
            {"data/a": "333"},
        ),
        scandir_kind=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return [e.name for e in os.scandir('data') if e.is_dir()]",
                "data/a": "1",
            },
            {"data/a": None, "data/a/x": "1"},
        ),
        walk_kind=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return sorted(n for r,d,n in os.walk('data'))",
                "data/a": "1",
            },
            {"data/a": None, "data/a/x": "1"},
        ),
        glob_exact=(
            {
                "m.py": "from pathlib import Path\nimport os\nimport glob\ndef f(): return glob.glob('data/a')",
                "data/a": "1",
            },
            {"data/a": None},
        ),
        access=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.access('flag', os.R_OK)",
                "flag": "1",
            },
            {"flag": None},
        ),
        access_absent=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return os.access('flag', os.R_OK)",
                "other": "1",
            },
            {"flag": "1"},
        ),
        filecmp_=(
            {
                "m.py": "from pathlib import Path\nimport os\nimport filecmp\ndef f(): return filecmp.cmp('a.txt','b.txt')",
                "a.txt": "1",
                "b.txt": "22",
            },
            {"b.txt": "1"},
        ),
        samefile_missing=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return sorted(p for p in ('a.txt','b.txt') if os.path.isfile(p))",
                "a.txt": "1",
                "b.txt": "2",
            },
            {"a.txt": None},
        ),
        cache_if_there=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f():\n    if Path('cache.done').exists(): return 1\n    return 2",
                "cache.done": "1",
            },
            {"cache.done": None},
        ),
        exists_import_level=(
            {
                "m.py": "from pathlib import Path\nimport os\nHAS = Path(__file__).with_name('gpu.flag').exists()\ndef f(): return HAS",
                "gpu.flag": "1",
            },
            {"gpu.flag": None},
        ),
        fsspec_exists=(
            {"m.py": "import fsspec\ndef f(): return fsspec.filesystem('file').exists('flag')", "flag": "1"},
            {"flag": None},
        ),
        fsspec_size=(
            {
                "m.py": "import fsspec\ndef f(): return fsspec.filesystem('file').size('words.txt')",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        resource_isfile=(
            {
                "m.py": "from importlib import resources\ndef f(): return resources.files('assets').joinpath('a').is_file()",
                "assets/__init__.py": "",
                "assets/a": "1",
            },
            {"assets/a": None},
        ),
        disk_usage_walk=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return sum(os.path.getsize(os.path.join(r,n)) for r,d,ns in os.walk('data') for n in ns)",
                "data/a": "1",
            },
            {"data/a": "333"},
        ),
    ),
    *edits(
        "checks of what the step makes",
        many_sizes=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(n: int = 1500):\n    os.makedirs('big', exist_ok=True)\n    for i in range(n):\n        p = f'big/{i}'\n        if not os.path.exists(p): open(p,'w').write('x')\n    return 1",
                "words.txt": "1",
            },
            {"words.txt": "2"},
            {"keeps": True},
        ),
        tmp_file=(
            {
                "m.py": "from pathlib import Path\nimport os\nimport tempfile\ndef f():\n    with tempfile.TemporaryDirectory() as t:\n        p = Path(t) / 'a'\n        p.write_text('1')\n        return p.stat().st_size, p.exists()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        tmp_left=(
            {
                "m.py": "from pathlib import Path\nimport os\nimport tempfile\ndef f():\n    p = Path(tempfile.mkdtemp()) / 'a'\n    p.write_text('1')\n    return p.stat().st_size, p.exists()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        resolve=(
            {
                "m.py": "from pathlib import Path\nimport os\nHERE = Path(__file__).resolve().parent\ndef f(): return HERE.exists(), HERE.is_dir()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        expanduser=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f(): return Path('~').expanduser().exists(), os.path.isdir('/tmp')",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        out_cache=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f():\n    os.makedirs('cache', exist_ok=True)\n    p = Path('cache/x')\n    if not p.exists(): p.write_text('1')\n    return p.read_text()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        parquet_out=(
            {
                "m.py": "from pathlib import Path\nimport os\nimport pandas as pd\ndef f():\n    pd.DataFrame({'a': [1]}).to_parquet('o.parquet')\n    return os.path.getsize('o.parquet') > 0",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        log_size=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f():\n    with open('run.log', 'a') as h: h.write('x')\n    return os.path.exists('run.log')",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        sklearn_pandas=(
            {
                "m.py": "import pandas as pd\nfrom sklearn.linear_model import LinearRegression\ndef f(): return LinearRegression().fit([[1],[2]],[1,2]).coef_.tolist()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        mpl=(
            {
                "m.py": "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\ndef f():\n    fig, ax = plt.subplots()\n    ax.plot([1])\n    return len(ax.lines)",
                "words.txt": "1",
            },
            {"words.txt": "22"},
            {"keeps": True},
        ),
        mtime_touch=(
            {
                "m.py": "from pathlib import Path\nimport os\nimport jinja2\ndef f(): return jinja2.Environment(loader=jinja2.FileSystemLoader('pages')).get_template('a.txt').render()",
                "pages/a.txt": "1",
                "b": "1",
            },
            {"b": "2"},
            {"keeps": True},
        ),
        inspect_source=(
            {
                "m.py": "import inspect, conf\ndef f(): return inspect.getsource(conf.g)",
                "conf.py": "def g(): return 1\n",
                "b": "1",
            },
            {"b": "2"},
            {"keeps": True},
        ),
        linked_current=(
            {
                "m.py": "from pathlib import Path\nimport os\ndef f():\n    if not Path('models/cur').exists(): os.symlink('v1','models/cur')\n    return Path('models/cur').resolve().name",
                "models/v1/a": "1",
                "models/v2/a": "1",
                "b": "1",
            },
            {"b": "2"},
            {"keeps": True},
        ),
    ),
]
