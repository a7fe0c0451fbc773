"""Lets papermill write parameters into notebooks in TypeScript.

papermill has no entry point for a language, but it loads those of engines whenever it starts: the engine
that this one names is papermill's own, and loading it registers the language.
"""

import json

from papermill.engines import NBClientEngine
from papermill.translators import Translator, papermill_translators


class TypeScriptTranslator(Translator):
    @classmethod
    def translate(cls, val):
        return json.dumps(val, ensure_ascii=False, default=str)

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".rstrip()

    @classmethod
    def assign(cls, name, str_val):
        # `let`: a constant's type would be its one value.
        return f"let {name} = {str_val};"


papermill_translators.register("typescript", TypeScriptTranslator)
Engine = NBClientEngine
