"""Edits of files that are read past Python, or by libraries that look for them: the witness must see them."""

from edits import edits

READERS = [
    *edits(
        "what is read past Python, and by libraries",
        pa_osfile=(
            {"m.py": "import pyarrow as pa\ndef f(): return pa.OSFile('words.txt').read()", "words.txt": "1"},
            {"words.txt": "22"},
        ),
        pa_fs=(
            {
                "m.py": "import pyarrow.fs as fs\ndef f(): return fs.LocalFileSystem().open_input_file('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        pa_fs_stream=(
            {
                "m.py": "from pyarrow import fs\ndef f(): return fs.LocalFileSystem().open_input_stream('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        pa_fs_info=(
            {
                "m.py": "from pyarrow import fs\ndef f(): return fs.LocalFileSystem().get_file_info('words.txt').size",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        pa_memory_map=(
            {
                "m.py": "import pyarrow as pa\ndef f(): return pa.memory_map('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        pa_input_stream=(
            {
                "m.py": "import pyarrow as pa\ndef f(): return pa.input_stream('words.txt').read()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        pa_csv_osfile=(
            {
                "m.py": "import pyarrow as pa, pyarrow.csv as c\ndef f(): return c.read_csv(pa.OSFile('w.csv')).to_pydict()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        pa_ds_paths=(
            {
                "m.py": "import pyarrow.dataset as ds\ndef f(): return ds.dataset(['w.csv'], format='csv').to_table().to_pydict()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        pa_ds_folder_added=(
            {
                "m.py": "import pyarrow.dataset as ds\ndef f(): return ds.dataset('data', format='csv').to_table().to_pydict()",
                "data/w.csv": "a\n1\n",
            },
            {"data/x.csv": "a\n2\n"},
        ),
        pd_json_pyarrow=(
            {
                "m.py": "import pandas as pd\ndef f(): return pd.read_json('w.json', lines=True, engine='pyarrow').to_dict()",
                "w.json": '{"a": 1}\n',
            },
            {"w.json": '{"a": 2}\n'},
        ),
        pl_glob_added=(
            {
                "m.py": "import polars as pl\ndef f(): return pl.read_csv('data/*.csv').rows()",
                "data/a.csv": "a\n1\n",
            },
            {"data/b.csv": "a\n2\n"},
        ),
        pl_scan_glob_added=(
            {
                "m.py": "import polars as pl\ndef f(): return pl.scan_csv('data/*.csv').collect().rows()",
                "data/a.csv": "a\n1\n",
            },
            {"data/b.csv": "a\n2\n"},
        ),
        pl_folder_added=(
            {
                "m.py": "import polars as pl\ndef f(): return pl.scan_csv('data/').collect().rows()",
                "data/a.csv": "a\n1\n",
            },
            {"data/b.csv": "a\n2\n"},
        ),
        pl_list=(
            {
                "m.py": "import polars as pl\nfrom pathlib import Path\ndef f(): return pl.scan_csv([Path('data/a.csv')]).collect().rows()",
                "data/a.csv": "a\n1\n",
            },
            {"data/a.csv": "a\n2\n"},
        ),
        pl_ndjson=(
            {
                "m.py": "import polars as pl\ndef f(): return pl.scan_ndjson('w.json').collect().rows()",
                "w.json": '{"a": 1}\n',
            },
            {"w.json": '{"a": 2}\n'},
        ),
        pl_from_module=(
            {
                "m.py": "from polars import read_csv\ndef f(): return read_csv('w.csv').rows()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        pl_io_submodule=(
            {
                "m.py": "from polars.io.csv.functions import read_csv\ndef f(): return read_csv('w.csv').rows()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        pl_lazy_deser=(
            {
                "m.py": "import polars as pl, io\ndef f():\n    lf = pl.LazyFrame.deserialize(io.BytesIO(pl.scan_csv('w.csv').serialize()))\n    return lf.collect().rows()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        scipy_mmread=(
            {
                "m.py": "import scipy.io\ndef f(): return scipy.io.mmread('w.mtx').tolist()",
                "w.mtx": "%%MatrixMarket matrix array real general\n1 1\n1\n",
            },
            {"w.mtx": "%%MatrixMarket matrix array real general\n1 1\n2\n"},
        ),
        np_fromfile=(
            {
                "m.py": "import numpy as np\ndef f(): return np.fromfile('words.txt', dtype='u1').tolist()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        svmlight=(
            {
                "m.py": "from sklearn.datasets import load_svmlight_file\ndef f(): return load_svmlight_file('w.svm')[0].toarray().tolist()",
                "w.svm": "0 1:1\n",
            },
            {"w.svm": "0 1:2\n"},
        ),
        io_fileio=(
            {"m.py": "import io\ndef f(): return io.FileIO('words.txt').read()", "words.txt": "1"},
            {"words.txt": "22"},
        ),
        io_open_code=(
            {
                "m.py": "import io\ndef f():\n    with io.open_code(__file__.replace('m.py','words.txt')) as h: return h.read()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        posix_open=(
            {
                "m.py": "import posix\ndef f():\n    h = posix.open('words.txt', posix.O_RDONLY)\n    return posix.read(h, 9)",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        from_os_import_stat=(
            {"m.py": "from os import stat\ndef f(): return stat('words.txt').st_size", "words.txt": "1"},
            {"words.txt": "22"},
        ),
        configparser=(
            {
                "m.py": "import configparser\nc = configparser.ConfigParser()\nread = c.read(['a.ini', 'local.ini'])\ndef f(): return {s: dict(c[s]) for s in c.sections()}",
                "a.ini": "[a]\nx=1\n",
            },
            {"local.ini": "[a]\nx=2\n"},
        ),
        ruamel=(
            {
                "m.py": "from ruamel.yaml import YAML\nfrom pathlib import Path\ndef f(): return YAML(typ='safe').load(Path('s.yaml'))",
                "s.yaml": "a: 1\n",
            },
            {"s.yaml": "a: 2\n"},
        ),
        omega_merge=(
            {
                "m.py": "from omegaconf import OmegaConf\nimport glob\ndef f(): return OmegaConf.to_container(OmegaConf.merge(*map(OmegaConf.load, sorted(glob.glob('conf/*.yaml')))))",
                "conf/a.yaml": "a: 1\n",
            },
            {"conf/b.yaml": "b: 2\n"},
        ),
        dotenv_find=(
            {
                "m.py": "import dotenv, os\ndotenv.load_dotenv(dotenv.find_dotenv('v.env', usecwd=True))\ndef f(): return os.environ.get('REUSE_TEST')",
                "v.env": "REUSE_TEST=1\n",
            },
            {"v.env": "REUSE_TEST=2\n"},
        ),
        subclass_path=(
            {
                "m.py": "import pathlib\nclass P(type(pathlib.Path())):\n    pass\ndef f(): return P('words.txt').read_bytes()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        hashlib_file=(
            {
                "m.py": "import hashlib\ndef f():\n    with open('words.txt','rb') as h: return hashlib.file_digest(h,'sha256').hexdigest()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        threadpool=(
            {
                "m.py": "from concurrent.futures import ThreadPoolExecutor\nfrom pathlib import Path\ndef f():\n    with ThreadPoolExecutor() as e: return list(e.map(Path.read_text, [Path('words.txt')]))",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        processpool=(
            {
                "m.py": "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing as mp\nfrom pathlib import Path\ndef f():\n    with ProcessPoolExecutor(1, mp_context=mp.get_context('fork')) as e: return list(e.map(Path.read_text, [Path('words.txt')]))",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        processpool_exists=(
            {
                "m.py": "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing as mp, os\ndef f():\n    with ProcessPoolExecutor(1, mp_context=mp.get_context('fork')) as e: return list(e.map(os.path.exists, ['words.txt']))",
                "words.txt": "1",
            },
            {"words.txt": None},
        ),
        joblib_parallel_threads=(
            {
                "m.py": "import joblib\nfrom pathlib import Path\ndef f(): return joblib.Parallel(2, prefer='threads')(joblib.delayed(Path.read_text)(Path('words.txt')) for _ in range(2))",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        zipimport_=(
            {
                "m.py": "import sys, zipfile, os\ndef f():\n    with zipfile.ZipFile('z.zip','w') as z: z.write('inner9.txt','inner9.py')\n    sys.path.insert(0,'z.zip')\n    import inner9\n    return inner9.K",
                "inner9.txt": "K=1\n",
            },
            {"inner9.txt": "K=2\n"},
        ),
    ),
    *edits(
        "folders, file systems and SQL",
        pa_selector=(
            {
                "m.py": "from pyarrow import fs\ndef f(): return sorted(i.path for i in fs.LocalFileSystem().get_file_info(fs.FileSelector('data')))",
                "data/a": "1",
            },
            {"data/b": "1"},
        ),
        pa_selector_recursive=(
            {
                "m.py": "from pyarrow.fs import FileSelector, LocalFileSystem\ndef f(): return sorted(i.path for i in LocalFileSystem().get_file_info(FileSelector('data', recursive=True)))",
                "data/x/a": "1",
            },
            {"data/x/b": "1"},
        ),
        pa_ds_factory=(
            {
                "m.py": "import pyarrow.dataset as ds\nfrom pyarrow import fs\ndef f(): return ds.FileSystemDatasetFactory(fs.LocalFileSystem(), fs.FileSelector('data', recursive=True), ds.CsvFileFormat()).finish().to_table().to_pydict()",
                "data/a.csv": "a\n1\n",
            },
            {"data/a.csv": "a\n2\n"},
        ),
        pa_ds_from_paths=(
            {
                "m.py": "import pyarrow.dataset as ds\nfrom pyarrow import fs\ndef f(): return ds.FileSystemDatasetFactory(fs.LocalFileSystem(), ['w.csv'], ds.CsvFileFormat()).finish().to_table().to_pydict()",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        pa_subtree=(
            {
                "m.py": "from pyarrow import fs\ndef f(): return fs.SubTreeFileSystem('data', fs.LocalFileSystem()).open_input_stream('a').read()",
                "data/a": "1",
            },
            {"data/a": "22"},
        ),
        pa_from_uri=(
            {
                "m.py": "from pyarrow import fs\nimport os\ndef f():\n    s, p = fs.FileSystem.from_uri(os.path.abspath('words.txt'))\n    return s.open_input_file(p).read()",
                "words.txt": "1",
            },
            {"words.txt": "22"},
        ),
        pl_read_db_text=(
            {
                "m.py": "import polars as pl\ndef f(): return pl.SQLContext().execute(\"select * from read_csv('w.csv')\", eager=True).to_dict(as_series=False)",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        pl_sql=(
            {
                "m.py": "import polars as pl\ndef f(): return pl.sql(\"select * from read_csv('w.csv')\").collect().to_dict(as_series=False)",
                "w.csv": "a\n1\n",
            },
            {"w.csv": "a\n2\n"},
        ),
        posix_stat=(
            {"m.py": "import posix\ndef f(): return posix.stat('words.txt').st_size", "words.txt": "1"},
            {"words.txt": "22"},
        ),
        posix_lstat=(
            {
                "m.py": "from posix import lstat\ndef f():\n    try: return lstat('flag').st_size\n    except OSError: return 0",
                "flag": "1",
            },
            {"flag": None},
        ),
        posix_access=(
            {"m.py": "import posix\ndef f(): return posix.access('flag', 4)", "flag": "1"},
            {"flag": None},
        ),
        sqlite_attach=(
            {
                "m.py": "import sqlite3\ndef f():\n    c = sqlite3.connect(':memory:')\n    c.execute(\"attach 'data/x.db' as x\")\n    c.execute('create table if not exists x.t (a)')\n    return c.execute('select count(*) from x.t').fetchall() and 1",
                "data/b": "1",
            },
            {"data/b": "2"},
            {"keeps": True},
        ),
    ),
]
