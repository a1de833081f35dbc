"""Edits of what changes something though no call shows it: operators, items, iterators, objects that share an attribute of their class."""

from edits import edits

USES = [
    *edits(
        "what a use changes",
        append_in_class_body=(
            "REG = []\nclass A:\n    REG.append(1)\ndef f(): return REG",
            ("append(1)", "append(2)"),
        ),
        class_body_call_elsewhere=(
            {
                "m.py": "import reg, kinds\ndef f(): return reg.REG",
                "reg.py": "REG = []\ndef note(x): REG.append(x)\n",
                "kinds.py": "import reg\nclass A:\n    n = reg.note(1)\n",
            },
            {"kinds.py": ("note(1)", "note(2)")},
        ),
        descriptor_instance=(
            "REG = []\nclass Field:\n    def __set_name__(self, o, n): REG.append((o.__name__, n))\nfld = Field()\nclass A:\n    n = fld\ndef f(): return REG",
            ("    n = fld", "    k = fld"),
        ),
        rshift_definition=(
            "class T:\n    def __init__(self, n): self.n, self.next = n, []\n    def __rshift__(self, o):\n        self.next.append(o.n)\n        return o\na, b, c = T('a'), T('b'), T('c')\nFLOW = a >> b\ndef f(): return a.next",
            ("FLOW = a >> b", "FLOW = a >> c"),
        ),
        rshift_statement=(
            "class T:\n    def __init__(self, n): self.n, self.next = n, []\n    def __rshift__(self, o):\n        self.next.append(o.n)\n        return o\na, b, c = T('a'), T('b'), T('c')\na >> b\ndef f(): return a.next",
            ("a >> b", "a >> c"),
        ),
        defaultdict_touch=(
            "from collections import defaultdict\nD = defaultdict(list)\nX = D['a']\ndef f(): return list(D)",
            ("D['a']", "D['b']"),
        ),
        iterator_consumed=(
            "IT = iter([1, 2, 3, 4])\nX = next(IT)\nY = list(zip(IT, [1]))\ndef f(): return list(IT)",
            ("[1])", "[])"),
        ),
        iterator_listed=(
            "from itertools import islice\nIT = iter([1, 2, 3, 4])\nX = list(islice(IT, 2))\ndef f(): return list(IT)",
            ("IT, 2", "IT, 3"),
        ),
        iterator_unpacked=(
            "IT = iter([1, 2, 3, 4])\nA = next(IT)\ndef f(): return list(IT)",
            ("A = next(IT)", "A, B = next(IT), next(IT)"),
        ),
        iterator_membership=(
            "IT = iter([1, 2, 3, 4])\nA = 2 in IT\ndef f(): return list(IT)",
            ("2 in", "3 in"),
        ),
        iterator_sum=("IT = iter([1, 2, 3, 4])\nA = 0\ndef f(): return list(IT)", ("A = 0", "A = sum(IT)")),
        iterator_unpack=("IT = iter([1, 2])\nA = 0\ndef f(): return list(IT)", ("A = 0", "A, B = IT")),
        iterator_for=(
            "IT = iter([1, 2, 3, 4])\nfor x in IT:\n    if x == 2: break\ndef f(): return list(IT)",
            ("x == 2", "x == 3"),
        ),
        generator_shared=(
            "def gen():\n    yield from range(5)\nG = gen()\nHEAD = next(G)\ndef f(): return list(G)",
            ("HEAD = next(G)", "HEAD = [next(G), next(G)]"),
        ),
        instances_counted=(
            "class A:\n    count = 0\n    def __init__(self): A.count += 1\nONE = A()\ndef f(): return A.count",
            ("ONE = A()", "ONE = A()\nTWO = A()"),
        ),
        instances_by_type=(
            "class A:\n    count = 0\n    def __init__(self): type(self).count += 1\nONE = A()\ndef f(): return A.count",
            ("ONE = A()", "ONE = A()\nTWO = A()"),
        ),
        instances_by_class=(
            "class A:\n    all = []\n    def __init__(self, n): self.__class__.all.append(n)\nONE = A(1)\ndef f(): return A.all",
            ("A(1)", "A(2)"),
        ),
        instances_by_self=(
            "class A:\n    all = []\n    def __init__(self, n): self.all.append(n)\nONE = A(1)\ndef f(): return A.all",
            ("A(1)", "A(2)"),
        ),
        instances_elsewhere=(
            {
                "m.py": "import reg, kinds\ndef f(): return reg.A.all",
                "reg.py": "class A:\n    all = {}\n    def __init__(self, n): self.all[n] = self\n    def __repr__(self): return 'A'\n",
                "kinds.py": "from reg import A\nONE = A('x')\n",
            },
            {"kinds.py": ("'x'", "'y'")},
        ),
        instances_of_a_base=(
            {
                "m.py": "import reg, kinds\ndef f(): return reg.Base.all",
                "reg.py": "class Base:\n    all = []\n    def __init__(self, n): Base.all.append(n)\n",
                "kinds.py": "from reg import Base\nclass A(Base):\n    pass\nONE = A('x')\n",
            },
            {"kinds.py": ("'x'", "'y'")},
        ),
        instances_by_new=(
            "class A:\n    all = []\n    def __new__(cls, n):\n        cls.all.append(n)\n        return super().__new__(cls)\nONE = A(1)\ndef f(): return A.all",
            ("A(1)", "A(2)"),
        ),
        instances_weak=(
            "import weakref\nclass A:\n    all = weakref.WeakSet()\n    def __init__(self, n):\n        self.n = n\n        A.all.add(self)\nONE = A(1)\ndef f(): return [a.n for a in A.all]",
            ("A(1)", "A(2)"),
        ),
        metaclass_call=(
            "class Meta(type):\n    made = []\n    def __call__(cls, *a):\n        Meta.made.append(a)\n        return super().__call__(*a)\nclass A(metaclass=Meta):\n    def __init__(self, n): ...\nONE = A(1)\ndef f(): return Meta.made",
            ("A(1)", "A(2)"),
        ),
        lru_cache_filled=(
            "import functools, itertools\nC = itertools.count()\n@functools.lru_cache\ndef g(x): return next(C)\nW = g(1)\ndef f(): return g(2), g(1)",
            ("W = g(1)", "W = g(2)"),
        ),
        cached_result_of_env=(
            "import functools, os\n@functools.cache\ndef level(): return os.environ.get('REUSE_TEST', 'none')\nos.environ['REUSE_TEST'] = '1'\nlevel()\nos.environ['REUSE_TEST'] = '2'\ndef f(): return level()",
            ("'2'\n", "'2'\nlevel.cache_clear()\n"),
        ),
        property_setter=(
            "class Conf:\n    _n = 0\n    @property\n    def n(self): return self._n\n    @n.setter\n    def n(self, v): Conf._n = v\nC = Conf()\nC.n = 5\ndef f(): return Conf._n",
            ("C.n = 5", "C.n = 6"),
        ),
        setitem=(
            "S = {}\nclass P:\n    def __setitem__(self, k, v): S[k] = v\np = P()\np['a'] = 1\ndef f(): return S",
            ("= 1\ndef", "= 2\ndef"),
        ),
        setattr_hook=(
            "S = {}\nclass P:\n    def __setattr__(self, k, v): S[k] = v\np = P()\np.a = 1\ndef f(): return S",
            ("= 1\ndef", "= 2\ndef"),
        ),
        delitem=("D = {'a': 1, 'b': 2}\ndel D['a']\ndef f(): return D", ("D['a']\ndef", "D['b']\ndef")),
        getattr_hook=(
            "S = []\nclass P:\n    def __getattr__(self, k):\n        S.append(k)\n        return k\np = P()\nX = p.red\ndef f(): return S",
            ("p.red", "p.blue"),
        ),
        getitem_hook=(
            "S = []\nclass P:\n    def __getitem__(self, k):\n        S.append(k)\n        return k\np = P()\nX = p['red']\ndef f(): return S",
            ("'red'", "'blue'"),
        ),
        contains_hook=(
            "S = []\nclass P:\n    def __contains__(self, k):\n        S.append(k)\n        return True\np = P()\nX = 'red' in p\ndef f(): return S",
            ("'red'", "'blue'"),
        ),
        iadd_of_import=(
            {
                "m.py": "from reg import REG\nREG += [1]\ndef f():\n    import reg\n    return reg.REG",
                "reg.py": "REG = []\n",
            },
            ("[1]", "[2]"),
        ),
        ior_of_import=(
            {
                "m.py": "from reg import REG\nimport more\ndef f(): return REG",
                "reg.py": "REG = {}\n",
                "more.py": "from reg import REG\nREG |= {'a': 1}\n",
            },
            {"more.py": ("1", "2")},
        ),
        slice_of_import=(
            {
                "m.py": "from reg import REG\nimport more\ndef f(): return REG",
                "reg.py": "REG = [0]\n",
                "more.py": "import reg\nreg.REG[:] = [1]\n",
            },
            {"more.py": ("[1]", "[2]")},
        ),
        for_target=(
            {"m.py": "import conf\nfor conf.K in (1, 5): pass\ndef f(): return conf.K", "conf.py": "K = 0\n"},
            ("5", "6"),
        ),
        with_target=(
            {
                "m.py": "import conf\nfrom contextlib import nullcontext\nwith nullcontext(5) as conf.K: pass\ndef f(): return conf.K",
                "conf.py": "K = 0\n",
            },
            ("(5)", "(6)"),
        ),
        unpack_target=(
            {"m.py": "import conf\nconf.K, conf.L = 5, 7\ndef f(): return conf.K", "conf.py": "K = L = 0\n"},
            ("5,", "6,"),
        ),
        walrus_in_comprehension=("K = 0\n[K := n for n in (1, 5)]\ndef f(): return K", ("5", "6")),
        import_binds_attr=(
            {
                "m.py": "import conf\nimport pkg.sub as thing\nconf.T = thing\ndef f(): return conf.T.g()",
                "conf.py": "T = None\n",
                "pkg/__init__.py": "",
                "pkg/sub.py": "def g(): return 1\n",
            },
            {"pkg/sub.py": ("return 1", "return 2")},
        ),
        setdefault_chain=("R = {}\nR.setdefault('a', []).append(1)\ndef f(): return R", ("(1)", "(2)")),
        nested_attr_chain=(
            {
                "m.py": "import conf\nconf.C.inner.n = 5\ndef f(): return conf.get()",
                "conf.py": "class I:\n    n = 0\nclass O:\n    inner = I()\nC = O()\ndef get(): return C.inner.n\n",
            },
            ("= 5", "= 6"),
        ),
        getattr_place=(
            {
                "m.py": "import conf\ngetattr(conf, 'C').n = 5\ndef f(): return conf.C.n",
                "conf.py": "class O: n = 0\nC = O()\n",
            },
            ("= 5", "= 6"),
        ),
        functools_reduce=(
            "import functools\nR = []\nfunctools.reduce(lambda a, b: R.append(b), [1], 0)\ndef f(): return R",
            ("[1]", "[2]"),
        ),
        map_consumed=("R = []\nlist(map(R.append, [1]))\ndef f(): return R", ("[1]", "[2]")),
        any_consumed=("R = []\nX = any(R.append(n) for n in [1])\ndef f(): return R", ("[1]", "[2]")),
        deque_consumed=(
            "from collections import deque\nR = []\nX = deque(map(R.append, [1]), maxlen=0)\ndef f(): return R",
            ("[1]", "[2]"),
        ),
        sorted_key_effect=(
            "R = []\ndef k(n):\n    R.append(n)\n    return n\nX = sorted([1], key=k)\ndef f(): return R",
            ("[1]", "[2]"),
        ),
        default_arg_effect=(
            "R = []\ndef reg(n):\n    R.append(n)\n    return n\ndef g(x=reg(1)): ...\ndef f(): return R",
            ("reg(1)", "reg(2)"),
        ),
        class_annotation_effect=(
            "R = []\ndef reg(n):\n    R.append(n)\n    return n\nclass A:\n    x: reg(1)\ndef f(): return R",
            ("reg(1)", "reg(2)"),
        ),
        base_by_call=(
            "R = []\ndef base(n):\n    R.append(n)\n    return object\nclass A(base(1)): ...\ndef f(): return R",
            ("base(1)", "base(2)"),
        ),
        decorated_method_registers=(
            "R = {}\ndef route(p):\n    def w(g):\n        R[p] = g\n        return g\n    return w\nclass A:\n    @route('x')\n    def go(self): return 1\ndef f(): return R['x'](None)",
            ("return 1", "return 2"),
        ),
        raise_in_try=(
            "R = []\ntry:\n    raise ValueError(1)\nexcept ValueError as e:\n    R.append(e.args)\ndef f(): return R",
            ("Error(1)", "Error(2)"),
        ),
        assert_effect=("R = []\nassert not R.append(1)\ndef f(): return R", ("(1)", "(2)")),
        conditional_expression=(
            "R = []\nX = R.append(1) if True else None\ndef f(): return R",
            ("(1)", "(2)"),
        ),
        bool_effect=("R = []\nX = True and R.append(1)\ndef f(): return R", ("(1)", "(2)")),
        f_string_effect=("R = []\nX = f'{R.append(1)}'\ndef f(): return R", ("(1)", "(2)")),
        repr_effect=(
            "R = []\nclass A:\n    def __init__(self, n): self.n = n\n    def __repr__(self):\n        R.append(self.n)\n        return ''\nX = f'{A(1)}'\ndef f(): return R",
            ("A(1)", "A(2)"),
        ),
        str_call_effect=(
            "R = []\nclass A:\n    def __init__(self, n): self.n = n\n    def __str__(self):\n        R.append(self.n)\n        return ''\na = A(1)\nX = str(a)\ndef f(): return R",
            ("X = str(a)", "X = str(a) + str(a)"),
        ),
        len_effect=(
            "R = []\nclass A:\n    def __len__(self):\n        R.append(1)\n        return 1\na = A()\nX = len(a)\ndef f(): return R",
            ("X = len(a)", "X = 1"),
        ),
        iter_effect=(
            "R = []\nclass A:\n    def __iter__(self):\n        R.append(1)\n        return iter(())\na = A()\nX = list(a)\ndef f(): return R",
            ("X = list(a)", "X = []"),
        ),
        star_effect=(
            "R = []\nclass A:\n    def __iter__(self):\n        R.append(1)\n        return iter(())\na = A()\nX = [*a]\ndef f(): return R",
            ("X = [*a]", "X = []"),
        ),
        comparison_effect=(
            "R = []\nclass A:\n    def __lt__(self, o):\n        R.append(1)\n        return True\na = A()\nX = a < a\ndef f(): return R",
            ("X = a < a", "X = 1"),
        ),
        delete_effect=(
            "R = []\nclass A:\n    def __del__(self): R.append(1)\na = A()\ndel a\ndef f(): return R",
            ("append(1)", "append(2)"),
        ),
    ),
]
