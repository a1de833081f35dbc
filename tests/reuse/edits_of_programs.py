"""Edits of what programs and processes read that a step starts: the witness must see them."""

from edits import edits

PROGRAMS = [
    *edits(
        "programs that a step starts",
        tool_imports=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run([sys.executable, 'tool.py'], capture_output=True, text=True, check=True).stdout",
                "tool.py": "import helper\nprint(helper.K)\n",
                "helper.py": "K = 1\n",
            },
            {"helper.py": ("1", "2")},
        ),
        tool_imports_two=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run([sys.executable, 'scripts/tool.py'], capture_output=True, text=True, check=True).stdout",
                "scripts/tool.py": "from near import K\nprint(K)\n",
                "scripts/near.py": "from far import K\n",
                "scripts/far.py": "K = 1\n",
            },
            {"scripts/far.py": ("1", "2")},
        ),
        tool_runs_script=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run([sys.executable, 'tool.py'], capture_output=True, text=True, check=True).stdout",
                "tool.py": "import subprocess\nsubprocess.run(['sh', 'inner.sh'], check=True)\n",
                "inner.sh": "cat limit.txt\n",
                "limit.txt": "1",
            },
            {"limit.txt": "2"},
        ),
        package_of_module=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run([sys.executable, '-sm', 'made.tool'], capture_output=True, text=True, check=True).stdout",
                "made/__init__.py": "K = 1\n",
                "made/tool.py": "import made\nprint(vars(made)['K'])\n",
            },
            {"made/__init__.py": ("1", "2")},
        ),
        dash_c=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run([sys.executable, '-c', 'import deep; print(deep.K)'], capture_output=True, text=True, check=True).stdout",
                "deep.py": "K = 1\n",
            },
            {"deep.py": ("1", "2")},
        ),
        dash_c_from=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run([sys.executable, '-c', 'from deep.sub import K\\nprint(K)'], capture_output=True, text=True, check=True).stdout",
                "deep/__init__.py": "",
                "deep/sub.py": "K = 1\n",
            },
            {"deep/sub.py": ("1", "2")},
        ),
        shell_semicolon=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run('cat words.txt; true', shell=True, capture_output=True, text=True, check=True).stdout",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        shell_redirect_in=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run('cat<words.txt', shell=True, capture_output=True, text=True, check=True).stdout",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        shell_subst=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run('echo $(cat words.txt)', shell=True, capture_output=True, text=True, check=True).stdout",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        shell_paren=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run('(cat words.txt)', shell=True, capture_output=True, text=True, check=True).stdout",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        shell_cd=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run('cd data && cat words.txt', shell=True, capture_output=True, text=True, check=True).stdout",
                "data/words.txt": "1",
            },
            {"data/words.txt": "2"},
        ),
        shell_glob=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run('cat data/*.txt', shell=True, capture_output=True, text=True, check=True).stdout",
                "data/a.txt": "1",
            },
            {"data/a.txt": "2"},
        ),
        shell_glob_new=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run('cat data/*.txt', shell=True, capture_output=True, text=True, check=True).stdout",
                "data/a.txt": "1",
            },
            {"data/b.txt": "2"},
        ),
        folder_arg=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['ls', 'data'], capture_output=True, text=True, check=True).stdout",
                "data/a.txt": "1",
            },
            {"data/b.txt": "2"},
        ),
        folder_arg_content=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['sh', '-c', 'cat \"$0\"/*', 'data'], capture_output=True, text=True, check=True).stdout",
                "data/a.txt": "1",
            },
            {"data/a.txt": "2"},
        ),
        sourced=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['sh', 'go.sh'], capture_output=True, text=True, check=True).stdout",
                "go.sh": ". ./lib.sh\ngo\n",
                "lib.sh": "go() { echo 1; }\n",
            },
            {"lib.sh": ("1", "2")},
        ),
        makefile=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['make', '-s', '-f', 'Makefile', 'out'], capture_output=True, text=True, check=True).stdout",
                "Makefile": "out:\n\t@echo 1\n",
            },
            {"Makefile": ("1", "2")},
        ),
        makefile_include=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['make', '-s', '-f', 'rules.mk', 'out'], capture_output=True, text=True, check=True).stdout",
                "rules.mk": "include vars.mk\nout:\n\t@echo $(K)\n",
                "vars.mk": "K = 1\n",
            },
            {"vars.mk": ("1", "2")},
        ),
        env_file=(
            {
                "m.py": "import subprocess, os\ndef f(): return subprocess.run(['sh', '-c', 'cat $CONF'], env={**os.environ, 'CONF': 'conf/a.txt'}, capture_output=True, text=True).stdout",
                "conf/a.txt": "1",
            },
            {"conf/a.txt": "2"},
        ),
        at_args=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['sh', 'go.sh', '@args.txt'], capture_output=True, text=True, check=True).stdout",
                "go.sh": "cat ${1#@}\n",
                "args.txt": "1",
            },
            {"args.txt": "2"},
        ),
        colon_arg=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['sh', 'go.sh', 'in:words.txt'], capture_output=True, text=True, check=True).stdout",
                "go.sh": "cat ${1#in:}\n",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        comma_args=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['sh', 'go.sh', 'a.txt,b.txt'], capture_output=True, text=True, check=True).stdout",
                "go.sh": "IFS=,; cat $1\n",
                "a.txt": "1",
                "b.txt": "1",
            },
            {"b.txt": "2"},
        ),
        optional_conf=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run(['sh', 'go.sh', 'local.cfg'], capture_output=True, text=True, check=True).stdout",
                "go.sh": "cat $1 2>/dev/null || echo none\n",
            },
            {"local.cfg": "2"},
        ),
        pythonpath_env=(
            {
                "m.py": "import subprocess, sys, os\ndef f(): return subprocess.run([sys.executable, '-c', 'import inner; print(inner.K)'], env={**os.environ, 'PYTHONPATH': 'vend'}, capture_output=True, text=True).stdout",
                "vend/inner.py": "K = 1\n",
            },
            {"vend/inner.py": ("1", "2")},
        ),
        stdin_file=(
            {
                "m.py": "import subprocess\ndef f():\n    with open('words.txt') as h: return subprocess.run(['cat'], stdin=h, capture_output=True, text=True).stdout",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
    ),
    *edits(
        "processes of Python",
        mp_spawn=(
            {
                "m.py": "import multiprocessing as mp\nfrom work import go\ndef f():\n    with mp.get_context('spawn').Pool(1) as p: return p.map(go, [1])",
                "work.py": "def go(n):\n    import late\n    return late.K * n\n",
                "late.py": "K = 1\n",
            },
            {"late.py": ("1", "2")},
        ),
        mp_spawn_reads=(
            {
                "m.py": "import multiprocessing as mp\nfrom work import go\ndef f():\n    with mp.get_context('spawn').Pool(1) as p: return p.map(go, [1])",
                "work.py": "def go(n): return open('words.txt').read()\n",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        loky_reads=(
            {
                "m.py": "import joblib\nfrom work import go\ndef f(): return joblib.Parallel(2)(joblib.delayed(go)(i) for i in range(2))",
                "work.py": "def go(n): return open('words.txt').read()\n",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        loky_module=(
            {
                "m.py": "import joblib\nfrom work import go\ndef f(): return joblib.Parallel(2)(joblib.delayed(go)(i) for i in range(2))",
                "work.py": "def go(n):\n    import importlib\n    return importlib.import_module(open('name.txt').read()).K\n",
                "name.txt": "late",
                "late.py": "K = 1\n",
            },
            {"late.py": ("1", "2")},
        ),
        forkserver=(
            {
                "m.py": "import multiprocessing as mp\nfrom work import go\ndef f():\n    with mp.get_context('forkserver').Pool(1) as p: return p.map(go, [1])",
                "work.py": "def go(n): return open('words.txt').read()\n",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
        dask_processes=(
            {
                "m.py": "import dask\nfrom work import go\ndef f(): return dask.compute(dask.delayed(go)(1), scheduler='processes')",
                "work.py": "def go(n): return open('words.txt').read()\n",
                "words.txt": "1",
            },
            {"words.txt": "2"},
        ),
    ),
    *edits(
        "programs, harmless",
        comment_in_a_program=(
            {
                "m.py": "import subprocess, sys\ndef f(): return subprocess.run([sys.executable, 'tool.py'], capture_output=True, text=True, check=True).stdout",
                "tool.py": "import helper\nprint(helper.twice(1))\n",
                "helper.py": "def twice(x):\n    return 2 * x\n",
                "other.txt": "1",
                "spare.py": "K = 1\n",
            },
            {"tool.py": "# a program\nimport helper\nprint(helper.twice(1))\n"},
            {"keeps": True},
        ),
        comment_in_what_it_imports=(
            {
                "m.py": "import subprocess, sys\ndef f(): return subprocess.run([sys.executable, 'tool.py'], capture_output=True, text=True, check=True).stdout",
                "tool.py": "import helper\nprint(helper.twice(1))\n",
                "helper.py": "def twice(x):\n    return 2 * x\n",
                "other.txt": "1",
                "spare.py": "K = 1\n",
            },
            {"helper.py": ("2 * x", "2 * x  # two")},
            {"keeps": True},
        ),
        file_beside_a_program=(
            {
                "m.py": "import subprocess, sys\ndef f(): return subprocess.run([sys.executable, 'tool.py'], capture_output=True, text=True, check=True).stdout",
                "tool.py": "import helper\nprint(helper.twice(1))\n",
                "helper.py": "def twice(x):\n    return 2 * x\n",
                "other.txt": "1",
                "spare.py": "K = 1\n",
            },
            {"other.txt": "2"},
            {"keeps": True},
        ),
        module_beside_a_program=(
            {
                "m.py": "import subprocess, sys\ndef f(): return subprocess.run([sys.executable, 'tool.py'], capture_output=True, text=True, check=True).stdout",
                "tool.py": "import helper\nprint(helper.twice(1))\n",
                "helper.py": "def twice(x):\n    return 2 * x\n",
                "other.txt": "1",
                "spare.py": "K = 1\n",
            },
            {"spare.py": ("1", "2")},
            {"keeps": True},
        ),
        joblib_workers=(
            {
                "m.py": "import joblib\nfrom work import go\ndef f(): return joblib.Parallel(2)(joblib.delayed(go)(i) for i in range(2))",
                "work.py": "def go(n): return n\ndef spare(): return 1\n",
            },
            {"work.py": ("return 1", "return 2")},
            {"keeps": True},
        ),
        spawn_workers=(
            {
                "m.py": "import multiprocessing as mp\nfrom work import go\ndef f():\n    with mp.get_context('spawn').Pool(1) as p: return p.map(go, [1])",
                "work.py": "def go(n): return n\ndef spare(): return 1\n",
                "b": "1",
            },
            {"b": "2", "work.py": ("return 1", "return 2")},
            {"keeps": True},
        ),
        git_program=(
            {
                "m.py": "import subprocess\ndef f(): return len(subprocess.run(['git', '--version'], capture_output=True, text=True).stdout) > 1",
                "b.txt": "1",
            },
            {"b.txt": "2"},
            {"keeps": True},
        ),
        program_writes_folder=(
            {
                "m.py": "import subprocess, os\ndef f():\n    os.makedirs('outdir', exist_ok=True)\n    subprocess.run(['sh', '-c', 'date > outdir/x.txt'], check=True)\n    return os.path.exists('outdir/x.txt')",
                "b": "1",
            },
            {"b": "2"},
            {"keeps": True},
        ),
        program_cleans=(
            {
                "m.py": "import subprocess, os\ndef f():\n    subprocess.run('rm -rf outd && mkdir outd && echo hi > outd/a.txt', shell=True, check=True)\n    return open('outd/a.txt').read()",
                "b": "1",
            },
            {"b": "2"},
            {"keeps": True},
        ),
    ),
]
