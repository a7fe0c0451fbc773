"""What jupyter_kernel_test asks of every kernel: `python -m unittest protocol`."""

import unittest

import jupyter_kernel_test


class TypeScriptKernel(jupyter_kernel_test.KernelTests):
    kernel_name = "tslab"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("oops")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "const a = 6; a", "result": "6"},
        {"code": "'galaxy'", "result": "'galaxy'"},
    ]
    code_display_data = [
        {"code": 'import { display } from "tslab"; display.html("<b>M 31</b>")', "mime": "text/html"},
        {"code": 'import { showMarkdown } from "tuning-fork"; showMarkdown("*M 31*")', "mime": "text/markdown"},
    ]
    code_generate_error = 'throw new RangeError("out of the field")'
    code_inspect_sample = "Math.max"
    completion_samples = [
        {"text": "Math.sq", "matches": {"sqrt", "SQRT1_2", "SQRT2"}},
        {"text": "JSON.s", "matches": {"parse", "stringify"}},
    ]
    complete_code_samples = ["1 + 1", "const a = () => 2", ""]
    incomplete_code_samples = ["const f = () => {", "[1, 2,"]
    invalid_code_samples = []  # what is wrong is told when it is run
    code_page_something = ""  # no pager
    code_clear_output = ""
    code_history_pattern = [".*"]
    supported_history_operations = ("tail",)


if __name__ == "__main__":
    unittest.main()
