"""Which readers of files a witness sees: each reads one file by hand in a process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap

import pytest

MAKE = """
import pathlib, pickle, sqlite3
import joblib, numpy, pandas
from PIL import Image
import matplotlib; matplotlib.use("Agg")
table = pandas.DataFrame({"x": [1, 2]})
table.to_csv("a.csv", index=False); table.to_parquet("a.parquet"); table.to_feather("a.feather")
table.to_json("a.json", orient="records"); table.to_json("a.ndjson", orient="records", lines=True)
numpy.save("a.npy", numpy.arange(3)); numpy.savez("a.npz", x=numpy.arange(3)); numpy.savetxt("a.txt", numpy.arange(3))
joblib.dump({"a": 1}, "a.joblib"); pathlib.Path("a.pickle").write_bytes(pickle.dumps({"a": 1}))
Image.new("RGB", (2, 2)).save("a.png")
base = sqlite3.connect("a.db"); base.execute("create table t (x)"); base.commit(); base.close()
pathlib.Path("folder").mkdir(); table.to_parquet("folder/one.parquet")
pathlib.Path("a.yaml").write_text("a: 1"); pathlib.Path("a.zip").write_bytes(b"PK\\x05\\x06" + b"\\0" * 18)
"""

READERS = {
    "os.path.exists": ("a.txt", "os.path.exists('a.txt')"),
    "os.stat": ("a.txt", "os.stat('a.txt').st_size"),
    "os.access": ("a.txt", "os.access('a.txt', os.R_OK)"),
    "open": ("a.txt", "open('a.txt').read()"),
    "Path.read_text": ("a.txt", "pathlib.Path('a.txt').read_text()"),
    "os.open": ("a.txt", "os.read(os.open('a.txt', os.O_RDONLY), 5)"),
    "mmap": ("a.txt", "mmap.mmap(os.open('a.txt', os.O_RDONLY), 0, access=mmap.ACCESS_READ)[:1]"),
    "zipfile": ("a.zip", "zipfile.ZipFile('a.zip').namelist()"),
    "yaml": ("a.yaml", "yaml.safe_load(open('a.yaml'))"),
    "pickle": ("a.pickle", "pickle.load(open('a.pickle', 'rb'))"),
    "sqlite3": ("a.db", "sqlite3.connect('a.db').execute('select * from t').fetchall()"),
    "sqlite3 by URI": ("a.db", "sqlite3.connect('file:a.db?mode=ro', uri=True).execute('select * from t')"),
    "numpy.load": ("a.npy", "numpy.load('a.npy')"),
    "numpy.load, mapped": ("a.npy", "numpy.load('a.npy', mmap_mode='r')"),
    "numpy.load of npz": ("a.npz", "numpy.load('a.npz')['x']"),
    "numpy.genfromtxt": ("a.txt", "numpy.genfromtxt('a.txt')"),
    "numpy.fromfile": ("a.npy", "numpy.fromfile('a.npy', dtype='u1')"),
    "joblib.load": ("a.joblib", "joblib.load('a.joblib')"),
    "PIL": ("a.png", "PIL.Image.open('a.png').load()"),
    "matplotlib": ("a.png", "matplotlib.image.imread('a.png')"),
    "pandas.read_csv": ("a.csv", "pandas.read_csv('a.csv')"),
    "pandas.read_csv, pyarrow": ("a.csv", "pandas.read_csv('a.csv', engine='pyarrow')"),
    "pandas.read_json": ("a.json", "pandas.read_json('a.json')"),
    "pandas.read_parquet": ("a.parquet", "pandas.read_parquet('a.parquet')"),
    "pandas.read_parquet of a folder": ("folder/one.parquet", "pandas.read_parquet('folder')"),
    "pandas.read_feather": ("a.feather", "pandas.read_feather('a.feather')"),
    "pyarrow.parquet": ("a.parquet", "pyarrow.parquet.read_table('a.parquet')"),
    "pyarrow.parquet.ParquetFile": ("a.parquet", "pyarrow.parquet.ParquetFile('a.parquet').read()"),
    "pyarrow.csv": ("a.csv", "pyarrow.csv.read_csv('a.csv')"),
    "pyarrow.json": ("a.ndjson", "pyarrow.json.read_json('a.ndjson')"),
    "pyarrow.dataset": ("folder/one.parquet", "pyarrow.dataset.dataset('folder').to_table()"),
    "pyarrow.memory_map": ("a.feather", "pyarrow.memory_map('a.feather').read()"),
    "pyarrow.OSFile": ("a.txt", "pyarrow.OSFile('a.txt').read()"),
    "pyarrow.fs": ("a.txt", "pyarrow.fs.LocalFileSystem().open_input_file('a.txt').read()"),
    "polars.read_csv": ("a.csv", "polars.read_csv('a.csv')"),
    "polars.scan_csv": ("a.csv", "polars.scan_csv('a.csv').collect()"),
    "polars.read_parquet": ("a.parquet", "polars.read_parquet('a.parquet')"),
    "polars.scan_parquet by a pattern": ("folder/one.parquet", "polars.scan_parquet('folder/*.parquet').collect()"),
    "polars.read_ipc": ("a.feather", "polars.read_ipc('a.feather')"),
    "a file that SQL of polars names": ("a.csv", "polars.sql(\"select * from read_csv('a.csv')\", eager=True)"),
    "a database that SQL of SQLite attaches": ("a.db", "sqlite3.connect(':memory:').execute(\"attach 'a.db' as other\")"),
    "a program": ("a.txt", "subprocess.check_output('cat a.txt; true', shell=True)"),
    "code that a program executes": ("a.txt", "subprocess.check_output([sys.executable, '-c', \"open('a.txt')\"])"),
    "polars.read_json": ("a.json", "polars.read_json('a.json')"),
}  # fmt: skip

NOT_SEEN = {
    "a name that another program puts together": ("a.txt", "subprocess.check_output([sys.executable, '-c', \"open('a' + '.txt')\"])"),
    "what C code opens": ("a.txt", "ctypes.CDLL(None).open(b'a.txt', 0)"),
}  # fmt: skip

WATCH = """
import builtins, importlib, json, os, sys
from pipespec.step.witness.take_witness import WitnessTaking
from pipespec.step.witness.witness_job import WitnessJob

class Names(dict):
    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)
        return self.setdefault(name, importlib.import_module(name))

names = Names()
found = {}
for name, (path, code) in json.loads(sys.argv[1]).items():
    for module in MODULES.get(name.partition(".")[0], ()):
        importlib.import_module(module)
    compile(code, name, "eval")
    with WitnessTaking(WitnessJob(os.getcwd())) as taking:
        eval(code, names)
        found[name] = [touched.path for touched in taking.witness().touched]
print(json.dumps(found))
"""

MODULES = {
    "PIL": ["PIL.Image"],
    "matplotlib": ["matplotlib.image"],
    "pyarrow": ["pyarrow.parquet", "pyarrow.csv", "pyarrow.json", "pyarrow.dataset"],
}


def python(code, folder, *args):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    for package in ("joblib", "matplotlib", "pandas", "polars", "pyarrow", "PIL"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp("readers")
    python(MAKE, folder)
    code = f"MODULES = {MODULES!r}\n{WATCH}"
    return json.loads(python(code, folder, json.dumps({**READERS, **NOT_SEEN})))


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_is_seen(seen, reader):
    assert READERS[reader][0] in seen[reader]


@pytest.mark.parametrize("reader", NOT_SEEN)
def test_what_the_docs_call_unseen_is_not_seen(seen, reader):
    assert seen[reader] == []
