"""Edits of what modules set at import for all: settings of libraries, the environment, patches."""

from edits import edits

SETTINGS = [
    *edits(
        "settings",
        csv_dialect=(
            {
                "m.py": "import csv, conf\ndef f(): return list(csv.reader(['a;b,c'], 'mine'))",
                "conf.py": "import csv\ncsv.register_dialect('mine', delimiter=';')\n",
            },
            {"conf.py": ("';'", "','")},
        ),
        sklearn_config=(
            {
                "m.py": "import conf, sklearn\ndef f(): return sklearn.get_config()['transform_output']",
                "conf.py": "import sklearn\nsklearn.set_config(transform_output='pandas')\n",
            },
            {"conf.py": ("'pandas'", "'default'")},
        ),
        rcparams=(
            {
                "m.py": "import conf, matplotlib\ndef f(): return matplotlib.rcParams['lines.linewidth']",
                "conf.py": "import matplotlib as mpl\nmpl.rcParams['lines.linewidth'] = 3\n",
            },
            {"conf.py": ("3", "4")},
        ),
        rcparams_update=(
            {
                "m.py": "import conf, matplotlib\ndef f(): return matplotlib.rcParams['lines.linewidth']",
                "conf.py": "from matplotlib import rcParams\nrcParams.update({'lines.linewidth': 3})\n",
            },
            {"conf.py": ("3", "4")},
        ),
        mpl_rc=(
            {
                "m.py": "import conf, matplotlib\ndef f(): return matplotlib.rcParams['lines.linewidth']",
                "conf.py": "import matplotlib as mpl\nmpl.rc('lines', linewidth=3)\n",
            },
            {"conf.py": ("3", "4")},
        ),
        mpl_style=(
            {
                "m.py": "import conf, matplotlib\ndef f(): return matplotlib.rcParams['axes.grid'], matplotlib.rcParams['axes.facecolor']",
                "conf.py": "import matplotlib.style\nmatplotlib.style.use('ggplot')\n",
            },
            {"conf.py": ("ggplot", "dark_background")},
        ),
        jinja_filters=(
            {
                "m.py": "import conf, jinja2\ndef f(): return jinja2.Environment().from_string('{{ 3|twice }}').render()",
                "conf.py": "import jinja2.filters\njinja2.filters.FILTERS['twice'] = lambda x: x*2\n",
            },
            {"conf.py": ("x*2", "x*3")},
        ),
        jinja_default_filters=(
            {
                "m.py": "import conf, jinja2\ndef f(): return jinja2.Environment().from_string('{{ 3|twice }}').render()",
                "conf.py": "from jinja2.defaults import DEFAULT_FILTERS\ndef twice(x): return x*2\nDEFAULT_FILTERS['twice'] = twice\n",
            },
            {"conf.py": ("x*2", "x*3")},
        ),
        codec_error=(
            {
                "m.py": "import conf\ndef f(): return 'ä'.encode('ascii', 'mine')",
                "conf.py": "import codecs\ncodecs.register_error('mine', lambda e: ('x', e.end))\n",
            },
            {"conf.py": ("'x'", "'y'")},
        ),
        mime=(
            {
                "m.py": "import conf, mimetypes\ndef f(): return mimetypes.guess_type('a.xyz')",
                "conf.py": "import mimetypes\nmimetypes.add_type('a/b', '.xyz')\n",
            },
            {"conf.py": ("a/b", "a/c")},
        ),
        locale_=(
            {
                "m.py": "import conf, locale\ndef f(): return locale.setlocale(locale.LC_NUMERIC)",
                "conf.py": "import locale\nlocale.setlocale(locale.LC_NUMERIC, 'C')\n",
            },
            {"conf.py": ("'C'", "'C.UTF-8'")},
        ),
        socket_timeout=(
            {
                "m.py": "import conf, socket\ndef f(): return socket.getdefaulttimeout()",
                "conf.py": "import socket\nsocket.setdefaulttimeout(3)\n",
            },
            {"conf.py": ("3", "4")},
        ),
        mock_patch=(
            {
                "m.py": "import conf, os\ndef f(): return os.sep2",
                "conf.py": "from unittest import mock\nmock.patch('os.sep2', 'a', create=True).start()\n",
            },
            {"conf.py": ("'a'", "'b'")},
        ),
        mock_dict=(
            {
                "m.py": "import conf, os\ndef f(): return os.environ.get('REUSE_X')",
                "conf.py": "import os\nfrom unittest import mock\nmock.patch.dict(os.environ, {'REUSE_X': 'a'}).start()\n",
            },
            {"conf.py": ("'a'", "'b'")},
        ),
        mock_object=(
            {
                "m.py": "import conf, math\ndef f(): return math.floor(1.5)",
                "conf.py": "import math\nfrom unittest.mock import patch\npatcher = patch.object(math, 'floor', lambda x: 10)\npatcher.start()\n",
            },
            {"conf.py": ("10", "20")},
        ),
        environ_or=(
            {
                "m.py": "import conf, os\ndef f(): return os.environ.get('REUSE_Y')",
                "conf.py": "import os\nos.environ |= {'REUSE_Y': 'a'}\n",
            },
            {"conf.py": ("'a'", "'b'")},
        ),
        environ_putenv=(
            {
                "m.py": "import conf, os, subprocess\ndef f(): return subprocess.check_output('echo $REUSE_Z', shell=True)",
                "conf.py": "import os\nos.putenv('REUSE_Z', 'a')\n",
            },
            {"conf.py": ("'a'", "'b'")},
        ),
        environ_dunder=(
            {
                "m.py": "import conf, os\ndef f(): return os.environ.get('REUSE_W')",
                "conf.py": "import os\nos.environ.__setitem__('REUSE_W', 'a')\n",
            },
            {"conf.py": ("'a'", "'b'")},
        ),
        polars_config=(
            {
                "m.py": "import conf, polars as pl\ndef f(): return str(pl.DataFrame({'a': range(5)}))",
                "conf.py": "import polars as pl\npl.Config.set_tbl_rows(2)\n",
            },
            {"conf.py": ("2", "3")},
        ),
        polars_config_inst=(
            {
                "m.py": "import conf, polars as pl\ndef f(): return str(pl.DataFrame({'a': range(5)}))",
                "conf.py": "import polars as pl\ncfg = pl.Config(tbl_rows=2)\n",
            },
            {"conf.py": ("2", "3")},
        ),
        polars_namespace=(
            {
                "m.py": "import conf, polars as pl\ndef f(): return pl.DataFrame({'a': [1]}).my.g()",
                "conf.py": "import polars as pl\n@pl.api.register_dataframe_namespace('my')\nclass My:\n    def __init__(self, df): self.df = df\n    def g(self): return 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        pandas_so=(
            {
                "m.py": "import conf, pandas as pd\ndef f(): return str(pd.Series([1.23456]))",
                "conf.py": "from pandas import set_option as so\nso('display.precision', 2)\n",
            },
            {"conf.py": ("2", "3")},
        ),
        pandas_option_context=(
            {
                "m.py": "import conf, pandas as pd\ndef f(): return str(pd.Series([1.23456]))",
                "conf.py": "import pandas as pd\nc = pd.option_context('display.precision', 2)\nc.__enter__()\n",
            },
            {"conf.py": ("2", "3")},
        ),
        np_print=(
            {
                "m.py": "import conf, numpy as np\ndef f(): return str(np.array([1.23456]))",
                "conf.py": "import numpy as np\nnp.set_printoptions(precision=2)\n",
            },
            {"conf.py": ("2", "3")},
        ),
        np_errcall=(
            {
                "m.py": "import conf, numpy as np\ndef f(): return np.geterr()",
                "conf.py": "import numpy\nstate = numpy.seterr(all='ignore')\n",
            },
            {"conf.py": ("ignore", "warn")},
        ),
        dataframe_attr=(
            {
                "m.py": "import conf, pandas as pd\ndef f(): return pd.DataFrame().shout()",
                "conf.py": "import pandas as pd\ndef shout(df): return 10\npd.DataFrame.shout = shout\n",
            },
            {"conf.py": ("10", "20")},
        ),
        series_setattr_loop=(
            {
                "m.py": "import conf, pandas as pd\ndef f(): return pd.Series().shout()",
                "conf.py": "import pandas as pd\nfor c in (pd.Series, pd.DataFrame):\n    setattr(c, 'shout', lambda self: 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        builtins_print=(
            {
                "m.py": "import conf\ndef f(): return round(1.5)",
                "conf.py": "import builtins\nbuiltins.round = lambda x: 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        json_default=(
            {
                "m.py": "import conf, json\ndef f(): return json.dumps({1})",
                "conf.py": "import json\njson.JSONEncoder.default = lambda self, o: 10\n",
            },
            {"conf.py": ("10", "20")},
        ),
        yaml_repr=(
            {
                "m.py": "import conf, yaml\ndef f(): return yaml.dump(conf.P(1))",
                "conf.py": "import yaml\nclass P:\n    def __init__(s, x): s.x = x\nyaml.add_representer(P, lambda d, p: d.represent_scalar('!p', '10'))\n",
            },
            {"conf.py": ("'10'", "'20'")},
        ),
        yaml_loader_method=(
            {
                "m.py": "import conf, yaml\ndef f(): return yaml.safe_load('!p 3')",
                "conf.py": "import yaml\nyaml.SafeLoader.add_constructor('!p', lambda l, n: 10)\n",
            },
            {"conf.py": ("10", "20")},
        ),
        yaml_resolver=(
            {
                "m.py": "import conf, yaml\ndef f(): return yaml.safe_load('a: yes')",
                "conf.py": "import yaml\nyaml.SafeLoader.yaml_implicit_resolvers['y'] = []\n",
            },
            {"conf.py": ("['y']", "['n']")},
        ),
        omegaconf_resolver=(
            {
                "m.py": "import conf\nfrom omegaconf import OmegaConf\ndef f(): return OmegaConf.create({'a': '${mul:3}'}).a",
                "conf.py": "from omegaconf import OmegaConf\nOmegaConf.register_new_resolver('mul', lambda x: int(x)*10, replace=True)\n",
            },
            {"conf.py": ("*10", "*20")},
        ),
        omegaconf_resolver_fn=(
            {
                "m.py": "import conf\nfrom omegaconf import OmegaConf\ndef f(): return OmegaConf.create({'a': '${mul:3}'}).a",
                "conf.py": "from omegaconf import OmegaConf\nK = 10\ndef mul(x): return int(x)*K\ndef init():\n    if not OmegaConf.has_resolver('mul'): OmegaConf.register_new_resolver('mul', mul)\ninit()\n",
            },
            {"conf.py": ("K = 10", "K = 20")},
        ),
    ),
    *edits(
        "what is logged, and code that asks",
        logger_level=(
            {
                "m.py": "import logging, conf\ndef f(): return logging.getLogger('reuse.a').isEnabledFor(logging.INFO)",
                "conf.py": "import logging\nlogging.getLogger('reuse.a').setLevel(logging.INFO)\n",
            },
            {"conf.py": ("logging.INFO", "logging.ERROR")},
        ),
        basic_config=(
            {
                "m.py": "import logging, conf\ndef f(): return logging.getLogger().level",
                "conf.py": "import logging\nlogging.basicConfig(level='INFO', force=True)\n",
            },
            {"conf.py": ("'INFO'", "'ERROR'")},
        ),
        dict_config_level=(
            {
                "m.py": "import logging, conf\ndef f(): return logging.getLogger('reuse.d').level",
                "conf.py": "import logging.config\nlogging.config.dictConfig({'version': 1, 'loggers': {'reuse.d': {'level': 'INFO'}}})\n",
            },
            {"conf.py": ("'INFO'", "'ERROR'")},
        ),
        disable_level=(
            {
                "m.py": "import logging, conf\ndef f(): return logging.getLogger('q').isEnabledFor(logging.ERROR)",
                "conf.py": "import logging\nlogging.disable(logging.ERROR)\n",
            },
            {"conf.py": ("logging.ERROR", "logging.NOTSET")},
        ),
        add_level_name=(
            {
                "m.py": "import logging, conf\ndef f(): return logging.getLevelName(25)",
                "conf.py": "import logging\nlogging.addLevelName(25, 'TRACE')\n",
            },
            {"conf.py": ("'TRACE'", "'STEP'")},
        ),
        logging_level_unread=(
            {
                "m.py": "import logging, conf\nlog = logging.getLogger(__name__)\ndef f():\n    log.info('x')\n    return 1",
                "conf.py": "import logging\nlogging.basicConfig(level='INFO')\nlogging.getLogger('a').setLevel('INFO')\n",
            },
            {"conf.py": ("basicConfig(level='INFO')", "basicConfig(level='DEBUG')")},
            {"keeps": True},
        ),
    ),
]
