"""Edits behind imports: submodules, stars, names made of texts, modules beside the project."""

from edits import edits

UTIL = "def g(): return 1\nK = 1\n"
G = {"p/util.py": ("return 1", "return 2")}
RED = {"models/__init__.py": "", "models/red.py": "X = 1\n", "models/blue.py": "X = 2\n"}
TO_RED = {"models/red.py": ("X = 1", "X = 5")}
DYNAMIC = {**RED, "models/deep/__init__.py": "", "models/deep/green.py": "X = 3\n"}


def package(init, steps, **more):
    return {"p/__init__.py": init, "p/steps.py": steps, "p/util.py": UTIL, **more}


def dynamic(source, **more):
    return {"m.py": source, **DYNAMIC, **more}


STEPS = {"call": "p.steps:f"}
KIND = {"params": {"kind": "red"}}

IMPORTS = [
    *edits(
        "submodules that a package hands on",
        from_dot_import=(
            package("from . import util", "from . import util\ndef f(): return util.g()"),
            G,
            STEPS,
        ),
        absolute=(package("from p import util", "from p import util\ndef f(): return util.g()"), G, STEPS),
        import_as=(
            package("import p.util as util", "from . import util\ndef f(): return util.g()"),
            G,
            STEPS,
        ),
        plain_import=(package("import p.util", "import p\ndef f(): return p.util.g()"), G, STEPS),
        renamed=(package("from . import util as u", "from . import u\ndef f(): return u.g()"), G, STEPS),
        star=(package("from .util import *", "from p import g\ndef f(): return g()"), G, STEPS),
        constant=(
            package("from . import util", "from . import util as u\ndef f(): return u.K"),
            {"p/util.py": ("K = 1", "K = 2")},
            STEPS,
        ),
        by_getattr=(
            package("from . import util", "import p\ndef f(): return getattr(p, 'util').g()"),
            G,
            STEPS,
        ),
        in_function=(
            package("from . import util", "def f():\n    from . import util\n    return util.g()"),
            G,
            STEPS,
        ),
        two_packages=(
            {
                "m.py": "from q import p\ndef f(): return p.util.g()",
                "q/__init__.py": "from . import p",
                "q/p/__init__.py": "from . import util",
                "q/p/util.py": UTIL,
            },
            {"q/p/util.py": ("return 1", "return 2")},
        ),
        circle=(
            package("from . import steps, util", "from . import util\ndef f(): return util.g()"),
            G,
            STEPS,
        ),
    ),
    *edits(
        "outside of the project's folders",
        helper=(
            {"m.py": "import teamlib\ndef f(): return teamlib.g()", "shared/teamlib.py": UTIL},
            {"shared/teamlib.py": ("return 1", "return 2")},
            {"outside": ("shared",)},
        ),
        callable=(
            {"m.py": "", "shared/teamlib.py": UTIL},
            {"shared/teamlib.py": ("return 1", "return 2")},
            {"outside": ("shared",), "call": "teamlib:g"},
        ),
        helper_of_callable=(
            {
                "m.py": "",
                "shared/team/__init__.py": "from .a import f",
                "shared/team/a.py": "from .b import g\ndef f(): return g()",
                "shared/team/b.py": UTIL,
            },
            {"shared/team/b.py": ("return 1", "return 2")},
            {"outside": ("shared",), "call": "team:f"},
        ),
        re_exported=(
            {"m.py": "from teamlib import g as f", "shared/teamlib.py": UTIL},
            {"shared/teamlib.py": ("return 1", "return 2")},
            {"outside": ("shared",)},
        ),
        namespace_package=(
            {"m.py": "from space.team import g\ndef f(): return g()", "shared/space/team.py": UTIL},
            {"shared/space/team.py": ("return 1", "return 2")},
            {"outside": ("shared",)},
        ),
        two_folders=(
            {"m.py": "import a, b\ndef f(): return a.g() + b.g()", "one/a.py": UTIL, "two/b.py": UTIL},
            {"two/b.py": ("return 1", "return 2")},
            {"outside": ("one", "two")},
        ),
    ),
    *edits(
        "modules by a text",
        constant=(
            dynamic(
                "from importlib import import_module\nNAME = 'models.red'\ndef f(): return import_module(NAME).X"
            ),
            TO_RED,
        ),
        constant_changes=(
            dynamic(
                "from importlib import import_module\nNAME = 'models.red'\ndef f(): return import_module(NAME).X"
            ),
            ("models.red", "models.blue"),
        ),
        f_string=(
            dynamic("import importlib\ndef f(kind): return importlib.import_module(f'models.{kind}').X"),
            TO_RED,
            KIND,
        ),
        two_levels=(
            dynamic("import importlib\ndef f(kind): return importlib.import_module(f'models.{kind}').X"),
            {"models/deep/green.py": ("3", "4")},
            {"params": {"kind": "deep.green"}},
        ),
        joined=(
            dynamic("import importlib\ndef f(kind): return importlib.import_module('models.' + kind).X"),
            TO_RED,
            KIND,
        ),
        percent=(
            dynamic("import importlib\ndef f(kind): return importlib.import_module('models.%s' % kind).X"),
            TO_RED,
            KIND,
        ),
        formatted=(
            dynamic(
                "import importlib\ndef f(kind): return importlib.import_module('models.{}'.format(kind)).X"
            ),
            TO_RED,
            KIND,
        ),
        join=(
            dynamic(
                "import importlib\ndef f(kind): return importlib.import_module('.'.join(['models', kind])).X"
            ),
            TO_RED,
            KIND,
        ),
        local_name=(
            dynamic(
                "import importlib\ndef f(kind):\n    name = f'models.{kind}'\n    return importlib.import_module(name).X"
            ),
            TO_RED,
            KIND,
        ),
        keyword=(
            dynamic("import importlib\ndef f(): return importlib.import_module(name='models.red').X"),
            TO_RED,
        ),
        alias=(
            dynamic("from importlib import import_module as im\ndef f(): return im('models.red').X"),
            TO_RED,
        ),
        alias_of_module=(
            dynamic("import importlib as il\ndef f(kind): return il.import_module(f'models.{kind}').X"),
            TO_RED,
            KIND,
        ),
        alias_in_function=(
            dynamic(
                "def f(kind):\n    from importlib import import_module as im\n    return im(f'models.{kind}').X"
            ),
            TO_RED,
            KIND,
        ),
        dunder_import=(
            dynamic("def f(kind): return __import__(f'models.{kind}', fromlist=['X']).X"),
            TO_RED,
            KIND,
        ),
        table=(
            dynamic(
                "import importlib\nTABLE = {'red': 'models.red', 'blue': 'models.blue'}\ndef f(kind): return importlib.import_module(TABLE[kind]).X"
            ),
            TO_RED,
            KIND,
        ),
        table_in_another_module=(
            dynamic(
                "import importlib\nfrom tables import TABLE\ndef f(kind): return importlib.import_module(TABLE.get(kind, 'models.blue')).X",
                **{"tables.py": "TABLE = {'red': 'models.red'}\n"},
            ),
            TO_RED,
            KIND,
        ),
        constant_of_another_module=(
            dynamic(
                "import importlib\nimport names\ndef f(): return importlib.import_module(names.NAME).X",
                **{"names.py": "NAME = 'models.red'\n"},
            ),
            TO_RED,
        ),
        loop=(
            dynamic(
                "import importlib\ndef f():\n    return [importlib.import_module(f'models.{n}').X for n in ('red', 'blue')]"
            ),
            TO_RED,
        ),
        loop_at_the_top=(
            dynamic(
                "import importlib\nFOUND = {}\nfor name in ['red', 'blue']:\n    FOUND[name] = importlib.import_module('models.' + name).X\ndef f(): return FOUND"
            ),
            TO_RED,
        ),
        mapped=(
            dynamic(
                "from importlib import import_module\ndef f(): return [m.X for m in map(import_module, ['models.red'])]"
            ),
            TO_RED,
        ),
        name_and_class=(
            dynamic("import pkgutil\ndef f(): return pkgutil.resolve_name('models.red:X')"),
            TO_RED,
        ),
        located=(dynamic("import pydoc\ndef f(kind): return pydoc.locate(f'models.{kind}').X"), TO_RED, KIND),
        unknown=(
            dynamic("from importlib import import_module\ndef f(kind): return import_module(kind).X"),
            TO_RED,
            {"params": {"kind": "models.red"}},
        ),
        target_in_a_table=(
            dynamic(
                "import importlib\nCONFIG = {'_target_': 'models.red.X'}\ndef make(path):\n    m, _, n = path.rpartition('.')\n    return getattr(importlib.import_module(m), n)\ndef f(): return make(CONFIG['_target_'])"
            ),
            TO_RED,
        ),
        sys_modules=(dynamic("import sys, models.red\ndef f(): return sys.modules['models.red'].X"), TO_RED),
        sys_modules_get=(
            dynamic(
                "from sys import modules as loaded\nimport models.red\ndef f(): return loaded.get('models.red').X"
            ),
            TO_RED,
        ),
        sys_modules_f_string=(
            dynamic("import sys as s, models.red\ndef f(kind): return s.modules[f'models.{kind}'].X"),
            TO_RED,
            KIND,
        ),
        sys_modules_by_getattr=(
            dynamic("import sys, models.red\ndef f(): return getattr(sys, 'modules')['models.red'].X"),
            TO_RED,
        ),
        iter_modules=(
            dynamic(
                "import importlib, pkgutil, models\ndef f(): return sorted(importlib.import_module('models.' + m.name).X for m in pkgutil.iter_modules(models.__path__) if not m.ispkg)"
            ),
            TO_RED,
        ),
        walk_packages=(
            dynamic(
                "import importlib, pkgutil, models\ndef f(): return sorted(getattr(importlib.import_module(m.name), 'X', 0) for m in pkgutil.walk_packages(models.__path__, 'models.'))"
            ),
            {"models/deep/green.py": ("3", "9")},
        ),
        a_new_module=(
            dynamic(
                "import importlib, pkgutil, models\ndef f(): return sorted(m.name for m in pkgutil.iter_modules(models.__path__))"
            ),
            {"models/violet.py": "X = 9\n"},
        ),
        own_folder=(
            {
                **RED,
                "models/__init__.py": "import importlib, pathlib\ndef f():\n    here = pathlib.Path(__file__).parent\n    return sorted(importlib.import_module(f'{__package__}.{p.stem}').X for p in here.glob('*.py') if p.stem != '__init__')\n",
            },
            TO_RED,
            {"call": "models:f"},
        ),
        relative=(
            {
                **RED,
                "models/__init__.py": "from importlib import import_module\ndef f(kind): return import_module('.' + kind, __package__).X\n",
            },
            TO_RED,
            {"call": "models:f", **KIND},
        ),
        relative_constant=(
            {
                **RED,
                "models/__init__.py": "from importlib import import_module\ndef f(): return import_module('.red', __package__).X\n",
            },
            TO_RED,
            {"call": "models:f"},
        ),
        relative_to_name=(
            {
                **RED,
                "models/__init__.py": "from importlib import import_module\ndef f(kind): return import_module(f'.{kind}', package=__name__).X\n",
            },
            TO_RED,
            {"call": "models:f", **KIND},
        ),
        lazy_attributes=(
            {
                "m.py": "import models\ndef f(): return models.X",
                **RED,
                "models/__init__.py": "import importlib\n_LAZY = {'X': '.red'}\ndef __getattr__(name):\n    return getattr(importlib.import_module(_LAZY[name], __name__), name)\n",
            },
            TO_RED,
        ),
        lazy_import_from=(
            {
                "m.py": "from models import X\ndef f(): return X",
                **RED,
                "models/__init__.py": "def __getattr__(name):\n    import models.red as red\n    return red.X\n",
            },
            TO_RED,
        ),
        helper_takes_the_name=(
            dynamic(
                "import importlib\ndef load(kind): return importlib.import_module('models.' + kind)\ndef f(kind): return load(kind).X"
            ),
            TO_RED,
            KIND,
        ),
    ),
    *edits(
        "star imports over names",
        before=(
            {"m.py": "K = 1\nfrom local import *\ndef f(): return K", "local.py": "K = 2\n"},
            {"local.py": ("2", "3")},
        ),
        in_try=(
            "K = 1\ntry:\n    from local import *\nexcept ImportError:\n    pass\ndef f(): return K",
            {"local.py": "K = 3\n"},
        ),
        function=(
            {"m.py": "def g(): return 1\nfrom local import *\ndef f(): return g()", "local.py": "L = 1\n"},
            {"local.py": "def g(): return 5\n"},
        ),
        over_an_import=(
            {
                "m.py": "from a import K\nfrom local import *\ndef f(): return K",
                "a.py": "K = 1\n",
                "local.py": "K = 2\n",
            },
            {"local.py": ("2", "3")},
        ),
        order=(
            {"m.py": "K = 1\nfrom local import *\ndef f(): return K", "local.py": "K = 2\n"},
            ("K = 1\nfrom local import *", "from local import *\nK = 1"),
        ),
        order_of_stars=(
            {
                "m.py": "from a import *\nfrom b import *\ndef f(): return K",
                "a.py": "K = 1\n",
                "b.py": "K = 2\n",
            },
            ("from a import *\nfrom b import *", "from b import *\nfrom a import *"),
        ),
        over_a_builtin=(
            {"m.py": "from local import *\ndef f(): return max([1, 2])", "local.py": ""},
            {"local.py": "def max(x): return 0\n"},
        ),
        exported_names=(
            {"m.py": "K = 1\nfrom local import *\ndef f(): return K", "local.py": "__all__ = ['K']\nK = 2\n"},
            {"local.py": ("['K']", "[]")},
        ),
        in_a_package=(
            {
                "p/__init__.py": "",
                "p/m.py": "K = 1\nfrom .local import *\ndef f(): return K",
                "p/local.py": "K = 2\n",
            },
            {"p/local.py": ("2", "3")},
            {"call": "p.m:f"},
        ),
        plain_import_in_try=(
            "try:\n    from local import K\nexcept ImportError:\n    K = 1\ndef f(): return K",
            {"local.py": "K = 3\n"},
        ),
        settings_that_appear=(
            {
                "m.py": "import config\ntry:\n    import local_settings\nexcept ImportError:\n    pass\ndef f(): return config.K",
                "config.py": "K = 1\n",
            },
            {"local_settings.py": "import config\nconfig.K = 2\n"},
        ),
        order_of_imports_of_one_name=(
            {
                "m.py": "from a import K\nfrom b import K\ndef f(): return K",
                "a.py": "K = 1\n",
                "b.py": "K = 2\n",
            },
            ("from a import K\nfrom b import K", "from b import K\nfrom a import K"),
        ),
    ),
    *edits(
        "star imports of a module that counts whole",
        rules_by_suffix_import=(
            {
                "m.py": "import rules\ndef f(): return [v(1) for k, v in vars(rules).items() if k.endswith('_rule')]",
                "rules/__init__.py": "from .text import *\nfrom .num import *\n",
                "rules/text.py": "def a_rule(x): return x\n",
                "rules/num.py": "def b_rule(x): return x * 2\n",
            },
            {"rules/num.py": ("x * 2", "x * 3")},
        ),
        eval_names_helper=(
            {
                "m.py": "from conf import EXPR\nfrom helpers import *\ndef f(): return eval(EXPR)",
                "conf.py": "EXPR = 'double(3)'\n",
                "helpers.py": "def double(x): return x * 2\n",
            },
            {"helpers.py": ("x * 2", "x * 4")},
        ),
        star_unused=(
            {
                "m.py": "from lib import *\nimport lib2\ndef f(): return go()",
                "lib.py": "def go(): return 1\ndef other(): return 2\n",
                "lib2.py": "X=1\n",
            },
            {"lib.py": ("return 2", "return 3")},
            {"keeps": True},
        ),
    ),
]
